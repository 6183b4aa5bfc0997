"""Who trades: a small number for each wallet, and when it traded last.

Windows hold the number, not the address. A number is given to another wallet only once no
window can hold a trade of the wallet that had it.
"""

from __future__ import annotations

from array import array
from typing import Final

MINUTE_MS: Final = 60_000


class Wallets:
    """Numbers, names and last trades of the wallets of about an hour."""

    __slots__ = ("_buckets", "_free", "last_ms", "names", "numbers")

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.names: list[str] = []
        self.last_ms = array("q")
        self._free: list[int] = []
        # Minute -> wallets to look at when it is over an hour ago; each wallet is in one.
        self._buckets: dict[int, array[int]] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    def enter(self, name: str, event_time_ms: int) -> int:
        """Give a number to a wallet that has none."""
        if self._free:
            number = self._free.pop()
            self.names[number], self.last_ms[number] = name, event_time_ms
        else:
            number = len(self.names)
            self.names.append(name)
            self.last_ms.append(event_time_ms)
        self.numbers[name] = number
        self._later(number, event_time_ms // MINUTE_MS)
        return number

    def forget(self, until_ms: int) -> None:
        """Drop those whose last trade was in a minute that ended by then.

        The caller holds no trade of that time any more.
        """
        ended = until_ms // MINUTE_MS
        for minute in sorted(one for one in self._buckets if one < ended):
            for number in self._buckets.pop(minute):
                last = self.last_ms[number] // MINUTE_MS
                if last >= ended:
                    self._later(number, last)
                    continue
                del self.numbers[self.names[number]]
                self.names[number] = ""
                self._free.append(number)

    def _later(self, number: int, minute: int) -> None:
        bucket = self._buckets.get(minute)
        if bucket is None:
            bucket = self._buckets[minute] = array("I")
        bucket.append(number)
