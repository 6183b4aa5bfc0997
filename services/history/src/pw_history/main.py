"""Wire: settings, runtime, what is kept."""

from __future__ import annotations

from functools import partial

from pw_common.service.run import run_service
from pw_common.service.settings import load_or_exit
from pw_history.config import Settings
from pw_history.shell.service import run_history


def main() -> int:
    """Run history; returns the exit code."""
    settings = load_or_exit(Settings)
    return run_service("history", settings, partial(run_history, settings))
