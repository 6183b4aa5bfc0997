"""Which system is meant where none is named: as the `pw` command finds it, with its token.

A running `pw up` writes a file that names its address and its token's file. What the environment
names goes first: PW_API_URL and PW_API_TOKEN_FILE.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from pocketwatcher.errors import BadSetting, NoSystem
from pocketwatcher.transport import checked_token

FOLDER: Final = "pocketwatcher"
RUNS_MAX: Final = 64
FILE_BYTES_MAX: Final = 8_192


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A running system. `started` tells its process from a later one with the same pid."""

    api: str
    pid: int
    started: int = 0
    token_file: str | None = None


class Target(NamedTuple):
    """An API, and the file with its token; None where none is known."""

    url: str
    token_file: Path | None


def target(environ: Mapping[str, str]) -> Target:
    """The system that is meant.

    Raises:
        NoSystem: none runs here, or several do.
    """
    named = environ.get("PW_API_URL") or None
    runs = live_runs(environ)
    if named is not None:
        # A token goes to the address of its own system and to no other.
        runs = [run for run in runs if _address(run.api) == _address(named)]
    if len(runs) > 1:
        names = ", ".join(run.api for run in runs)
        raise NoSystem(f"{len(runs)} systems run here; choose one with PW_API_URL: {names}")
    run = runs[0] if runs else None
    url = named or (run.api if run else None)
    if url is None:
        raise NoSystem("no system runs here: start one with `pw up`, or set PW_API_URL")
    given = environ.get("PW_API_TOKEN_FILE") or (run.token_file if run else None)
    return Target(url, Path(given) if given else None)


def read_token(path: Path) -> str:
    """The token of a file.

    Raises:
        BadSetting: it cannot be read, or holds none; says why, never what it holds.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX)
    except OSError as error:
        raise BadSetting(f"the token's file cannot be read: {path}: {error.strerror}") from error
    try:
        return checked_token(raw.decode("utf-8", "replace"))
    except BadSetting as error:
        raise BadSetting(f"{path}: {error}") from None


def live_runs(environ: Mapping[str, str]) -> list[Run]:
    """Every system that this person runs here now."""
    # By name: the same run is listed in both folders.
    found: dict[str, Run] = {}
    for folder in _folders(environ):
        for path in sorted(folder.glob("*.json"))[:RUNS_MAX]:
            run = _read_run(path)
            if run is not None and _is_alive(run):
                found[path.name] = run
    return list(found.values())


def _folders(environ: Mapping[str, str]) -> list[Path]:
    found = []
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime:
        found.append(Path(runtime) / FOLDER)
    state = environ.get("XDG_STATE_HOME", "")
    with contextlib.suppress(RuntimeError):  # There is no home.
        found.append(Path(state or Path.home() / ".local/state") / FOLDER)
    return found


def _read_run(path: Path) -> Run | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(FILE_BYTES_MAX), type=Run)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _is_alive(run: Run) -> bool:
    if run.pid <= 0:
        return False
    try:
        os.kill(run.pid, 0)
    except (OSError, OverflowError):  # Gone, somebody else's by now, or no number of a process.
        return False
    return _started(run.pid) == run.started


def _started(pid: int) -> int:
    """When a process began, in the kernel's ticks; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


def _address(url: str) -> tuple[str, str]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts.scheme.lower(), parts.netloc.lower().replace("localhost", "127.0.0.1")
