"""The parser's settings: what every service reads; it has none of its own yet."""

from __future__ import annotations

from dataclasses import dataclass

from pw_common.service.run import CommonSettings


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Read once at start by `pw_common.service.settings.load`."""
