"""Wire: settings, runtime, the fold."""

from __future__ import annotations

from functools import partial

from pw_common.service.run import run_service
from pw_common.service.settings import load_or_exit
from pw_detector.config import Settings
from pw_detector.shell import run_detector


def main() -> int:
    """Run the detector; returns the exit code."""
    settings = load_or_exit(Settings)
    return run_service("detector", settings, partial(run_detector, settings))
