"""Recent swaps in memory: a bounded ring, newest first, by mint and wallet. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from pw_common.ordering.dedup import SeenWindow
from pw_common.wire.messages import Batch, SlotEvent, Swap

# How many slots have their time kept: more than two hours of them.
SLOTS_MAX: Final = 20_000
CURSOR: Final = re.compile(r"([0-9]{1,15})\.([0-9]{1,9})")


class Cursor(NamedTuple):
    """The position of a swap in PW_SWAP: the sequence of its batch, and its number in there."""

    seq: int
    number: int

    @property
    def text(self) -> str:
        """As a client gives it back."""
        return f"{self.seq}.{self.number}"


class Recent(NamedTuple):
    """A swap, where it stands, and when: `event_time_ms` is its block's clock, None if unknown."""

    swap: Swap
    cursor: Cursor
    stored_ms: int
    event_time_ms: int | None


class _Kept(NamedTuple):
    swap: Swap
    cursor: Cursor
    stored_ms: int


def cursor_of(text: str) -> Cursor | None:
    """What `Cursor.text` gave; None for anything else."""
    found = CURSOR.fullmatch(text)
    return Cursor(int(found[1]), int(found[2])) if found else None


class RecentSwaps:
    """The last `swaps_max` different swaps in the order of the stream.

    PW_SWAP is at-least-once, so a repeat is dropped and counted.
    """

    def __init__(self, swaps_max: int) -> None:
        self._ring: deque[_Kept] = deque(maxlen=swaps_max)
        # A slot's time comes after most of its swaps.
        self._time_s: dict[int, int] = {}
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

    def add(self, batch: Batch, *, seq: int, stored_ms: int) -> int:
        """Take the swaps of the batch that the broker stored then; returns how many were new."""
        new = 0
        for number, event in enumerate(batch.events):
            if isinstance(event, SlotEvent):
                self._keep_time(event)
            if not isinstance(event, Swap):
                continue
            if self._seen.first_time((event.signature, event.ordinal), event.slot):
                self._ring.append(_Kept(event, Cursor(seq, number), stored_ms))
                new += 1
        self.total += new
        return new

    def find(
        self,
        *,
        limit: int,
        mint: str | None = None,
        wallet: str | None = None,
        before: Cursor | None = None,
    ) -> list[Recent]:
        """Up to `limit` swaps, newest first; `wallet` is the trader, fee payer or a signer."""
        wanted = (
            self._with_time(one)
            for one in self._older_than(before)
            if (mint is None or one.swap.mint == mint)
            and (wallet is None or _involves(one.swap, wallet))
        )
        return list(islice(wanted, limit))

    def _older_than(self, before: Cursor | None) -> Iterator[_Kept]:
        newest_first = reversed(self._ring)
        if before is None:
            return newest_first
        return (one for one in newest_first if one.cursor < before)

    def _with_time(self, one: _Kept) -> Recent:
        time_s = self._time_s.get(one.swap.slot)
        return Recent(*one, event_time_ms=None if time_s is None else 1000 * time_s)

    def _keep_time(self, slot: SlotEvent) -> None:
        if slot.block_time_s is None or slot.slot in self._time_s:
            return
        if len(self._time_s) >= SLOTS_MAX:
            del self._time_s[next(iter(self._time_s))]
        self._time_s[slot.slot] = slot.block_time_s


def _involves(swap: Swap, wallet: str) -> bool:
    return wallet in (swap.trader, swap.fee_payer) or wallet in swap.signers
