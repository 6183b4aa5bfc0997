"""The run's data folder: one run at a time, since two brokers on the same files destroy them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LOCK_FILE: Final = "lock"
BROKER_FOLDER: Final = "nats"
# No room: on the disk, or left of what this person may use of it.
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# A broker cannot begin with less.
ROOM_BYTES_MIN: Final = 1024 * 1024


class FolderTaken(Exception):
    """Another run has the folder, or it cannot be written; says what to do."""


@contextlib.contextmanager
def data_folder(chosen: Path | None) -> Iterator[Path]:
    """The chosen folder, or a temporary folder that is removed; ours until the end.

    The lock ends with the process, however it ends.

    Raises:
        FolderTaken: another run has it, or it cannot be written.
    """
    if chosen is None:
        try:
            folder = Path(tempfile.mkdtemp(prefix="pw-up-"))
        except OSError as error:
            raise FolderTaken(_cannot(None, error)) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        # What an earlier run of somebody else left may be closed to us, or be a file.
        (chosen / BROKER_FOLDER).mkdir(exist_ok=True)
        if not os.access(chosen / BROKER_FOLDER, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        lock = (chosen / LOCK_FILE).open("a")
    except OSError as error:
        raise FolderTaken(_cannot(chosen, error)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            why = "another pw up runs there; stop it, or choose another folder"
            raise FolderTaken(f"--data {chosen}: {why}") from error
        yield chosen


@contextlib.contextmanager
def written(chosen: Path | None, folder: Path) -> Iterator[None]:
    """What is done here writes into the run's folder: where that fails, a sentence says so.

    Raises:
        FolderTaken: it cannot be written, or its disk is full.
    """
    try:
        yield
    except OSError as error:
        # For any other path, such as a program that cannot be started, it would not be true.
        named = str(error.filename or "")
        if error.errno in FULL or named.startswith((str(folder), str(folder.resolve()))):
            raise FolderTaken(_cannot(chosen, error)) from error
        raise


def room(folder: Path) -> int:
    """How many bytes are free where a folder lies; practically endless where that is unknown."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 2**63


def no_room(chosen: Path | None) -> FolderTaken:
    """What to say about a full disk."""
    return FolderTaken(_cannot(chosen, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))


def place(chosen: Path | None) -> str:
    """The run's folder in the words of the person who starts it."""
    return f"--data {chosen}" if chosen is not None else "the temporary folder"


def _cannot(chosen: Path | None, error: OSError) -> str:
    free = "free some, or " if error.errno in FULL else ""
    other = "choose another folder" if chosen is not None else "choose a folder with --data"
    return f"{place(chosen)}: {error.strerror}; {free}{other}"
