"""Blocks of a span of slots from a node, each shown to follow the one before it.

A node may leave slots out of its lists, or give other blocks than were there. So each block must
name the one before it by slot and hash, the first must follow one before the span, and a block
behind the span must follow the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

from pw_cli.history.history_node import in_order
from pw_rpc.core.blocks import (
    BadBlock,
    Block,
    Parent,
    read_block,
    unread_update,
    updates_of,
)
from pw_rpc.history import History
from pw_rpc.node import BadAnswer, NotHad, decode, visible

# Asked for at once; a node may limit how many it lists.
LIST_SLOTS_MAX: Final = 5_000
# How far behind the span its next block is looked for.
AFTER_SLOTS_MAX: Final = 512
# Blocks in a row that a list may leave out: they are held until it is shown what they follow.
UNLISTED_MAX: Final = 64


class Tip(NamedTuple):
    """The block that the next one must follow."""

    slot: int
    blockhash: str


class Fetched(NamedTuple):
    """One block: where it stands, its updates, and how many transactions are of unknown form."""

    slot: int
    header: Parent
    updates: list[bytes]
    unread: int


class MissingSlots(NamedTuple):
    """Slots in a row, both ends inclusive: the last slot has a block that nobody gave.

    Nothing shows which of those before it have one too.
    """

    first_slot: int
    last_slot: int
    why: str

    @property
    def slots(self) -> int:
        """How many slots about which nothing is shown."""
        return self.last_slot - self.first_slot + 1

    @property
    def name(self) -> str:
        """Its slots, for people."""
        if self.slots == 1:
            return f"slot {self.last_slot}"
        return f"slots {self.first_slot} to {self.last_slot}"


class Broken(RuntimeError):
    """The chain cannot be shown to be whole; says where and why."""


class Chain:
    """The blocks of one span, both ends inclusive; `tip` goes on from what is there already.

    With `left_out` a block that cannot be had is noted there, and the chain begins again after it.
    """

    def __init__(
        self,
        rpc: History,
        first: int,
        last: int,
        *,
        tip: Tip | None = None,
        left_out: list[MissingSlots] | None = None,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._rpc = rpc
        self._first = first
        self._last = last
        self._tip = tip
        self._left_out = left_out
        self._say = say
        # Slot -> why its block was not given.
        self._remarks: dict[int, str] = {}
        self.listed = 0
        # The block behind the span, which shows that nothing is missing at its end: no updates but
        # the block_meta that says where it stands.
        self.behind: Fetched | None = None

    async def blocks(self) -> AsyncGenerator[Fetched, None]:
        """Each block in the order of the chain.

        Raises:
            Broken: a block is missing, contradicts the one before, or nothing proves the end.
            NodeFailed: the node gives nothing more.
        """
        begin = self._first if self._tip is None else self._tip.slot + 1
        for first in range(begin, self._last + 1, LIST_SLOTS_MAX):
            last = min(first + LIST_SLOTS_MAX - 1, self._last)
            slots = await self._slots(first, last)
            self.listed += len(slots)
            async with aclosing(in_order(slots, self._ask)) as answers:
                async for slot, answer in answers:
                    found = answer.result()
                    if found is not None and (self._tip is None or slot > self._tip.slot):
                        for one in await self._followed(found):
                            yield one
        for one in await self._end():
            yield one

    async def _slots(self, first: int, last: int) -> list[int]:
        """What the node lists; what it leaves out is not taken for a slot without a block."""
        try:
            return await self._rpc.produced(first, last)
        except (NotHad, BadAnswer) as error:
            self._say(f"the node lists no blocks of slots {first} to {last}: {error}")
            return []

    async def _ask(self, slot: int) -> Fetched | None:
        try:
            raw = await self._rpc.block_json(slot)
            # A block may take long to read, and the others are waited for meanwhile.
            return await asyncio.to_thread(_fetched, slot, raw)
        except NotHad as error:
            self._remarks[slot] = f"the node: {error}"
        except (BadAnswer, BadBlock) as error:
            self._remarks[slot] = f"the node's answer cannot be used: {visible(str(error))}"
        return None

    async def _followed(self, found: Fetched, *, written: bool = True) -> list[Fetched]:
        """The block, and before it those that it shows were left out of the list."""
        blocks = [found]
        while (parent := blocks[0].header.parent_slot) > self._known:
            before = await self._ask(parent) if parent not in self._remarks else None
            if before is None:
                why = self._remarks[parent]
                if self._left_out is None:
                    raise Broken(f"the block of slot {parent} is missing: {why}")
                # A list that leaves out one block may have left out those before it.
                self._left_out.append(MissingSlots(self._known + 1, parent, why))
                self._tip = None
                break
            if before.header.parent_slot >= parent:
                raise Broken(f"the block of slot {parent} names {before.header.parent_slot} before")
            _check(before.slot, before.header.blockhash, blocks[0])
            blocks.insert(0, before)
            if len(blocks) > UNLISTED_MAX:
                raise Broken(
                    f"the node's list leaves out {UNLISTED_MAX} blocks before {found.slot}"
                )
        else:
            self._check_follows(blocks[0])
        self._tip = Tip(found.slot, found.header.blockhash)
        return blocks if written else blocks[:-1]

    @property
    def _known(self) -> int:
        """The slot behind which every block must be fetched."""
        return self._first - 1 if self._tip is None else self._tip.slot

    def _check_follows(self, block: Fetched) -> None:
        if self._tip is None:
            return
        if block.header.parent_slot != self._tip.slot:
            raise Broken(
                f"the node contradicts itself: the block of slot {block.slot} follows slot "
                f"{block.header.parent_slot}, but {self._tip.slot} has a block too"
            )
        _check(self._tip.slot, self._tip.blockhash, block)

    async def _end(self) -> list[Fetched]:
        """What the block behind the span shows to be missing at its end."""
        last = self._last
        listed = await self._slots(last + 1, last + AFTER_SLOTS_MAX)
        if not listed:
            raise Broken(f"no block behind slot {last} shows that it is whole up to there")
        slot = listed[0]
        for _ in range(AFTER_SLOTS_MAX):
            try:
                header = await self._rpc.parent(slot)
            except (NotHad, BadAnswer) as error:
                raise Broken(f"the block of slot {slot} is not given: {error}") from error
            if header.parent_slot <= last:
                self.behind = Fetched(slot, header, [_header_update(slot, header)], 0)
                return await self._followed(self.behind, written=False)
            slot = header.parent_slot
        raise Broken(f"the blocks behind slot {last} lead nowhere")


def _fetched(slot: int, raw: bytes) -> Fetched:
    block = decode(raw, Block)
    if block.parent_slot >= slot > 0:
        raise BadBlock(f"its parent is of slot {block.parent_slot}")
    read = read_block(slot, block)
    # What is not read is kept where a dead letter finds it: before the block's end.
    unread = [unread_update(slot, one) for one in read.unread]
    updates = [*read.updates[:-1], *unread, *read.updates[-1:]]
    return Fetched(slot, block, updates, len(unread))


def _header_update(slot: int, header: Parent) -> bytes:
    block = Block(
        parent_slot=header.parent_slot,
        blockhash=header.blockhash,
        previous_blockhash=header.previous_blockhash,
        transactions=[],
    )
    return updates_of(slot, block)[-1]


def _check(slot: int, blockhash: str, after: Fetched) -> None:
    if after.header.previous_blockhash != blockhash:
        raise Broken(
            f"the node contradicts itself: the block of slot {after.slot} names another hash for "
            f"the block of slot {slot} than that block has"
        )
