"""The API's token as a file: read with care, made once and for its owner only."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Final

from pw_common.text.redact import shown_path

TOKEN_BYTES: Final = 32
# A header carries it, so it is printable and has no spaces.
USABLE: Final = re.compile(r"[!-~]{16,512}")
FILE_BYTES_MAX: Final = 4096


class BadToken(ValueError):
    """The file cannot be read or holds no usable token; says which, never what it holds."""


def read_token(path: Path) -> str:
    """The token of a file.

    Raises:
        BadToken: naming the file and what is allowed.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX)
    except OSError as error:
        raise BadToken(f"{shown_path(path)}: {error.strerror}") from error
    token = raw.decode("utf-8", "replace").strip()
    if not token:
        raise BadToken(f"{shown_path(path)} is empty: put the token into it")
    if not USABLE.fullmatch(token):
        raise BadToken(
            f"{shown_path(path)}: a token is one line of 16 to 512 printable signs without spaces"
        )
    return token


def make_token(path: Path) -> bool:
    """Put a new token into `path` unless there is one; whether it was made now.

    It is written aside and linked into place, so nobody ever sees half of one, and of two who
    make it at once one wins and both read the same.

    Raises:
        BadToken: it cannot be written.
    """
    try:
        if path.exists():
            return False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _linked(path, secrets.token_urlsafe(TOKEN_BYTES) + "\n")
    except OSError as error:
        raise BadToken(f"cannot make a token at {shown_path(path)}: {error.strerror}") from error


def _linked(path: Path, text: str) -> bool:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, this never replaces a token that is there.
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True


def new_nonce() -> bytes:
    """A nonce that makes every code and cookie different and impossible to guess."""
    return secrets.token_bytes(16)
