"""Wire: settings, runtime, the consume loop."""

from __future__ import annotations

from pw_common.service.run import run_service
from pw_common.service.settings import load_or_exit
from pw_parser.config import Settings
from pw_parser.shell import run_parser


def main() -> int:
    """Run the parser; returns the exit code."""
    return run_service("parser", load_or_exit(Settings), run_parser)
