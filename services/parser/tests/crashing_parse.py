"""A parser with a bug for each way to die; the update's bytes choose it."""

from __future__ import annotations

import os
import signal
import threading

from pw_parser.core.decode.transaction import Malformed


def parse(update: bytes) -> None:
    if update.startswith(b"raise"):
        raise ZeroDivisionError("a bug")
    if update.startswith(b"exit"):
        os._exit(7)
    if update.startswith(b"kill"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if update.startswith(b"hang"):
        threading.Event().wait()
    if update.startswith(b"malformed"):
        raise Malformed("no such thing")
