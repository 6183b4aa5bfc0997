"""A real browser that a script drives, and pages of other sites for it to open."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest

from pw_api.http.site import load_site

SCRIPT = Path(__file__).parents[1] / "browser"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
NPM_TIMEOUT_S = 240.0
# Several browsers at once on a small machine take several times as long.
SCRIPT_TIMEOUT_S = 900.0


class Hangs(TimeoutError):
    """A script did not end; its last words. It and all that it started were ended."""


async def browse(
    cache: Path,
    wanted: dict[str, Any],
    script: str = "attacks.mjs",
    *,
    within_s: float = SCRIPT_TIMEOUT_S,
) -> dict[str, Any]:
    """Run a script in chromium; what it saw. Skips, loudly, where there is no browser.

    Raises:
        Hangs: after `within_s`.
    """
    chromium = chromium_here()
    folder = await installed(cache)
    said = msgspec.json.encode({"chromium": chromium, **wanted}).decode()
    code, out, err = await _command("node", script, said, folder=folder, timeout_s=within_s)
    assert code == 0, err[-3_000:]
    found: dict[str, Any] = msgspec.json.decode(out)
    return found


def chromium_here() -> str:
    """The browser of this machine; skips, loudly, where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("no chromium here: NOT tried in a browser")
    return found


def dashboard_here() -> None:
    """Skips, loudly, where the pages were not built."""
    if not load_site().built:
        pytest.skip("the dashboard is not built here (make dashboard): NOT tried in a browser")


def assert_looks(found: dict[str, Any]) -> None:
    """No width in no theme runs over, and axe finds nothing."""
    wrong = {name: one["axe"] for name, one in found.items() if one["axe"]}
    assert not wrong, "\n".join(f"{name}: {why}" for name, each in wrong.items() for why in each)
    assert {name: one["overflow"] for name, one in found.items() if one["overflow"] > 0} == {}


async def installed(cache: Path) -> Path:
    """The folder that holds the scripts and what they need, made once; skips without node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node and npm here: NOT tried in a browser")
    lock = hashlib.sha256((SCRIPT / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = cache / lock
    folder.mkdir(parents=True, exist_ok=True)
    # Several tests begin at the same time, and what one is still writing another may not run.
    with (cache / f"{lock}.lock").open("w") as held:
        await asyncio.to_thread(fcntl.flock, held, fcntl.LOCK_EX)
        for path in (*(SCRIPT / name for name in LOCKED), *SCRIPT.glob("*.mjs")):
            _copied(path, folder / path.name)
        if not (folder / "node_modules" / ".package-lock.json").is_file():
            words = ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
            try:
                code, _, err = await _command(*words, folder=folder, timeout_s=NPM_TIMEOUT_S)
            except Hangs as late:
                code, err = 1, str(late)
            if code != 0:
                pytest.skip(f"npm could not install what drives the browser: {err[-300:]}")
    return folder


def _copied(path: Path, into: Path) -> None:
    """A copy that is not written again while somebody runs it."""
    if not into.is_file() or into.read_bytes() != path.read_bytes():
        shutil.copy(path, into)


async def _command(*words: str, folder: Path, timeout_s: float) -> tuple[int, str, str]:
    """Exit code, output and errors.

    Raises:
        Hangs: after `timeout_s`.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = await asyncio.create_subprocess_exec(
            *words, cwd=folder, stdout=out, stderr=err, start_new_session=True
        )
        try:
            code = await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            said = f"{words[0]} {words[1]} took longer than {timeout_s:g} s; it said: {_said(err)}"
            raise Hangs(said) from None
        finally:
            # A browser outlives the script that drives it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        return code, _said(out), _said(err)


def _said(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class _Page(BaseHTTPRequestHandler):
    """An empty page, on which the script does what a page of that site could."""

    def do_GET(self) -> None:  # noqa: N802
        self.answer("text/html", b"<!doctype html><title>elsewhere</title><body>")

    def answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def elsewhere() -> Iterator[int]:
    """Another server on this machine; its port."""
    with _serving(_Page) as port:
        yield port


@contextmanager
def asking_nothing(got: list[str]) -> Iterator[int]:
    """A server as ours was without a door: shows its list and takes every write."""

    class Naive(_Page):
        def do_GET(self) -> None:  # noqa: N802
            got.append(f"GET {self.path.partition('?')[0]}")
            if self.path == "/login":
                self.send_response(303)
                self.send_header("Location", "/")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif self.path.endswith("/stream"):
                self.answer("text/event-stream", b"event: alert\ndata: {}\n\n")
            elif self.path.startswith("/api"):
                self.answer("application/json", b'{"entries":["a wallet"]}')
            else:
                self.answer("text/html", b"<!doctype html><p id=mode>running<p id=ask hidden>")

        def do_POST(self) -> None:  # noqa: N802
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            got.append(f"{self.command} {self.path}")
            self.answer("application/json", b"{}")

        do_PUT = do_POST  # noqa: N815

    with _serving(Naive) as port:
        yield port


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
