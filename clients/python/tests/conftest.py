"""A server that says whatever a test wants: what the real one never would is an input too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Server:
    """Answers with `answers`, one after the other, the last one again and again.

    An answer is sent as it is, and the connection then closed, whatever was said of it.
    """

    url: str = ""
    answers: list[bytes] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def says(self, *bodies: str | bytes, status: str = "200 OK", headers: str = "") -> None:
        """From now on these answers."""
        self.answers = [answer(one, status, headers) for one in bodies]
        self.asked.clear()

    def take(self, path: str, headers: dict[str, str]) -> bytes:
        self.asked.append((path, headers))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(body: str | bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole answer."""
    raw = body.encode() if isinstance(body, str) else body
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


@pytest.fixture(name="answer")
def _answer() -> Callable[..., bytes]:
    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(told.take(self.path, {k.lower(): v for k, v in self.headers.items()}))
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        told.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield told
        http.shutdown()
        thread.join()
