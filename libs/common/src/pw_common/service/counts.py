"""A counter as plain integers: counting is cheap, and the reader pays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Observation

Labels = tuple[tuple[str, str], ...]


class Counts:
    """One counter's values by its labels. Used by one thread; read by any."""

    __slots__ = ("_by_labels",)

    def __init__(self) -> None:
        self._by_labels: dict[Labels, int] = {}

    def add(self, amount: int, labels: Mapping[str, str]) -> None:
        """Count `amount`, which is not negative, under these labels, in any order."""
        items = labels.items()
        key = tuple(items) if len(labels) < 2 else tuple(sorted(items))
        self._by_labels[key] = self._by_labels.get(key, 0) + amount

    def observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        """The values as they are now, for an observable instrument."""
        return [Observation(value, dict(key)) for key, value in list(self._by_labels.items())]
