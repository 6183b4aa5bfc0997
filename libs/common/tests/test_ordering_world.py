"""Whatever becomes of the queue, slots hold what a sort of everything that was sent holds."""

from __future__ import annotations

import random
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.wire.messages import Batch, Event, QuoteTrade, SlotEvent, Swap
from support.queue_world import World, anything, history


def rank(one: Swap | QuoteTrade) -> tuple[int, str]:
    return one.index, one.signature


def sorted_naively(messages: Iterable[Batch]) -> list[dict[int, list[str]]]:
    """Each session's trades by slot, in chain order: what the reader must come to."""
    sessions: dict[int, dict[int, list[Swap | QuoteTrade]]] = {}
    for one in messages:
        slots = sessions.setdefault(one.epoch, {})
        for event in one.events:
            trades = slots.setdefault(event.slot, [])
            if isinstance(event, Swap | QuoteTrade):
                trades.append(event)
    return [
        {
            slot: [one.signature for one in sorted(trades, key=rank)]
            for slot, trades in slots.items()
        }
        for _, slots in sorted(sessions.items())
    ]


def closed_naively(closed: Iterable[ClosedSlot]) -> list[dict[int, list[str]]]:
    """The same of closed slots; one that closes twice or out of order is a failure."""
    sessions: list[dict[int, list[str]]] = []
    for one in closed:
        if one.reset:
            sessions.append({})
        assert one.slot > max(sessions[-1], default=0)
        trades: list[Swap | QuoteTrade] = [*one.swaps, *one.quotes]
        trades.sort(key=rank)
        assert [it.signature for it in trades if isinstance(it, Swap)] == [
            it.signature for it in one.swaps
        ]
        sessions[-1][one.slot] = [it.signature for it in trades]
    return sessions


class Reader:
    """Reads PW_SWAP as it grows, and passes what the broker proves never to have been stored."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.assembly = Assembly(sources=("main",))
        self.closed: list[ClosedSlot] = []
        self.read = 0

    def go_on(self) -> None:
        for one in self.world.arrived[self.read :]:
            self.read += 1
            self.closed += self.assembly.add(one, 1_000, self.read)
        while self.world.is_never_stored(self.assembly.queue, self.assembly.missing):
            self.closed += self.assembly.skip_never_stored(self.assembly.missing[-1])


def live(reader: Reader, restores: int, rng: random.Random) -> None:
    """The reader reads on now and then, and to the end."""
    for _ in anything(reader.world, restores):
        if rng.random() < 0.5:
            reader.go_on()
    reader.go_on()


@pytest.mark.parametrize("sessions", [1, 3])
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), restores=st.integers(0, 5))
def test_restores_in_any_order_lose_nothing_and_double_nothing(
    sessions: int, seed: int, restores: int
) -> None:
    rng = random.Random(seed)
    world = World(history(rng, sessions), rng)
    reader = Reader(world)
    live(reader, restores, rng)
    assert closed_naively(reader.closed) == sorted_naively(world.messages)
    assert (reader.assembly.held, reader.assembly.late, reader.assembly.untimed) == (0, 0, 0)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), queues=st.integers(1, 3))
def test_queues_created_again_keep_their_histories_apart(seed: int, queues: int) -> None:
    rng = random.Random(seed)
    histories = [history(rng, 1, slots_apart=1_000 * at) for at in range(queues)]
    world = World([], rng)
    reader = Reader(world)
    stray_trades = 0
    for at, messages in enumerate(histories):
        if at:
            world.recreate(f"2026-02-0{at}T00:00:00Z")
        world.messages, world.cursor = messages, 0
        while world.cursor < len(messages):
            world.send(rng.randrange(1, 9))
            world.answer(rng.randrange(1, 9))
            if rng.random() < 0.2:
                world.repeat()
            reader.go_on()
        world.answer_all()
        # A deleted queue leaves an answer that comes when its successor is read already.
        if at + 1 < queues:
            one = msgspec.structs.replace(messages[0], tx_seq=900, tx_id=f"stray:{at}")
            stray = msgspec.structs.replace(one, tx_stream_created=world.name)
            world.strays.append(stray)
            stray_trades += sum(isinstance(it, Swap | QuoteTrade) for it in one.events)
        reader.go_on()
    expected = [one for messages in histories for one in sorted_naively(messages)]
    assert closed_naively(reader.closed) == expected
    assert reader.assembly.held == 0
    assert reader.assembly.late <= stray_trades


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_two_sources_and_their_backfills_give_what_a_sort_gives(seed: int) -> None:
    rng = random.Random(seed)
    main, other = history(rng, 1), [of_another(one) for one in history(rng, 1)]
    hidden = set(rng.sample(range(2, 30), 4))
    filling = [
        msgspec.structs.replace(one, events=shown(one, hidden, is_gap=True), gap="main:1:2-29")
        for one in main
    ]
    main = [msgspec.structs.replace(one, events=shown(one, hidden)) for one in main]
    fills = [
        msgspec.structs.replace(one, tx_id=f"fill:{one.tx_id}", frontier_slot=0)
        for one in filling
        if one.events
    ]
    world = World([], rng)
    reader = Reader(world)
    sources = [iter(main), iter(other), iter(fills)]
    reader.assembly = Assembly(sources=("main", "other"))
    while sources:
        source = rng.choice(sources)
        one = next(source, None)
        if one is None:
            sources.remove(source)
            continue
        world.put(one)
        world.answer(rng.randrange(3))
        if rng.random() < 0.1:
            world.leave_never_stored()
        reader.go_on()
    world.answer_all()
    reader.go_on()
    found: dict[int, list[Swap | QuoteTrade]] = {}
    for closed in reader.closed:
        assert closed.amends or closed.slot not in found or not found[closed.slot]
        found.setdefault(closed.slot, []).extend((*closed.swaps, *closed.quotes))
    (expected,) = sorted_naively([*main, *other, *fills])
    signatures = {
        slot: [one.signature for one in sorted(trades, key=rank)] for slot, trades in found.items()
    }
    assert {slot: one for slot, one in signatures.items() if one} == {
        slot: one for slot, one in expected.items() if one
    }
    assert (reader.assembly.held, reader.assembly.late, reader.assembly.too_old) == (0, 0, 0)


def of_another(one: Batch) -> Batch:
    """The same batch of another source, whose trades are its own."""
    events = tuple(
        msgspec.structs.replace(event, signature=f"other:{event.signature}")
        if isinstance(event, Swap | QuoteTrade)
        else event
        for event in one.events
    )
    changed: Batch = msgspec.structs.replace(
        one, source="other", events=events, tx_id=f"other:{one.tx_id}"
    )
    return changed


def shown(one: Batch, hidden: set[int], *, is_gap: bool = False) -> tuple[Event, ...]:
    """The events outside of the hidden slots, or those inside; blocks come with both."""
    return tuple(
        event
        for event in one.events
        if (isinstance(event, Swap | QuoteTrade) and (event.slot in hidden) == is_gap)
        or (isinstance(event, SlotEvent) and not is_gap)
    )
