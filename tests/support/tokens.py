"""The API's token in tests: made as a person makes one, given as a command gives it."""

from __future__ import annotations

from pathlib import Path

from pw_common.process.token_file import make_token, read_token

JSON = {"Content-Type": "application/json"}


def token_file(folder: Path) -> Path:
    """A folder's token; made at the first call."""
    path = folder / "api-token"
    make_token(path)
    return path


def bearer(path: Path) -> dict[str, str]:
    """The header that carries a file's token."""
    return {"Authorization": f"Bearer {read_token(path)}"}
