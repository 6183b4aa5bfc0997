"""When each update is due, as nanoseconds since the start of playback."""

from __future__ import annotations

from dataclasses import dataclass

from pw_replay.core.items import NS, Item

# A capture may have been recorded around a pause; nobody wants to watch it.
PAUSE_MAX_NS = 2 * NS


class BadRate(ValueError):
    """Not a rate; says what is allowed."""


@dataclass(frozen=True)
class Rate:
    """`recorded` times `factor`, `fixed` transactions a second, or `max`."""

    kind: str
    factor: float = 1.0
    tx_per_s: float = 0.0


def parse_rate(text: str) -> Rate:
    """`recorded`, `max`, `10x` or `200`.

    Raises:
        BadRate: anything else, or a rate that is not positive.
    """
    if text in {"recorded", "max"}:
        return Rate(text)
    number = text.removesuffix("x")
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise BadRate("allowed: recorded, max, 10x, or a number of transactions a second")
    if text.endswith("x"):
        return Rate("recorded", factor=value)
    return Rate("fixed", tx_per_s=value)


class Schedule:
    """Gives each item its due time, in the order of playing; None: now."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._transactions = 0
        self._last_created_ns = 0
        self._at_ns = 0

    @property
    def stamps(self) -> bool:
        """Whether `created_at` is the scheduled time of sending."""
        return self._rate.kind == "fixed"

    def due_ns(self, item: Item) -> int | None:
        """Nanoseconds since the start of playback."""
        if self._rate.kind == "max":
            return None
        if self._rate.kind == "fixed":
            due = int(self._transactions * NS / self._rate.tx_per_s)
            if item.kind == "tx":
                self._transactions += 1
            return due
        if item.created_ns:
            if self._last_created_ns:
                pause = item.created_ns - self._last_created_ns
                self._at_ns += int(min(max(pause, 0), PAUSE_MAX_NS) / self._rate.factor)
            self._last_created_ns = item.created_ns
        return self._at_ns
