"""How many dead letters are not a notifier's: pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Others:
    """Counts all that PW_DLQ was ever given, without what any notifier put there.

    What a notifier puts there is a fault of a channel, and is reported under that channel's name.
    Beside another notifier, as in a rollout, our own count is not enough. Nor is what the stream
    holds, since old ones are deleted. So at each look the greater growth of the two counts.
    """

    _ours: int = 0
    _held: int | None = None
    _own: int = 0

    def of(self, stored: int, held: int, own: int) -> int:
        """How many of `stored` are of others.

        Args:
            stored: How many messages the stream was ever given.
            held: How many of notifiers it holds now.
            own: How many this notifier ever stored.
        """
        if self._held is not None:
            self._ours += max(own - self._own, held - self._held, 0)
        self._held, self._own = held, own
        return stored - self._ours
