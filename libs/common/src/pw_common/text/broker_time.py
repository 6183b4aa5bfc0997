"""The broker's time stamps. Pure."""

from __future__ import annotations

from datetime import datetime


def rfc3339_ms(text: str) -> int:
    """Milliseconds since 1970 of the broker's time stamps, which carry nanoseconds."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)
