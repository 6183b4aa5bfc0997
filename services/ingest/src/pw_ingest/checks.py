"""Checks of single settings of ingest: each says what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pw_common.service import settings as st
from pw_common.text.redact import shown_path
from pw_common.topology.subjects import TOKEN
from pw_ingest.core.rpc.followed import ADDRESSES_MAX
from pw_ingest.core.subscription.programs import MODES, BadPrograms, is_address, read_programs
from pw_rpc.header import BadHeader, read_header

# Follow what is watched.
WATCHED: Final = "watch"
FOLLOW_BYTES_MAX: Final = 64 * 1024


def one_token(value: str) -> str | None:
    """A name that can stand in a subject."""
    return None if TOKEN.fullmatch(value) else f"allowed: {TOKEN.pattern}"


def programs(value: str) -> str | None:
    """A mode, or a file with a list of programs."""
    if value in {"", *MODES}:
        return None
    try:
        read_programs(Path(value).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return f"allowed: {', '.join(MODES)}, or a YAML file ({error})"
    except BadPrograms as error:
        return str(error)
    return None


def token_files(value: str) -> str | None:
    """Files that are there, comma separated."""
    wrong = [one for one in value.split(",") if one.strip() and not Path(one.strip()).is_file()]
    return f"no such file: {', '.join(map(shown_path, wrong))}" if wrong else None


def unless_empty(check: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    """The check, for a setting that may be empty."""
    return lambda value: check(value) if value else None


def followed_addresses(value: str) -> tuple[str, ...]:
    """The addresses that a setting names, or those in its file, each once.

    Raises:
        ValueError: one of them is not an address, or there are too many.
        OSError: there is no such file.
    """
    parts = [one.strip() for one in value.split(",") if one.strip()]
    if len(parts) == 1 and not is_address(parts[0]):
        with Path(parts[0]).open("rb") as file:
            body = file.read(FOLLOW_BYTES_MAX + 1)
        if len(body) > FOLLOW_BYTES_MAX:
            raise ValueError(f"a file of over {FOLLOW_BYTES_MAX >> 10} KiB: is it the right one?")
        text = body.decode("utf-8")
        lines = (line.partition("#")[0].strip() for line in text.splitlines())
        parts = [line for line in lines if line]
    wrong = [one for one in parts if not is_address(one)]
    if wrong:
        raise ValueError(f"not a base58 address: {shown_path(wrong[0])}")
    found = tuple(sorted(set(parts)))
    if not 0 < len(found) <= ADDRESSES_MAX:
        raise ValueError(f"{len(found)} addresses; allowed are 1 to {ADDRESSES_MAX}")
    return found


def follow(value: str) -> str | None:
    """Addresses, a file of them, or the watch list."""
    if value == WATCHED:
        return None
    try:
        followed_addresses(value)
    except OSError:
        return f"allowed: addresses, comma separated, a file with one a line, or `{WATCHED}`"
    except ValueError as error:
        return str(error)
    return None


def one_node(value: str) -> str | None:
    """One node's URL."""
    return "one node only" if "," in value else st.url("http", "https")(value)


def header_file(value: Path | None) -> str | None:
    """A file with one header."""
    if value is None:
        return None
    try:
        read_header(value)
    except BadHeader as error:
        return str(error)
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}"
    return None
