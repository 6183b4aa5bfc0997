"""Which market is generated: the varied one of today's chain, the same with an opening to look at,
or the dense one for load.
"""

from __future__ import annotations

from typing import Final

VARIED: Final = "varied"
DENSE: Final = "dense"
DEMO: Final = "demo"
PRESETS: Final = (DEMO, VARIED, DENSE)

# Failures among all transactions but votes. Public figures of mainnet: a fifth to three fifths.
FAILURES_MIN: Final = 0.2
FAILURES_MAX: Final = 0.6
FAILURES_DEFAULT: Final = 0.35


def check(preset: str, failures: float) -> None:
    """Raises ValueError for a preset that there is not, or a share that is none of the chain's."""
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r}: allowed: {', '.join(PRESETS)}")
    if not FAILURES_MIN <= failures <= FAILURES_MAX:
        raise ValueError(f"failures={failures}: must be {FAILURES_MIN} to {FAILURES_MAX}")
