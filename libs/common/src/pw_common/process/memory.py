"""How much memory this process holds, and how much its container lets it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Final

STATM: Final = Path("/proc/self/statm")
# The second is what older kernels have.
CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def resident_bytes(path: Path = STATM) -> int:
    """What is held now; 0 where the system does not say."""
    try:
        pages = int(path.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def limit_bytes(declared: int, paths: tuple[Path, ...] = CGROUP_LIMITS) -> int:
    """The declared limit, or the container's where that is less."""
    for path in paths:
        try:
            return min(declared, int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):  # Not there, or "max": none.
            continue
    return declared


def give_back() -> bool:
    """Return freed memory to the system, which C's allocator keeps between pieces in use.

    False where the allocator has no such call: all but glibc's.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))
