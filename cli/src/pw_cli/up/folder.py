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


class FolderTaken(Exception):
    """Another run has the folder, or it cannot be written; says what to do."""


@contextlib.contextmanager
def data_folder(chosen: Path | None) -> Iterator[Path]:
    """The folder that was chosen, or a temporary one that is removed; ours until the end.

    The lock ends with the process, however it ends.

    Raises:
        FolderTaken: another run has it, or it cannot be written.
    """
    if chosen is None:
        folder = Path(tempfile.mkdtemp(prefix="pw-up-"))
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
        raise FolderTaken(f"--data {chosen}: {error.strerror}; choose another folder") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            why = "another pw up runs there; stop it, or choose another folder"
            raise FolderTaken(f"--data {chosen}: {why}") from error
        yield chosen
