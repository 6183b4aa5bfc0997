"""Wire: settings, runtime, channels."""

from __future__ import annotations

from functools import partial

from pw_common.service.run import run_service
from pw_common.service.settings import load_or_exit
from pw_notifier.config import Settings
from pw_notifier.shell import run_notifier


def main() -> int:
    """Run the notifier; returns the exit code."""
    settings = load_or_exit(Settings)
    return run_service("notifier", settings, partial(run_notifier, settings))
