"""What one endpoint was refused, for people: pure."""

from __future__ import annotations

from typing import Final

from pw_ingest.core.endpoints.plausible import Refusal

# A refusal is reported for this long after the last one.
SAID_S: Final = 60.0
LOG_EVERY_S: Final = 10.0


class Refusals:
    """Counts, and the last one in words."""

    def __init__(self) -> None:
        self.total = 0
        self._claim = ""
        self._at_s = float("-inf")
        self._logged_s = float("-inf")

    def note(self, refusal: Refusal, now_s: float) -> bool:
        """Count a refusal; returns whether it is worth a line in the log."""
        self.total += 1
        self._claim = refusal.claim
        self._at_s = now_s
        if now_s - self._logged_s < LOG_EVERY_S:
            return False
        self._logged_s = now_s
        return True

    def said(self, now_s: float) -> str:
        """What it claimed lately, empty where it did not."""
        if now_s - self._at_s > SAID_S:
            return ""
        return f"claims what cannot be: {self._claim} ({self.total} refused)"
