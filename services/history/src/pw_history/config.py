"""Every setting of history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pw_common.service.run import CommonSettings
from pw_common.service.settings import between, setting
from pw_common.topology.streams import GIB, MIB
from pw_common.topology.subjects import TOKEN


def _tokens(value: str) -> str | None:
    names = [name for name in value.split(",") if name]
    wrong = [name for name in names if not TOKEN.fullmatch(name)]
    if not names or wrong:
        return f"allowed: source names {TOKEN.pattern}, comma separated"
    return None


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What history reads beside the common settings."""

    sources: str = setting(
        "PW_HISTORY_SOURCES",
        "Sources whose slots must be complete before a slot is stored, comma separated; as the "
        "detector's",
        default="main",
        check=_tokens,
    )
    folder: Path = setting(
        "PW_HISTORY_DIR",
        "Folder of the file that everything is kept in; made if it is not there",
        default=Path("history"),
    )
    hours: int = setting(
        "PW_HISTORY_HOURS",
        "Hours of event time of which single swaps are kept",
        default=24,
        check=between(1, 24 * 365),
    )
    days: int = setting(
        "PW_HISTORY_DAYS",
        "Days of event time of which minutes and wallets' hours are kept",
        default=30,
        check=between(1, 3_650),
    )
    memory_bytes_max: int = setting(
        "PW_HISTORY_MEMORY_BYTES_MAX",
        "Memory that history may hold; a container's smaller limit counts instead",
        default=GIB,
        check=between(256 * MIB, 1024 * GIB),
    )

    def source_names(self) -> tuple[str, ...]:
        """The declared sources, in order."""
        return tuple(sorted({name for name in self.sources.split(",") if name}))
