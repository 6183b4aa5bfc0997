"""Following a chain by asking for its blocks: which to ask for, and what may go on. Pure.

A node's list only says what to ask for. What counts is the chain: each block that goes on names
the one before by slot and hash, and is one higher. Where it does not, or a block cannot be had,
a break says so, and what lies there becomes a gap.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from pw_common.ordering.backoff import Backoff
from pw_ingest.core.rpc.share import Share

# A block that a node lists may come a moment later; after this many tries it is not there.
TRIES_MAX: Final = 5
PAUSE_FIRST_S: Final = 0.4
PAUSE_MAX_S: Final = 25.6
# What contradicts the block before is asked for once more: nodes behind one name differ.
CONTRADICTIONS_MAX: Final = 2
# At most this many blocks that the list left out are asked for by their child's word.
WALK_MAX: Final = 32
# Hashes kept for the next stream, which begins a little before this one's end.
HASHES_KEPT: Final = 64

SAMPLED: Final = "sampled: the requests allowed do not follow the chain"
TOO_FAR: Final = "sampled: further behind than ingest catches up with"


class Link(NamedTuple):
    """A block's links in the chain, as its node gives them."""

    slot: int
    parent_slot: int
    blockhash: str
    parent_blockhash: str
    height: int | None = None


class Whole(NamedTuple):
    """A block: its links, and its updates in their order."""

    link: Link
    updates: list[bytes]


class Break(NamedTuple):
    """The next block does not follow the last one.

    `is_whole` where the last block is beyond doubt: else the gap begins with it.
    """

    why: str
    is_whole: bool = True


Following: TypeAlias = Whole | Break
Verdict: TypeAlias = Literal["goes_on", "breaks", "waits", "contradicts"]


class _Lost(NamedTuple):
    why: str
    # Whether it spoke against the block before it, so that either may be wrong.
    is_against: bool


FINE: Final = _Lost("", is_against=False)


class Follow:
    """One stream of blocks, in slot order.

    Args:
        first_slot: Where it begins.
        resumes: Whether everything before `first_slot` is there already.
        hashes: Of blocks that went on in the stream before: they must be the same still.
        window: How many blocks are asked for, or held until those before them have come.
    """

    def __init__(
        self,
        first_slot: int,
        *,
        resumes: bool,
        window: int,
        hashes: Mapping[int, str] | None = None,
        share: Share | None = None,
    ) -> None:
        self._base = first_slot - 1 if resumes else None
        self._window = window
        self._tip: Link | None = None
        # In slot order; the first is the next to go on.
        self._pending: list[int] = []
        self._asked: set[int] = set()
        self._got: dict[int, Whole] = {}
        self._tries: dict[int, int] = {}
        self._again_at_s: dict[int, float] = {}
        # Slot -> how many answers there had been when the node asked for a pause instead of it.
        self._limited: dict[int, int] = {}
        self._answers = 0
        self._against: dict[int, str] = {}
        self._lost: dict[int, _Lost] = {}
        self._left_out = range(0)
        self._left_why = SAMPLED
        self._dropped = 0
        self._walked = 0
        self.hashes: dict[int, str] = dict(hashes or {})
        self.share = share or Share()
        # Up to here the node's lists were taken.
        self.listed_until = first_slot - 1

    @property
    def tip_slot(self) -> int:
        """The last block that went on, or what was there before; negative before a first one."""
        return self._known()

    @property
    def backlog(self) -> int:
        """How many listed blocks have not gone on."""
        return len(self._pending)

    def listed(self, slots: Iterable[int]) -> int:
        """Take a list of slots that have blocks; returns how many were new."""
        new = 0
        for slot in slots:
            if slot > self.listed_until:
                self.listed_until = slot
                self._pending.append(slot)
                new += 1
        return new

    def to_ask(self, now_s: float, in_flight_max: int) -> list[int]:
        """Slots to ask for now, the oldest first; they count as asked from here on."""
        found = []
        for slot in self._pending[: self._window]:
            if len(self._asked) >= in_flight_max:
                break
            if slot in self._asked or slot in self._got:
                continue
            if self._again_at_s.get(slot, 0.0) <= now_s:
                self._asked.add(slot)
                found.append(slot)
        return found

    def next_try_s(self) -> float | None:
        """When something that failed may be asked for again; None where nothing waits for it."""
        window = self._pending[: self._window]
        waiting = (slot for slot in window if slot not in self._asked and slot not in self._got)
        return min(
            (at_s for slot in waiting if (at_s := self._again_at_s.get(slot)) is not None),
            default=None,
        )

    def got(self, whole: Whole) -> None:
        """A block came."""
        slot = whole.link.slot
        self._asked.discard(slot)
        self.answered()
        if self._is_pending(slot):
            self._got[slot] = whole

    def failed(self, slot: int, why: str, now_s: float) -> None:
        """A block did not come: it is asked for again, or given up. `why` is for the gap."""
        self._asked.discard(slot)
        if not self._is_pending(slot):
            return
        tries = self._tries.get(slot, 0) + 1
        if tries >= TRIES_MAX:
            self._give_up(slot, _Lost(why, is_against=False))
            return
        self._tries[slot] = tries
        self._again_at_s[slot] = now_s + Backoff(PAUSE_FIRST_S, PAUSE_MAX_S).longest_s(tries - 1)

    def take(self, now_s: float) -> list[Following]:
        """What goes on now, in order."""
        out: list[Following] = []
        while self._pending and (head := self._got.get(self._pending[0])) is not None:
            verdict, lost = self._judge(head.link)
            if verdict == "waits":
                break
            if verdict == "contradicts":
                self._speaks_against(head.link.slot, lost.why, now_s)
                continue
            if verdict == "breaks":
                out.append(Break(lost.why, is_whole=not lost.is_against))
                self.share.missed(self._missed(head.link))
            out.append(head)
            self._goes_on(head.link)
        return out

    def leave_out(self, keep: int) -> int:
        """Give up all that is not asked for but the newest `keep`; returns how many blocks."""
        last_at = len(self._pending) - keep
        dropped = [
            slot
            for slot in self._pending[: max(0, last_at)]
            if slot not in self._asked and slot not in self._got
        ]
        if not dropped:
            return 0
        gone = set(dropped)
        self._pending = [slot for slot in self._pending if slot not in gone]
        self._forget(gone)
        first = self._left_out.start if self._left_out else dropped[0]
        self._left_out = range(min(first, dropped[0]), dropped[-1] + 1)
        self._dropped += len(dropped)
        return len(dropped)

    def begin_later(self, slot: int, why: str) -> None:
        """Begin after this slot instead: what lies before it is left out, for a reason.

        Nobody has said how many blocks that is: each slot counts as one.
        """
        self._left_out = range(self.listed_until + 1, slot + 1)
        self._left_why = why
        self._dropped += len(self._left_out)
        self.listed_until = slot

    def answered(self) -> None:
        """The node gave something: a list, or a block."""
        self._answers += 1

    def limited(self, slot: int, why: str, now_s: float) -> None:
        """The node asked for a pause instead of giving a block.

        That says nothing about the block, and it is asked for again. But where the node gives
        everything else meanwhile, it will not give this block.
        """
        before = self._limited.get(slot)
        if before is not None and self._answers > before:
            self.failed(slot, why, now_s)
        else:
            self._asked.discard(slot)
            if self._is_pending(slot):
                self._again_at_s[slot] = now_s
        if self._is_pending(slot):
            self._limited[slot] = self._answers

    def _missed(self, link: Link) -> int:
        """How many blocks a break leaves out: by their heights, else those that were named."""
        tip, slots = self._tip, link.parent_slot - self._known()
        if tip is not None and tip.height is not None and link.height is not None:
            return max(0, min(link.height - tip.height - 1, slots))
        return min(slots, self._dropped + sum(slot < link.slot for slot in self._lost))

    def _judge(self, link: Link) -> tuple[Verdict, _Lost]:
        known = self._known()
        if known < 0:
            return "goes_on", FINE
        if wrong := self._wrong(link):
            why = f"the node contradicts itself at slot {link.slot}: {wrong}"
            return "contradicts", _Lost(why, is_against=True)
        return self._missing(link.parent_slot) if link.parent_slot > known else ("goes_on", FINE)

    def _wrong(self, link: Link) -> str:
        """Which of its links cannot be true, by the blocks before it."""
        tip, parent = self._tip, link.parent_slot
        for slot, lost in self._lost.items():
            # The node gave a block of this slot: it cannot be a slot without a block.
            if lost.is_against and parent < slot < link.slot:
                return f"it passes over slot {slot}, which has a block"
        if parent > self._known():
            return ""  # Nothing is known of what it names.
        if tip is not None and parent < tip.slot:
            return f"its parent is slot {parent}, before slot {tip.slot}"
        if self.hashes.get(parent, link.parent_blockhash) != link.parent_blockhash:
            return f"it names another block of slot {parent} than the node gave"
        if tip is None or tip.height is None or link.height in {None, tip.height + 1}:
            return ""
        return f"its height is {link.height}, after {tip.height}"

    def _missing(self, parent: int) -> tuple[Verdict, _Lost]:
        """The block's parent is not there: is it known why, or is there hope?"""
        lost = self._lost.get(parent)
        if lost is None and parent in self._left_out:
            lost = _Lost(self._left_why, is_against=False)
        if lost is None and self._walked >= WALK_MAX:
            why = f"the node does not list the blocks before slot {parent}"
            lost = _Lost(why, is_against=False)
        if lost is not None:
            return "breaks", self._worst(lost, parent)
        # A list leaves out what a node behind the same name does not have yet.
        self._walked += 1
        insort(self._pending, parent)
        return "waits", FINE

    def _worst(self, lost: _Lost, parent: int) -> _Lost:
        """Doubt about the last block counts, whichever of the lost ones it comes from."""
        known = self._known()
        against = [one for slot, one in self._lost.items() if known < slot <= parent]
        doubt = next((one for one in against if one.is_against), None)
        return doubt or lost

    def _speaks_against(self, slot: int, why: str, now_s: float) -> None:
        del self._got[slot]
        tries = self._tries.get(slot, 0) + 1
        if slot in self._against or tries >= CONTRADICTIONS_MAX + TRIES_MAX:
            self._give_up(slot, _Lost(why, is_against=True))
            return
        self._against[slot] = why
        self._tries[slot] = tries
        self._again_at_s[slot] = now_s + PAUSE_FIRST_S

    def _give_up(self, slot: int, lost: _Lost) -> None:
        self._lost[slot] = lost
        self._pending.remove(slot)
        self._forget({slot})

    def _goes_on(self, link: Link) -> None:
        del self._pending[0]
        self._forget({link.slot})
        self._tip = link
        self._walked = 0
        for slot in [one for one in self._lost if one <= link.slot]:
            del self._lost[slot]
        if self._left_out and self._left_out.stop <= link.slot:
            self._left_out, self._left_why, self._dropped = range(0), SAMPLED, 0
        self.hashes[link.slot] = link.blockhash
        while len(self.hashes) > HASHES_KEPT:
            del self.hashes[min(self.hashes)]
        self.share.seen()

    def _forget(self, slots: set[int]) -> None:
        for slot in slots:
            self._got.pop(slot, None)
            self._tries.pop(slot, None)
            self._again_at_s.pop(slot, None)
            self._limited.pop(slot, None)
            self._against.pop(slot, None)

    def _known(self) -> int:
        """Up to here nothing is missing, or it was reported; negative before a first block."""
        if self._tip is not None:
            return self._tip.slot
        return -1 if self._base is None else self._base

    def _is_pending(self, slot: int) -> bool:
        at = bisect_left(self._pending, slot)
        return at < len(self._pending) and self._pending[at] == slot
