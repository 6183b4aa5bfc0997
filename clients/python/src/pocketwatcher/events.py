"""Server-sent events out of bytes, however these were cut. Pure.

As the HTML standard has it: lines end with LF, CR or CRLF; an empty line ends a block; a line that
begins with a colon is a comment. A block is given even if it has no data: one with an id alone says
where the stream stands, and one with a comment alone that it is alive.
"""

from __future__ import annotations

from typing import Final, NamedTuple

# Above what the broker takes for one alert, even where every sign of it is escaped.
BLOCK_BYTES_MAX: Final = 8 * 1024 * 1024
CR: Final = b"\r"
BOM: Final = b"\xef\xbb\xbf"


class TooLong(Exception):  # noqa: N818 - says what it is
    """A block that does not end."""


class Event(NamedTuple):
    """One block. `id` is None where it names none."""

    name: str
    data: str
    id: str | None


class EventParser:
    """Takes bytes as they come; a block that is not complete waits for its end."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._after_cr = False
        self._begun = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete.

        Raises:
            TooLong: a block has more than BLOCK_BYTES_MAX.
        """
        found: list[Event] = []
        # A line feed that follows a carriage return ends no further line, also across chunks.
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        for piece in chunk.splitlines(keepends=True):
            line = piece.rstrip(b"\r\n")
            self._line += line
            self._bytes += len(line)
            if self._bytes > BLOCK_BYTES_MAX:
                raise TooLong(f"an event of more than {BLOCK_BYTES_MAX} bytes")
            if len(line) < len(piece):
                self._end_line(found)
        self._after_cr = self._after_cr or chunk.endswith(CR)
        return found

    def _end_line(self, found: list[Event]) -> None:
        line = bytes(self._line)
        self._line.clear()
        if not self._begun:
            line = line.removeprefix(BOM)
            self._begun = True
        if line:
            self._lines.append(line)
            return
        if self._lines:
            found.append(_event(self._lines))
        self._lines.clear()
        self._bytes = 0


def _event(lines: list[bytes]) -> Event:
    name, data, id_ = "message", [], None
    for line in lines:
        field, _, rest = line.partition(b":")
        value = rest.removeprefix(b" ").decode("utf-8", "replace")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value or "message"
        elif field == b"id" and "\0" not in value:
            id_ = value
    return Event(name, "\n".join(data), id_)
