"""When a gap counts as filled: only with an unbroken chain of parents through it. Pure.

Nobody's word proves that a slot had no block. The next block proves it, which names an earlier
slot as its parent.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pw_common.wire.envelope import TEXT_MAX
from pw_common.wire.messages import Batch, Gap, SlotEvent


class Link(NamedTuple):
    """One block's links in the chain; an empty hash and no height mean unknown."""

    slot: int
    parent_slot: int
    blockhash: str = ""
    parent_hash: str = ""
    height: int | None = None


class Around(NamedTuple):
    """What is known on both sides of a gap.

    `before` is the last slot before it whose block is stored, `after` the first block behind it.
    `others` are the spans of the same source's other gaps.
    """

    before: int | None
    after: Link | None
    others: tuple[tuple[int, int], ...] = ()

    def in_other(self, slot: int) -> bool:
        """Whether a slot belongs to another recorded gap."""
        return any(first <= slot <= last for first, last in self.others)


def within(gap: Gap, slot: int) -> bool:
    """Whether a slot belongs to the gap."""
    return gap.first_missing_slot <= slot <= gap.last_missing_slot


def missing_parent(gap: Gap, links: Mapping[int, Link], around: Around) -> tuple[int, int] | None:
    """The first block (slot, parent) whose parent should be there and is not."""
    ends = () if around.after is None else (around.after,)
    for link in (*(links[slot] for slot in sorted(links)), *ends):
        parent = link.parent_slot
        if within(gap, parent) and parent not in links:
            return link.slot, parent
    return None


def why_open(
    gap: Gap, links: Mapping[int, Link], around: Around, *, ends_in_other: bool = False
) -> str:
    """Why the gap is not proven to be filled; empty when it is.

    Args:
        gap: The gap.
        links: The blocks of its slots that are there.
        around: What is known on both sides.
        ends_in_other: Accept the gap's last block as its end where the next stored block follows
            a slot of another gap.
    """
    span = f"slots {gap.first_missing_slot} to {gap.last_missing_slot}"
    if found := missing_parent(gap, links, around):
        nothing = "" if links else f"no block of {span} is there: "
        return f"{nothing}the block of slot {found[0]} follows slot {found[1]}, which is not there"
    after = around.after
    if after is None:
        nothing = "" if links else f"no block of {span} is there, and "
        return f"{nothing}no block after slot {gap.last_missing_slot} is known that proves its end"
    lowest = after
    if after.parent_slot > gap.last_missing_slot:
        last = links.get(gap.last_missing_slot)
        if last is None or not (ends_in_other and around.in_other(after.parent_slot)):
            return f"the block of slot {after.slot} follows slot {after.parent_slot}, not this gap"
        lowest = last
    while within(gap, lowest.parent_slot):
        lowest = links[lowest.parent_slot]
    return _why_not_attached(gap, lowest, around)


def _why_not_attached(gap: Gap, lowest: Link, around: Around) -> str:
    parent = lowest.parent_slot
    # The gap's own record says that everything up to its first slot is stored.
    if parent in {gap.first_missing_slot - 1, around.before}:
        return ""
    # Another gap counts only up to here: beyond the last stored block, the chain has to pass it.
    if around.in_other(parent) and (around.before is None or parent > around.before):
        return ""
    follows = f"the block of slot {lowest.slot} follows slot {parent}"
    if around.before is None:
        return f"{follows}, and no block from before the gap is stored any more to compare with"
    return f"{follows}, but the last stored block before the gap is that of slot {around.before}"


class Fill:
    """The blocks of one gap that are there, and what speaks against a block."""

    def __init__(self, gap: Gap, *, stored: Mapping[int, int], filled: Mapping[int, int]) -> None:
        """`stored` are parents by slot as the source gave them, `filled` from earlier attempts."""
        self.gap = gap
        self.links = {slot: Link(slot, parent) for slot, parent in filled.items()}
        # Blocks beside the gap whose hashes are known.
        self.beside: dict[int, Link] = {}
        self._stored = stored
        self._slots = sorted(self.links)
        self._hashes: dict[str, int] = {}

    def add(self, link: Link) -> None:
        """Take a block of the gap."""
        if link.slot not in self.links:
            insort(self._slots, link.slot)
        self.links[link.slot] = link
        if link.blockhash:
            self._hashes[link.blockhash] = link.slot

    def contradiction(self, link: Link, *, forks: bool = False) -> str:
        """Why this cannot be the block of its slot; empty when it can.

        With `forks`, blocks that no later one follows may lie between a block and its parent.
        """
        slot, parent_slot = link.slot, link.parent_slot
        this = f"the block of slot {slot}"
        if not 0 <= parent_slot < slot:
            return f"{this} names slot {parent_slot} as its parent"
        known = self._stored.get(slot, parent_slot)
        if known != parent_slot:
            return f"{this} follows slot {parent_slot}, but the source said {known}"
        twin = self._hashes.get(link.blockhash, slot) if link.blockhash else slot
        if twin != slot:
            return f"{this} has the hash of the block of slot {twin}"
        parent = self.links.get(parent_slot) or self.beside.get(parent_slot)
        if parent is not None:
            if parent.blockhash and link.parent_hash and parent.blockhash != link.parent_hash:
                return f"{this} names another hash for its parent than slot {parent_slot} has"
            if None not in {parent.height, link.height} and _height(parent) + 1 != link.height:
                return f"{this} is not one higher than its parent in slot {parent_slot}"
        return "" if forks else self._between(link)

    def _between(self, link: Link) -> str:
        at = bisect_left(self._slots, link.slot)
        if at and self._slots[at - 1] > link.parent_slot:
            between = self._slots[at - 1]
            return f"the block of slot {link.slot} passes over slot {between}, which has one"
        later = [slot for slot in self._slots[at : at + 2] if slot > link.slot]
        if later and self.links[later[0]].parent_slot < link.slot:
            return f"the block of slot {later[0]} passes over slot {link.slot}, which has one"
        return ""


def _height(link: Link) -> int:
    return link.height or 0


class StoredBlocks:
    """What PW_SWAP says about blocks; takes every batch, in stored order."""

    def __init__(self) -> None:
        # (source, session) -> slot -> parent.
        self.parents: dict[tuple[str, int], dict[int, int]] = {}
        # The same, with the sequence of PW_TX that brought the header.
        self._brought_by: dict[tuple[str, int], dict[int, int]] = {}
        # A gap's id -> slot -> parent, of what was filled in.
        self.fills: dict[str, dict[int, int]] = {}

    def add(self, batch: Batch) -> None:
        """Take the next batch."""
        if not batch.source:
            return
        session = batch.source, batch.epoch
        for event in batch.events:
            if isinstance(event, SlotEvent):
                known = self.parents.setdefault(session, {})
                seqs = self._brought_by.setdefault(session, {})
                # Parsers answer in any order: the header that came first to PW_TX counts.
                if batch.tx_seq < seqs.get(event.slot, batch.tx_seq + 1):
                    known[event.slot], seqs[event.slot] = event.parent, batch.tx_seq
                if batch.gap:
                    self.fills.setdefault(batch.gap, {})[event.slot] = event.parent

    def filled(self, gap: Gap) -> dict[int, int]:
        """Slot -> parent of the gap's blocks that were filled in."""
        return {s: p for s, p in self.fills.get(gap.id[:TEXT_MAX], {}).items() if within(gap, s)}

    def around(self, gap: Gap, gaps: Iterable[Gap]) -> Around:
        """What is stored on both sides of a gap; `gaps` are all recorded gaps."""
        before: int | None = None
        sessions = {session for source, session in self.parents if source == gap.source}
        for session in sorted((one for one in sessions if one <= gap.epoch), reverse=True):
            slots = self.parents[gap.source, session]
            before = max((slot for slot in slots if slot < gap.first_missing_slot), default=None)
            if before is not None:
                break
        known = self.parents.get((gap.source, gap.epoch), {})
        next_slot = min((slot for slot in known if slot > gap.last_missing_slot), default=None)
        after = None if next_slot is None else Link(next_slot, known[next_slot])
        others = tuple(
            (one.first_missing_slot, one.last_missing_slot)
            for one in gaps
            if one.source == gap.source and one.id != gap.id
        )
        return Around(before, after, others)
