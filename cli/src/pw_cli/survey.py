"""What one walk over PW_SWAP proves, in memory that does not grow with the stream: pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import pairwise
from typing import Final

import msgspec

from pw_cli.ranges import Ranges
from pw_common.dedup import SeenWindow
from pw_common.messages import Batch, Gap, SlotEvent, Swap

SHOWN_MAX: Final = 5
# Delivered swaps are kept as eight bytes each, in so many parts that are looked at one by one.
PARTS: Final = 64


class Check(msgspec.Struct, frozen=True):
    """One promise: whether it holds, its count, and what to know about it."""

    name: str
    holds: bool
    count: int
    detail: str = ""


class Survey:
    """Takes every batch once, in stored order. `tx_created` names the PW_TX that is there now."""

    def __init__(self, tx_created: str) -> None:
        self._tx_created = tx_created
        self.sources: set[str] = set()
        self.least_tx_seq: int | None = None
        self.answered = Ranges()
        self.malformed = 0
        # (source, epoch) -> slot -> parent.
        self._parents: dict[tuple[str, int], dict[int, int]] = {}
        self._seen = SeenWindow()
        self._delivered = [array("Q") for _ in range(PARTS)]

    def add(self, batch: Batch) -> None:
        """Take the next batch."""
        if batch.source and not batch.gap:
            self.sources.add(batch.source)
        self.least_tx_seq = min(self.least_tx_seq or batch.tx_seq, batch.tx_seq)
        self.answer(batch)
        self.malformed += batch.counts.malformed
        for event in batch.events:
            if isinstance(event, SlotEvent) and batch.source:
                known = self._parents.setdefault((batch.source, batch.epoch), {})
                known[event.slot] = event.parent
            elif isinstance(event, Swap):
                self._deliver(event)

    def answer(self, batch: Batch) -> None:
        """Take of a batch only that it answers its sequence."""
        if batch.tx_stream_created == self._tx_created:
            self.answered.add(batch.tx_seq)

    def _deliver(self, swap: Swap) -> None:
        if not self._seen.first_time((swap.signature, swap.ordinal), swap.slot):
            return
        name = blake2b(f"{swap.signature}:{swap.ordinal}".encode(), digest_size=8).digest()
        self._delivered[name[0] % PARTS].append(int.from_bytes(name, "big"))

    def chain(self, gaps: Iterable[Gap]) -> Check:
        """Each block's parent is there, or the slots between are a recorded gap."""
        known_gaps = list(gaps)
        breaks = [
            slot
            for key in sorted(self._parents)
            for slot in _breaks(
                self._parents[key],
                [gap for gap in known_gaps if (gap.source, gap.epoch) == key],
            )
        ]
        blocks = sum(map(len, self._parents.values()))
        shown = ", ".join(map(str, breaks[:SHOWN_MAX]))
        detail = f"{len(known_gaps)} gaps recorded"
        if breaks:
            detail = f"no parent and no gap before slot {shown}"
        return Check("parent chain unbroken or gapped", not breaks, blocks, detail)

    def repeats(self) -> Check:
        """No swap is delivered twice to a reader that drops repeats by the common window."""
        count = sum(map(len, self._delivered))
        doubled = sum(len(part) - len(set(part)) for part in self._delivered)
        detail = f"{self._seen.repeats} stored repeats, which readers drop"
        return Check("swaps delivered once", not doubled, count, detail)

    def letters(self, stored: int) -> Check:
        """What the batches count as malformed is in the dead letters, of which so many came."""
        holds = stored >= self.malformed
        name = "malformed updates kept as dead letters"
        return Check(name, holds, self.malformed, f"{stored} stored")


def _breaks(parents: dict[int, int], gaps: list[Gap]) -> list[int]:
    found = []
    for before, slot in pairwise(sorted(parents)):
        parent = parents[slot]
        lost = parent not in parents and parent > before
        if lost and not any(_covers(gap, before + 1, parent) for gap in gaps):
            found.append(slot)
    return found


def _covers(gap: Gap, first: int, last: int) -> bool:
    return gap.first_missing_slot <= last and gap.last_missing_slot >= first
