"""A parser whose child is up late, as on a machine that is starved."""

from __future__ import annotations

import threading

threading.Event().wait(2.0)


def parse(_update: bytes) -> None:
    """Every update is fine."""
