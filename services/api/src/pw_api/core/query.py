"""Recent swaps in memory: a bounded ring, newest first, by mint and wallet. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from pw_common.ordering.dedup import SeenWindow
from pw_common.wire.messages import Batch, SlotEvent, Swap

# A slot's time comes within seconds of its swaps: of this many it is known, or waited for.
SLOTS_MAX: Final = 1_000
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


@dataclass(slots=True)
class _Kept:
    swap: Swap
    cursor: Cursor
    stored_ms: int
    event_time_ms: int | None


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
        # A slot's time comes after most of its swaps, which wait for it here.
        self._time_ms: dict[int, int] = {}
        self._untimed: dict[int, list[_Kept]] = {}
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
                self._keep(event, Cursor(seq, number), stored_ms)
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
            Recent(one.swap, one.cursor, one.stored_ms, one.event_time_ms)
            for one in self._older_than(before)
            if (mint is None or one.swap.mint == mint)
            and (wallet is None or _involves(one.swap, wallet))
        )
        return list(islice(wanted, limit))

    def _older_than(self, before: Cursor | None) -> Iterator[_Kept]:
        newest_first = reversed(self._ring)
        if before is None:
            return newest_first
        if any(one.cursor == before for one in newest_first):
            return newest_first  # Those behind it.
        # It has left the ring. In a stream that was made again sequences begin again, so that
        # only where it is not found its number says what is older.
        return (one for one in reversed(self._ring) if one.cursor < before)

    def _keep(self, swap: Swap, cursor: Cursor, stored_ms: int) -> None:
        kept = _Kept(swap, cursor, stored_ms, self._time_ms.get(swap.slot))
        self._ring.append(kept)
        if kept.event_time_ms is None:
            self._untimed.setdefault(swap.slot, []).append(kept)
            _bound(self._untimed)

    def _keep_time(self, slot: SlotEvent) -> None:
        if slot.block_time_s is None or slot.slot in self._time_ms:
            return
        time_ms = self._time_ms[slot.slot] = 1000 * slot.block_time_s
        _bound(self._time_ms)
        for kept in self._untimed.pop(slot.slot, ()):
            kept.event_time_ms = time_ms


def _bound(by_slot: dict[int, Any]) -> None:
    """Forget the slot that came first, beyond SLOTS_MAX."""
    if len(by_slot) > SLOTS_MAX:
        del by_slot[next(iter(by_slot))]


def _involves(swap: Swap, wallet: str) -> bool:
    return wallet in (swap.trader, swap.fee_payer) or wallet in swap.signers
