"""How services and commands end; the numbers above 63 are those of `sysexits.h`."""

from __future__ import annotations

from typing import Final

EXIT_OK: Final = 0
EXIT_UNAVAILABLE: Final = 69
EXIT_CRASH: Final = 70
EXIT_CONFIG: Final = 78
