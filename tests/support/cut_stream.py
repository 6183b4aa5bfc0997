"""A small stream by hand: swaps, slots, batches cut anyhow."""

from __future__ import annotations

import random
from collections.abc import Iterable

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.wire.messages import Batch, Counts, Event, QuoteTrade, SlotEvent, Swap

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
BEGIN_S = 1_700_000_000


def swap(
    number: int,
    slot: int,
    *,
    trader: str = "alice",
    mint: str = "mint",
    buy: bool = True,
    base: int = 1_000_000,
    quote: int | None = 1_000_000_000,
    quote_mint: str | None = SOL,
) -> Swap:
    return Swap(
        signature=f"sig{number:06}",
        ordinal=0,
        slot=slot,
        index=number % 7,
        trader=trader,
        side="buy" if buy else "sell",
        mint=mint,
        base_amount_raw=base,
        base_decimals=6,
        quote_mint=quote_mint,
        quote_amount_raw=quote,
        quote_decimals=9,
    )


def flow(seed: int, slots: int, *, slot_seconds: float = 4.0, mints: int = 3) -> list[Event]:
    """A stream in chain order: each slot its trades, then its clock."""
    rng = random.Random(seed)
    events: list[Event] = []
    number = 0
    for slot in range(1, slots + 1):
        for _ in range(rng.choice((0, 0, 1, 2, 4))):
            number += 1
            stable = rng.random() < 0.2
            events.append(
                swap(
                    number,
                    slot,
                    trader=f"wallet{rng.randrange(9)}",
                    mint=f"mint{rng.randrange(mints)}",
                    buy=rng.random() < 0.7,
                    base=rng.randrange(1, 10**9),
                    quote=rng.choice((None, rng.randrange(1, 5 * 10**9))),
                    quote_mint=USDC if stable else SOL,
                )
            )
        if rng.random() < 0.3:
            number += 1
            events.append(
                QuoteTrade(
                    signature=f"sig{number:06}", ordinal=0, slot=slot, index=0,
                    sol_amount_raw=10**9, usd_mint=USDC,
                    usd_amount_raw=rng.randrange(100_000_000, 200_000_000),
                )
            )  # fmt: skip
        clock = BEGIN_S + int(slot * slot_seconds)
        events.append(SlotEvent(slot=slot, parent=slot - 1, block_time_s=clock))
    return events


def batch(seq: int, events: Iterable[Event], frontier: int, *, epoch: int = 1) -> Batch:
    return Batch(
        tx_stream_created="2026-01-01T00:00:00Z",
        tx_seq=seq,
        source="main",
        epoch=epoch,
        frontier_slot=frontier,
        counts=Counts(),
        events=tuple(events),
    )


def cut(events: list[Event], seed: int, *, first_seq: int = 1, epoch: int = 1) -> list[Batch]:
    """The stream in batches of any size; the last one says that everything is stored."""
    rng = random.Random(seed)
    batches: list[Batch] = []
    at = 0
    while at < len(events):
        size = rng.randrange(1, 12)
        part = events[at : at + size]
        at += size
        # Every slot before the newest of those already sent is complete.
        frontier = part[0].slot - 1
        batches.append(batch(first_seq + len(batches), part, frontier, epoch=epoch))
    last = max(event.slot for event in events)
    batches.append(batch(first_seq + len(batches), (), last, epoch=epoch))
    return batches


def closed_slots(batches: Iterable[Batch]) -> list[ClosedSlot]:
    assembly = Assembly(sources=("main",))
    return [closed for one in batches for closed in assembly.add(one)]


def empty(of: Batch, tx_seq: int) -> Batch:
    """The answer to what was answered before, at another sequence."""
    return Batch(
        tx_stream_created=of.tx_stream_created,
        tx_seq=tx_seq,
        tx_id=of.tx_id,
        source="",
        epoch=0,
        frontier_slot=0,
        counts=Counts(),
    )
