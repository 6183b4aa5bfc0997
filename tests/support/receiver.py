"""A local HTTP server that answers as it is told, and remembers what it was sent."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TAKES: tuple[int, dict[str, str], bytes] = (204, {}, b"")


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers with the next of `answers` (status, headers, body), then with `always`."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    always: tuple[int, dict[str, str], bytes] = TAKES
    # How long each answer takes: a service at work, so that something is always under way.
    takes_s: float = 0.0
    seen: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)

    # Empty: any path. A reused port may still get requests meant for its previous owner.
    path: str = ""

    def know_only_ours(self) -> None:
        """Serve a random path from now on; a request to any other path is a 404."""
        self.path = f"/{secrets.token_hex(8)}"
        self.url += self.path

    def answer(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        if self.path and request.path != self.path:
            return 404, {}, b""
        self.seen.append(request)
        told = self.answers.pop(0) if self.answers else self.always
        if told[0] < 300:
            self.taken.append(request)
        return told


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            if len(body) < length:
                return  # The client died mid-request.
            headers = {name.lower(): value for name, value in self.headers.items()}
            if receiver.takes_s:
                time.sleep(receiver.takes_s)
            status, more, answer = receiver.answer(Received(self.path, headers, body))
            try:
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except ConnectionError:
                return  # Whoever asked was killed meanwhile.

        do_GET = do_POST  # noqa: N815 - the library names it so

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
