"""The header that a node asks for, in a file of its own: it is read without the HTTP client."""

from __future__ import annotations

from pathlib import Path

# Field names of RFC 9110; values are one line.
NAME_CHARS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
HEADER_BYTES_MAX = 8_192


class BadHeader(ValueError):
    """A file that holds no header."""


def read_header(path: Path) -> tuple[str, str]:
    """The one header of a file: `Name: value`.

    Raises:
        BadHeader: it is not one.
        OSError, UnicodeDecodeError: it cannot be read.
    """
    with path.open("rb") as file:
        text = file.read(HEADER_BYTES_MAX + 1).decode("ascii").strip()
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or not name or not value or set(name.lower()) - NAME_CHARS:
        raise BadHeader("it must hold one line such as `x-token: SECRET`")
    if not value.isprintable() or len(text) > HEADER_BYTES_MAX:
        raise BadHeader("its value must be one line of printable characters")
    return name, value
