"""Whatever becomes of the queue, slots hold what a sort of everything that was sent holds."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.wire.messages import Batch, QuoteTrade, Swap
from support.queue_world import World, anything, history


def rank(one: Swap | QuoteTrade) -> tuple[int, str]:
    return one.index, one.signature


def sorted_naively(messages: Iterable[Batch]) -> list[dict[int, list[str]]]:
    """Each epoch's trades by slot, in chain order: what the reader must come to."""
    epochs: dict[int, dict[int, list[Swap | QuoteTrade]]] = {}
    for one in messages:
        slots = epochs.setdefault(one.epoch, {})
        for event in one.events:
            trades = slots.setdefault(event.slot, [])
            if isinstance(event, Swap | QuoteTrade):
                trades.append(event)
    return [
        {
            slot: [one.signature for one in sorted(trades, key=rank)]
            for slot, trades in slots.items()
        }
        for _, slots in sorted(epochs.items())
    ]


def closed_naively(closed: Iterable[ClosedSlot]) -> list[dict[int, list[str]]]:
    """The same of closed slots; one that closes twice or out of order is a failure."""
    epochs: list[dict[int, list[str]]] = []
    for one in closed:
        if one.reset:
            epochs.append({})
        assert one.slot > max(epochs[-1], default=0)
        trades: list[Swap | QuoteTrade] = [*one.swaps, *one.quotes]
        trades.sort(key=rank)
        assert [it.signature for it in trades if isinstance(it, Swap)] == [
            it.signature for it in one.swaps
        ]
        epochs[-1][one.slot] = [it.signature for it in trades]
    return epochs


class Reader:
    """Reads PW_SWAP as it grows, and passes what the broker proves void."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.assembly = Assembly(sources=("main",))
        self.closed: list[ClosedSlot] = []
        self.read = 0

    def go_on(self) -> None:
        for one in self.world.arrived[self.read :]:
            self.read += 1
            self.closed += self.assembly.add(one, 1_000, self.read)
        while self.world.is_void(self.assembly.queue, self.assembly.missing):
            self.closed += self.assembly.skip_void(self.assembly.missing[-1])


def live(reader: Reader, restores: int, rng: random.Random) -> None:
    """The reader reads on now and then, and to the end."""
    for _ in anything(reader.world, restores):
        if rng.random() < 0.5:
            reader.go_on()
    reader.go_on()


@pytest.mark.parametrize("epochs", [1, 3])
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), restores=st.integers(0, 5))
def test_restores_in_any_order_lose_nothing_and_double_nothing(
    epochs: int, seed: int, restores: int
) -> None:
    rng = random.Random(seed)
    world = World(history(rng, epochs), rng)
    reader = Reader(world)
    live(reader, restores, rng)
    assert closed_naively(reader.closed) == sorted_naively(world.messages)
    assert (reader.assembly.held, reader.assembly.late, reader.assembly.untimed) == (0, 0, 0)
