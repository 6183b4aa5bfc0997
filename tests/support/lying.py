"""A live chain of now for tests, and the lies that a Yellowstone server can tell beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pw_common.process.clock import now_ms
from pw_geyser import geyser_pb2 as pb
from support.source import FakeSource, transaction

SLOT = 350_000_000
SLOT_MS = 400
Lie: TypeAlias = Callable[[int], list[bytes]]


def now_s() -> int:
    return now_ms() // 1000


def transaction_now(slot: int, index: int, *, created_s: int | None = None) -> bytes:
    """A transaction whose server has the right clock, or says another time."""
    update = pb.SubscribeUpdate.FromString(transaction(slot % 2**40, index))
    update.transaction.slot = slot
    update.created_at.seconds = now_s() if created_s is None else created_s
    return update.SerializeToString()


def block_meta_at(slot: int, parent: int, time_s: int) -> bytes:
    update = pb.SubscribeUpdate(filters=["pw-meta"])
    update.block_meta.slot = slot
    update.block_meta.parent_slot = parent
    update.block_meta.block_time.timestamp = time_s
    update.created_at.seconds = now_s()
    return update.SerializeToString()


def block_now(slot: int, *, clock_ahead_s: int = 0) -> list[bytes]:
    """A block that was produced now; its server's clock may be ahead."""
    created_s = now_s() + clock_ahead_s
    trades = [transaction_now(slot, index, created_s=created_s) for index in range(2)]
    return [*trades, block_meta_at(slot, slot - 1, now_s())]


def chain_until_now(slots: int) -> list[bytes]:
    """The last blocks of a chain that is at `SLOT` now."""
    out: list[bytes] = []
    for slot in range(SLOT - slots + 1, SLOT + 1):
        time_s = now_s() - (SLOT - slot) * SLOT_MS // 1000
        out += [transaction_now(slot, index) for index in range(2)]
        out.append(block_meta_at(slot, slot - 1, time_s))
    return out


def _slots(first: int, parent: int) -> list[bytes]:
    return [
        transaction_now(first, 9),
        block_meta_at(first, parent, now_s()),
        block_meta_at(first + 1, first, now_s()),
    ]


def _garbage(_slot: int) -> list[bytes]:
    return [bytes([255, number]) * 150 for number in range(100)]


PING = pb.SubscribeUpdate(ping=pb.SubscribeUpdatePing()).SerializeToString()

LIES: dict[str, Lie] = {
    "a slot of 2^63": lambda slot: _slots(2**63, slot),
    "a slot near 2^64": lambda slot: _slots(2**64 - 2, slot),
    "a slot of 10^18": lambda slot: _slots(10**18, slot),
    "a million slots ahead": lambda slot: _slots(slot + 10**6, slot),
    "a block time of 2^62": lambda slot: [block_meta_at(slot, slot - 1, 2**62)],
    "a block time of -2^62": lambda slot: [block_meta_at(slot, slot - 1, -(2**62))],
    "a block time in the year 3000": lambda slot: [block_meta_at(slot, slot - 1, 32_503_680_000)],
    "a block time an hour ahead": lambda slot: [block_meta_at(slot, slot - 1, now_s() + 3_600)],
    "a created_at of 2^62": lambda slot: [transaction_now(slot, 9, created_s=2**62)],
    "a created_at of -2^62": lambda slot: [transaction_now(slot, 9, created_s=-(2**62))],
    "an update over the limit": lambda _slot: [bytes(9 * 1024 * 1024)],
    "garbage": _garbage,
    "nothing but pings": lambda _slot: [PING] * 2_000,
}


@dataclass
class Liar(FakeSource):
    """A source that also says, once, what is put `beside` its updates."""

    beside: list[bytes] = field(default_factory=list)

    async def subscribe(
        self, requests: AsyncIterator[pb.SubscribeRequest], context: Any
    ) -> AsyncIterator[bytes]:
        async for update in super().subscribe(requests, context):
            while self.beside:
                yield self.beside.pop(0)
            yield update


class Chain:
    """Plays a chain of now into sources, block by block; each may lie beside it."""

    def __init__(self) -> None:
        self.slot = SLOT

    def grow(self, *sources: FakeSource, blocks: int = 1) -> None:
        """Blocks as they come, though quicker than on a chain, within what the slack allows."""
        for _ in range(blocks):
            self.slot += 1
            for source in sources:
                source.updates += block_now(self.slot)


@asynccontextmanager
async def growing(chain: Chain, *sources: FakeSource) -> AsyncIterator[Chain]:
    """The chain goes on by itself, at twice the usual pace."""

    async def go_on() -> None:
        while True:
            chain.grow(*sources)
            await asyncio.sleep(SLOT_MS / 2000)

    task = asyncio.create_task(go_on())
    try:
        yield chain
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
