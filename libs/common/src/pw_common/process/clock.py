"""The only place that reads a clock or makes an instance name; the core is given the time."""

from __future__ import annotations

import os
import time
import uuid


def now_ms() -> int:
    """Wall clock in milliseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000_000


def now_ns() -> int:
    """Wall clock in nanoseconds since 1970 (UTC)."""
    return time.time_ns()


def monotonic_s() -> float:
    """A clock that never goes back, in seconds from an arbitrary start."""
    return time.monotonic()


def instance_name(service: str) -> str:
    """A name for this process that another run cannot have: service, pid, random."""
    return f"{service}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
