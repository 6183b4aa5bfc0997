"""A JSON-RPC node on loopback that answers as a test wants: wrongly, slowly, or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Say:
    """One HTTP answer. `drip` sends the body byte by byte, `endless` repeats it for ever."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: bool = False
    endless: bool = False
    reset: bool = False


@dataclass
class OddNode:
    """Keeps blocks; `odd` may answer a call (its method and first parameter) instead."""

    blocks: dict[int, Any]
    odd: Callable[[str, int], Say | None] = lambda _method, _slot: None
    url: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    options: list[Any] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def blocks_asked(self) -> list[int]:
        """The slots of getBlock, in the order asked."""
        return [slot for method, slot in self.asked if method == "getBlock"]

    def answer(self, call: dict[str, Any]) -> Say:
        method, params = call["method"], call["params"]
        self.asked.append((method, params[0]))
        self.options.append(params[-1])
        if (odd := self.odd(method, params[0])) is not None:
            if b'"id":1' in odd.body:
                odd.body = odd.body.replace(b'"id":1', b'"id":%d' % call["id"], 1)
            return odd
        found: Any
        if method == "getBlocks":
            found = sorted(slot for slot in self.blocks if params[0] <= slot <= params[1])
        else:
            found = self.blocks[params[0]]
        return Say(json.dumps({"jsonrpc": "2.0", "result": found, "id": call["id"]}).encode())


def result(value: Any) -> Say:
    """A JSON-RPC answer."""
    return Say(b'{"jsonrpc":"2.0","id":1,"result":' + json.dumps(value).encode() + b"}")


def error(code: int, message: str, *, status: int = 200, **headers: str) -> Say:
    """A JSON-RPC refusal."""
    said = json.dumps({"code": code, "message": message}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Say(b'{"jsonrpc":"2.0","id":1,"error":' + said + b"}", status, named)


def only(method: str, slot: int, said: Say) -> Callable[[str, int], Say | None]:
    """One call is answered so, every other as it should be."""
    return lambda asked, first: said if (asked, first) == (method, slot) else None


@contextmanager
def odd_node(
    blocks: dict[int, Any], odd: Callable[[str, int], Say | None] | None = None
) -> Iterator[OddNode]:
    """The node on a free port."""
    with serving(OddNode(blocks), odd) as served:
        yield served


@contextmanager
def serving(
    node: OddNode, odd: Callable[[str, int], Say | None] | None = None
) -> Iterator[OddNode]:
    """A node of the test's own on a free port."""
    if odd is not None:
        node.odd = odd

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) < int(self.headers["Content-Length"]):
                return  # The client was killed.
            said = node.answer(json.loads(body))
            try:
                self._say(said)
            except ConnectionError:
                return  # Whoever asked has had enough.

        def _say(self, said: Say) -> None:
            self.close_connection = said.drip or said.endless or said.reset
            if said.reset:
                return
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if not said.endless:
                self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            while said.endless and not node.done.is_set():
                self.wfile.write(said.body)
            if not said.drip:
                self.wfile.write(said.body)
            for at in range(len(said.body) if said.drip else 0):
                self.wfile.write(said.body[at : at + 1])
                self.wfile.flush()
                if node.done.wait(0.05):
                    return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    node.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield node
    finally:
        node.done.set()
        server.shutdown()
        server.server_close()
        thread.join()
