"""Recent swaps in memory: a bounded ring, newest first, by mint and wallet. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from pw_common.ordering.dedup import SeenWindow
from pw_common.wire.messages import Batch, Swap


class RecentSwaps:
    """The last `swaps_max` different swaps in the order of the stream.

    PW_SWAP is at-least-once, so a repeat is dropped and counted.
    """

    def __init__(self, swaps_max: int) -> None:
        self._ring: deque[Swap] = deque(maxlen=swaps_max)
        # Bounded by keys alone, since a capture that is played again begins at old slots.
        # Four times the ring: a repeat of a swap that just left it is still known.
        self._seen = SeenWindow(slots_max=2**62, keys_max=4 * swaps_max)
        self.total = 0

    @property
    def repeats(self) -> int:
        """How many swaps were dropped as already read."""
        return self._seen.repeats

    def __len__(self) -> int:
        return len(self._ring)

    def add(self, batch: Batch) -> int:
        """Take the swaps of a batch; returns how many were new."""
        new = 0
        for event in batch.events:
            if not isinstance(event, Swap):
                continue
            if self._seen.first_time((event.signature, event.ordinal), event.slot):
                self._ring.append(event)
                new += 1
        self.total += new
        return new

    def find(self, *, limit: int, mint: str | None = None, wallet: str | None = None) -> list[Swap]:
        """Up to `limit` swaps, newest first; `wallet` is the trader, fee payer or a signer."""
        return _take(
            (
                swap
                for swap in reversed(self._ring)
                if (mint is None or swap.mint == mint)
                and (wallet is None or _involves(swap, wallet))
            ),
            limit,
        )


def _involves(swap: Swap, wallet: str) -> bool:
    return wallet in (swap.trader, swap.fee_payer) or wallet in swap.signers


def _take(swaps: Iterable[Swap], limit: int) -> list[Swap]:
    found: list[Swap] = []
    for swap in swaps:
        if len(found) >= limit:
            break
        found.append(swap)
    return found
