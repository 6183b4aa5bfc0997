"""Room on the disk that history shares: what it leaves to others, as the broker."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from pw_common.topology.streams import MIB

# A volume is never wholly its own: `short` must not begin and end with every write.
AGAIN: Final = 1.1
# Said before it comes to that: an hour of a busy chain, and room to sort it.
SCARCE: Final = 2


class Room:
    """How much is free where the file lies.

    Args:
        free_bytes_min: With less nothing more is stored; 0 takes all there is.
    """

    def __init__(self, folder: Path, free_bytes_min: int) -> None:
        self._folder = folder
        self._free_bytes_min = free_bytes_min
        self._is_short = False

    def free_bytes(self) -> int:
        """What is free now."""
        return shutil.disk_usage(self._folder).free

    def short(self) -> str:
        """Why nothing more may be stored; empty where there is room."""
        free_bytes = self.free_bytes()
        needed = self._free_bytes_min * (AGAIN if self._is_short else 1)
        self._is_short = free_bytes < needed
        if not self._is_short:
            return ""
        return (
            f"{free_bytes // MIB:,} MiB are free on the disk of {self._folder}, and "
            f"{self._free_bytes_min // MIB:,} are left to others (PW_HISTORY_FREE_BYTES_MIN): "
            "it goes on once there is more"
        )

    def scarce(self) -> str:
        """What to say while it is about to be short; empty otherwise."""
        free_bytes = self.free_bytes()
        if free_bytes >= SCARCE * self._free_bytes_min:
            return ""
        return (
            f"{free_bytes // MIB:,} MiB are free on the disk of {self._folder}: history stops "
            f"below {self._free_bytes_min // MIB:,}"
        )
