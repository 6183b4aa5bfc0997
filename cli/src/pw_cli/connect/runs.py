"""Run files: how a running `pw up` announces itself to other commands of the same person.

One lies in the run's data folder. Others lie in that person's folders, where commands look:
in XDG_RUNTIME_DIR, and below ~/.local/state, since cron and `su` have no XDG_RUNTIME_DIR. They
name the token's file and never hold the token. A file whose process is gone is removed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

RUN_FILE: Final = "run.json"
FOLDER: Final = "pocketwatcher"
RUNS_MAX: Final = 64
FILE_BYTES_MAX: Final = 8192


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One running system. `started` tells its process from a later one with the same pid."""

    api: str
    nats: str
    pid: int
    started: int = 0
    token_file: str | None = None
    # The folder that `--data` named, empty for a temporary one.
    data: str = ""


def this_run(api: str, nats: str, token_file: Path | None, data: Path | None = None) -> Run:
    """What this process tells of itself; `data` is a folder that stays."""
    pid = os.getpid()
    path = None if token_file is None else str(token_file.resolve())
    kept = "" if data is None else str(data.resolve())
    return Run(api=api, nats=nats, pid=pid, started=started_of(pid), token_file=path, data=kept)


def announce(run: Run, data: Path) -> list[str]:
    """Write every file; returns which could not be written and matter, and why."""
    own, *shared = [_announced(run, path) for path in _announcement_paths(run.pid, data)]
    # One place where commands look is enough.
    return [problem for problem in (own, *(shared if all(shared) else ())) if problem]


def withdraw(data: Path) -> None:
    """Remove every file of this process, and no other."""
    for path in _announcement_paths(os.getpid(), data):
        run = read_run(path)
        if run is None or run.pid != os.getpid():
            continue
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def live_runs() -> list[Run]:
    """Every system that this person runs here now; files of others that ended are removed."""
    # By name: the same run is listed in both folders.
    found: dict[str, Run] = {}
    for folder in runs_folders():
        for path in sorted(folder.glob("*.json"))[:RUNS_MAX]:
            run = read_run(path)
            if run is None or not is_alive(run):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            else:
                found[path.name] = run
    return list(found.values())


def read_run(path: Path) -> Run | None:
    """What a run file says; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(FILE_BYTES_MAX), type=Run)
    except (OSError, msgspec.MsgspecError):
        return None


def runs_folders() -> list[Path]:
    """Where this person's runs are listed: in XDG_RUNTIME_DIR and in ~/.local/state."""
    found = []
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        found.append(Path(runtime) / FOLDER)
    state = os.environ.get("XDG_STATE_HOME", "")
    with contextlib.suppress(RuntimeError):  # There is no home.
        found.append(Path(state or Path.home() / ".local/state") / FOLDER)
    return found


def is_alive(run: Run) -> bool:
    """Whether the process that wrote it still runs."""
    if run.pid <= 0:
        return False
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # Somebody else's process by now.
    return started_of(run.pid) == run.started


def started_of(pid: int) -> int:
    """When a process began, in the kernel's ticks; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


def _announcement_paths(pid: int, data: Path) -> Iterator[Path]:
    yield data / RUN_FILE
    for folder in runs_folders():
        yield folder / f"{pid}.json"


def _announced(run: Run, path: Path) -> str:
    """Why a file could not be written; empty where it was."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, msgspec.json.encode(run))
    except OSError as error:
        return f"no run file at {path}: {error.strerror}"
    return ""


def _write(path: Path, body: bytes) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body + b"\n")
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
