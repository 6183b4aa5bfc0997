"""Options that do not go together: what would be silently ignored is refused."""

from __future__ import annotations

import argparse
import os


def given(args: argparse.Namespace, *flags: str) -> list[str]:
    """Which of these options somebody wrote. Their defaults are None, or False."""
    values = {flag: _value(args, flag) for flag in flags}
    # By identity: 0 is a value.
    return [flag for flag, value in values.items() if value is not None and value is not False]


def stray(args: argparse.Namespace, why: str, *flags: str) -> str:
    """A sentence on the first of these options that was given; empty where none was."""
    found = given(args, *flags)
    return f"{found[0]} {why}" if found else ""


def _value(args: argparse.Namespace, flag: str) -> object:
    value = getattr(args, flag.removeprefix("--").replace("-", "_"))
    if flag == "--nats" and value == (os.environ.get("PW_NATS_URL") or None):
        # A variable applies to every command; an option, only to the one it is given to.
        return None
    return value
