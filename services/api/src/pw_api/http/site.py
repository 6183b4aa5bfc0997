"""The pages that the browser gets: those built from `dashboard/`, else one plain page.

Everything is read once, at start, and held in memory with its gzip form. A page loads scripts,
styles and data from here alone: its policy names no other host, and no script inside of it.
"""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response

from pw_api.core.access import ASSETS, INSTALLED_WITH, PAGES, PAGES_OF_ONE

BUILT: Final = Path(__file__).parent.parent / "site"
FALLBACK: Final = Path(__file__).parent.parent / "page.html"
INDEX: Final = "index.html"
FILES_MAX: Final = 64
FILE_BYTES_MAX: Final = 2 * 1024 * 1024
# Smaller ones do not shrink.
GZIP_BYTES_MIN: Final = 512
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# The plain page carries its script and its style inside.
FALLBACK_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
)
# A file below /assets is named after what it holds, so it never changes.
FOREVER: Final = "public, max-age=31536000, immutable"
CHECK_AGAIN: Final = "no-cache"
# Python knows it only where the system says so.
MEDIA_TYPES: Final = {".webmanifest": "application/manifest+json"}


@dataclass(frozen=True)
class File:
    """One file as it is sent; `packed` is empty where gzip gains nothing."""

    body: bytes
    media_type: str
    headers: dict[str, str]
    packed: bytes = b""

    def answer(self, request: Request) -> Response:
        """The file, packed where the browser can unpack it."""
        takes = request.headers.get("accept-encoding", "")
        headers = {**self.headers, "Vary": "Accept-Encoding"}
        if self.packed and "gzip" in takes:
            headers["Content-Encoding"] = "gzip"
            return Response(self.packed, media_type=self.media_type, headers=headers)
        return Response(self.body, media_type=self.media_type, headers=headers)


@dataclass(frozen=True)
class Site:
    """What is served; `built` is False where only the plain page can be shown.

    `assets` is by name below /assets/, `installed_with` by path.
    """

    page: File
    assets: dict[str, File]
    installed_with: dict[str, File]
    built: bool


def load_site(built: Path = BUILT) -> Site:
    """What is there to serve; a build that is not whole counts as none."""
    index, folder = built / INDEX, built / ASSETS.strip("/")
    if not index.is_file() or not folder.is_dir():
        headers = {"Content-Security-Policy": FALLBACK_POLICY, "Cache-Control": CHECK_AGAIN}
        return Site(_file(FALLBACK, headers), {}, {}, built=False)
    page = _file(index, {"Content-Security-Policy": POLICY, "Cache-Control": CHECK_AGAIN})
    found = sorted(one for one in folder.iterdir() if one.is_file())[:FILES_MAX]
    assets = {one.name: _file(one, {"Cache-Control": FOREVER}) for one in found}
    beside = {path: built / path.strip("/") for path in sorted(INSTALLED_WITH)}
    again = {"Cache-Control": CHECK_AGAIN}
    installed_with = {path: _file(one, again) for path, one in beside.items() if one.is_file()}
    return Site(page, assets, installed_with, built=True)


def add_site(app: FastAPI, site: Site) -> None:
    """Routes of the pages and of what they load."""

    async def page(request: Request) -> Response:
        return site.page.answer(request)

    for path in sorted({*PAGES, *(one + "{name}" for one in PAGES_OF_ONE)}):
        app.add_api_route(path, page, methods=["GET", "HEAD"], include_in_schema=False)

    async def installed_with(request: Request) -> Response:
        found = site.installed_with.get(request.url.path)
        return Response(status_code=404) if found is None else found.answer(request)

    for path in sorted(INSTALLED_WITH):
        app.add_api_route(path, installed_with, include_in_schema=False)

    @app.get(ASSETS + "{name}", include_in_schema=False)
    async def asset(request: Request, name: str) -> Response:
        found = site.assets.get(name)
        return Response(status_code=404) if found is None else found.answer(request)


def _file(path: Path, headers: dict[str, str]) -> File:
    size = path.stat().st_size
    if size > FILE_BYTES_MAX:
        raise ValueError(f"{path.name} has {size} bytes; allowed are {FILE_BYTES_MAX}")
    body = path.read_bytes()
    known = MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    media_type = known or "application/octet-stream"
    # The same bytes for the same file: no time of packing inside.
    packed = gzip.compress(body, 9, mtime=0) if size >= GZIP_BYTES_MIN else b""
    return File(body, media_type, headers, packed if len(packed) < size else b"")
