"""An answer as it comes in, unpacked within its bound: few bytes can be very many. Pure."""

from __future__ import annotations

import zlib
from typing import Final

# zlib's number for "gzip, with its header".
GZIP: Final = 31


class BadAnswer(RuntimeError):
    """The answer cannot be read, or is over a bound."""


class Unpacked:
    """The bytes so far, never more than `bytes_max`."""

    def __init__(self, bytes_max: int, *, gzip: bool) -> None:
        self._bytes_max = bytes_max
        self._unpack = zlib.decompressobj(GZIP) if gzip else None
        self._bytes = bytearray()

    def add(self, piece: bytes) -> None:
        """Take what came. Raises BadAnswer."""
        if self._unpack is not None:
            room = self._bytes_max + 1 - len(self._bytes)
            try:
                piece = self._unpack.decompress(piece, room)
            except zlib.error as error:
                raise BadAnswer(f"an answer that is not gzip: {error}") from error
        self._bytes += piece
        if len(self._bytes) > self._bytes_max:
            raise BadAnswer(f"an answer of over {_size_text(self._bytes_max)}")

    def whole(self) -> bytes:
        """The whole answer, once it has ended. Raises BadAnswer."""
        if self._unpack is not None and not self._unpack.eof:
            raise BadAnswer("an answer whose gzip is cut off")
        return bytes(self._bytes)


def _size_text(count: int) -> str:
    return f"{count >> 20} MiB" if count >> 20 else f"{count >> 10} KiB"
