"""Capture files: framed updates, plain, gzip or zstd by extension, read and written in pieces.

Neither end ever holds more than one update and one piece of the file. The same
updates give the same bytes: gzip's header carries neither time nor name.
"""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

import zstandard

from pw_common.wire.framing import VARINT_BYTES_MAX, frame, join
from pw_common.wire.limits import UPDATE_BYTES_MAX

SUFFIXES: Final = (".pb", ".pb.gz", ".pb.zst")
PIECE_BYTES: Final = 256 * 1024
GZIP_LEVEL: Final = 6
ZSTD_LEVEL: Final = 3
# As much as `zstd --ultra -22` asks for.
WINDOW_BYTES_MAX: Final = 128 * 1024 * 1024
# More than any source sends; a small file that decompresses to zeros holds billions.
EMPTY_IN_A_ROW_MAX: Final = 1_000_000


class BadCapture(ValueError):
    """A capture file that cannot be read any further; says which file and where."""


def read_capture(path: Path, *, named: Path | None = None) -> Iterator[bytes]:
    """Yield each update of a capture file, in its order.

    `named` is what it will be called once it is whole, where it is still called otherwise.

    Raises:
        BadCapture: no such file, another extension, not what the extension says, or
            frames that break off; the updates before it were yielded.
    """
    with _open_to_read(path, suffix_of(named or path)) as stream:
        yield from _updates(path, stream)


class CaptureWriter:
    """Write a capture file: `with CaptureWriter(path) as capture: capture.write(update)`.

    Raises:
        BadCapture: on opening, for an extension that is not one of SUFFIXES.
    """

    def __init__(self, path: Path) -> None:
        kind = suffix_of(path)
        self.updates = 0
        self._file = path.open("wb")
        self._stream: IO[bytes] = self._file
        if kind == ".pb.gz":
            self._stream = cast(
                "IO[bytes]",
                gzip.GzipFile("", "wb", compresslevel=GZIP_LEVEL, fileobj=self._file, mtime=0),
            )
        elif kind == ".pb.zst":
            compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
            self._stream = cast("IO[bytes]", compressor.stream_writer(self._file, closefd=False))

    def write(self, update: bytes) -> None:
        """Append one update, as received."""
        self._stream.write(frame(update))
        self.updates += 1

    def close(self) -> None:
        """Finish the file."""
        if self._stream is not self._file:
            self._stream.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def piece_of(updates: Iterable[bytes], suffix: str) -> bytes:
    """Updates as a piece of a capture file: pieces one behind another are a capture too."""
    body = join(updates)
    if suffix == ".pb.gz":
        return gzip.compress(body, GZIP_LEVEL, mtime=0)
    if suffix == ".pb.zst":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)
    return body


def suffix_of(path: Path) -> str:
    """Which kind of capture a file is by its name. Raises BadCapture."""
    for suffix in reversed(SUFFIXES):
        if path.name.endswith(suffix):
            return suffix
    raise BadCapture(f"{path}: not a capture by its name; allowed: {', '.join(SUFFIXES)}")


def _open_to_read(path: Path, kind: str) -> IO[bytes]:
    try:
        # A device never ends, and a pipe can be read only once, which is not enough.
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadCapture(f"{path}: not a regular file")
        if kind == ".pb.gz":
            return cast("IO[bytes]", gzip.open(path, "rb"))
        if kind == ".pb.zst":
            # A frame says itself how much memory it takes to read it.
            decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
            return cast(
                "IO[bytes]",
                decompressor.stream_reader(path.open("rb"), read_across_frames=True, closefd=True),
            )
        return path.open("rb")
    except OSError as error:
        raise BadCapture(f"{path}: {error.strerror or error}") from error


def _updates(path: Path, stream: IO[bytes]) -> Iterator[bytes]:
    window = b""
    at = 0
    passed = 0
    position = 0
    empty = 0
    ended = False
    while True:
        length, begin = _length(window, at)
        if length > UPDATE_BYTES_MAX:
            where = f"update {position}, byte {passed + at}"
            raise BadCapture(f"{path}: length {length} over {UPDATE_BYTES_MAX} at {where}")
        if length >= 0 and begin + length <= len(window):
            empty = 0 if length else empty + 1
            if empty > EMPTY_IN_A_ROW_MAX:
                where = f"up to update {position}, byte {passed + at}"
                raise BadCapture(f"{path}: {empty} empty updates in a row {where}")
            yield window[begin : begin + length]
            at = begin + length
            position += 1
            continue
        if ended:
            if at == len(window):
                return
            raise BadCapture(f"{path}: breaks off in update {position}, byte {passed + at}")
        piece = _piece(path, stream, position)
        ended = not piece
        passed += at
        window = window[at:] + piece
        at = 0


def _length(window: bytes, at: int) -> tuple[int, int]:
    """A varint's value and where it ends; -1 when the window ends inside of it."""
    value = 0
    for count in range(VARINT_BYTES_MAX):
        if at + count >= len(window):
            return -1, at
        byte = window[at + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    return value | 1 << 70, at


def _piece(path: Path, stream: IO[bytes], position: int) -> bytes:
    try:
        return stream.read(PIECE_BYTES)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise BadCapture(f"{path}: cannot be decompressed after update {position}: {error}") from (
            error
        )
