"""What one reading of PW_SWAP proves, in memory that does not grow with the stream: pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import pairwise
from typing import Final

import msgspec

from pw_cli.audit.ranges import Ranges
from pw_cli.audit.rederive import is_streamed
from pw_cli.gaps.gap_proof import Link, StoredBlocks, why_open
from pw_common.ordering.dedup import SeenWindow
from pw_common.topology.queue_name import means_the_same
from pw_common.wire.coverage import is_known
from pw_common.wire.messages import Batch, Gap, SlotEvent, Swap

SHOWN_MAX: Final = 5
# Delivered swaps are kept as eight bytes each, in parts that are looked at one at a time.
PARTS: Final = 64


class Check(msgspec.Struct, frozen=True):
    """One promise: whether it holds, its count, and what to know about it."""

    name: str
    holds: bool
    count: int
    detail: str = ""


class StreamAudit:
    """Takes every batch once, in stored order. `tx_created` names the PW_TX that is there now."""

    def __init__(self, tx_created: str) -> None:
        self._tx_created = tx_created
        self.sources: set[str] = set()
        self.least_tx_seq: int | None = None
        self.answered = Ranges()
        self.malformed = 0
        # Filter -> the first and the last slot that came through it.
        self._seen_by: dict[str, tuple[int, int]] = {}
        self._blocks = StoredBlocks()
        # (source, session, slot) -> the sequence of PW_TX that brought its block.
        self._brought_by: dict[tuple[str, int, int], int] = {}
        self._seen = SeenWindow()
        self._delivered = [array("Q") for _ in range(PARTS)]

    def add(self, batch: Batch) -> None:
        """Take the next batch."""
        if is_streamed(batch):
            self.sources.add(batch.source)
        self.least_tx_seq = min(self.least_tx_seq or batch.tx_seq, batch.tx_seq)
        self.answer(batch)
        self.malformed += batch.counts.malformed
        self._blocks.add(batch)
        self._note_filter(batch)
        for event in batch.events:
            if isinstance(event, Swap):
                self._deliver(event)
            elif isinstance(event, SlotEvent) and self._is_present(batch):
                self._brought_by[batch.source, batch.epoch, event.slot] = batch.tx_seq

    def _note_filter(self, batch: Batch) -> None:
        slots = [event.slot for event in batch.events]
        if is_known(batch.filter) and slots:
            first, last = self._seen_by.get(batch.filter, (slots[0], slots[0]))
            self._seen_by[batch.filter] = min(first, *slots), max(last, *slots)

    def _seen_through(self) -> str:
        """The filters that the blocks were seen by: they are whole only for what these show."""
        if len(self._seen_by) < 2:
            return "".join(f", seen by {filter_}" for filter_ in self._seen_by)
        parts = [f"{name} in slots {a} to {b}" for name, (a, b) in self._seen_by.items()]
        return f", seen by {', '.join(parts)}"

    def answer(self, batch: Batch) -> None:
        """Note only that a batch answers its sequence."""
        if self._is_present(batch):
            self.answered.add(batch.tx_seq)

    def _is_present(self, batch: Batch) -> bool:
        """Whether its sequence is of the queue that is there now."""
        return means_the_same(batch.tx_stream_created, self._tx_created, batch.tx_seq)

    def _deliver(self, swap: Swap) -> None:
        if not self._seen.first_time((swap.signature, swap.ordinal), swap.slot):
            return
        name = blake2b(f"{swap.signature}:{swap.ordinal}".encode(), digest_size=8).digest()
        self._delivered[name[0] % PARTS].append(int.from_bytes(name, "big"))

    def waiting(self) -> list[int]:
        """The unanswered sequences before the last answered one."""
        missing = self.answered.missing(self.answered.last or 0)
        return [seq for part in missing for seq in part]

    def chain(self, gaps: Iterable[Gap], *, first_waiting: int | None = None) -> Check:
        """Each block's parent is there, or the slots between are a recorded gap.

        Several parsers answer in no order: what a sequence from `first_waiting` on brought may
        lack a parent that is on its way, and is not judged yet.
        """
        known_gaps = list(gaps)
        parents = self._blocks.parents
        breaks = [
            slot
            for key in sorted(parents)
            for slot in _breaks(
                parents[key],
                [gap for gap in known_gaps if (gap.source, gap.epoch) == key],
            )
            if first_waiting is None or self._brought_by.get((*key, slot), 0) < first_waiting
        ]
        blocks = sum(map(len, parents.values()))
        shown = ", ".join(map(str, breaks[:SHOWN_MAX]))
        detail = f"{len(known_gaps)} gaps recorded{self._seen_through()}"
        if breaks:
            detail = f"no parent and no gap before slot {shown}"
        return Check("parent chain unbroken or gapped", not breaks, blocks, detail)

    def filled(self, gaps: Iterable[Gap], *, waiting: int, trimmed: bool) -> Check:
        """Each gap that is marked as filled has an unbroken chain of filled-in blocks.

        Args:
            gaps: Every recorded gap; the newest record of one counts.
            waiting: Messages of backfills that no parser has answered yet.
            trimmed: Whether PW_SWAP has forgotten its oldest messages.
        """
        newest = {gap.id: gap for gap in gaps}
        unknown = 0
        unproven: list[str] = []
        filled = [gap for gap in newest.values() if gap.filled]
        for gap in filled:
            links = {slot: Link(slot, up) for slot, up in self._blocks.filled(gap).items()}
            around = self._blocks.around(gap, newest.values())
            why = why_open(gap, links, around, ends_in_other=True)
            if why and (waiting or (trimmed and around.before is None)):
                unknown += 1
            elif why:
                unproven.append(f"{gap.id} is marked as filled, but {why}")
        detail = ""
        if unproven:
            detail = f"{'; '.join(unproven[:SHOWN_MAX])}: run pw backfill for it again"
        elif unknown:
            why = "wait in the queue" if waiting else "are older than PW_SWAP"
            detail = f"the blocks of {unknown} {why}"
        return Check("filled gaps have their chain", not unproven, len(filled), detail)

    def repeats(self) -> Check:
        """No swap is delivered twice to a reader that drops repeats by the common window."""
        count = sum(map(len, self._delivered))
        doubled = sum(len(part) - len(set(part)) for part in self._delivered)
        detail = f"{self._seen.repeats} stored repeats, which readers drop"
        return Check("swaps delivered once", not doubled, count, detail)

    def dead_letters(self, stored: int) -> Check:
        """What the batches count as malformed is in the dead letters, of which `stored` came."""
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
