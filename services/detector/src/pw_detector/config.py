"""Every setting of the detector."""

from __future__ import annotations

from dataclasses import dataclass

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
    """What the detector reads beside the common settings."""

    sources: str = setting(
        "PW_DETECTOR_SOURCES",
        "Sources whose slots must be complete before a slot closes, comma separated",
        default="main",
        check=_tokens,
    )

    memory_bytes_max: int = setting(
        "PW_DETECTOR_MEMORY_BYTES_MAX",
        "Memory that the detector may hold; a container's smaller limit counts instead",
        default=GIB,
        check=between(96 * MIB, 1024 * GIB),
    )

    def source_names(self) -> tuple[str, ...]:
        """The declared sources, in order."""
        return tuple(sorted({name for name in self.sources.split(",") if name}))
