"""Restarts after any message, among restores of the queue, give the alerts of a plain stream."""

from __future__ import annotations

import asyncio
import random
from typing import cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.ordering.restart import Note
from pw_common.process.log import Log
from pw_common.service.metrics import Metrics
from pw_common.topology.queue_name import means_the_same
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Batch, Event, SlotEvent
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule
from pw_detector.core.restart import Resumed
from pw_detector.folding import Folding, Stores
from pw_detector.store.alert_store import AlertStore
from pw_detector.store.configuration import Configuration
from pw_detector.store.position import Position, PositionStore
from support.cut_stream import BEGIN_S, batch, closed_slots, swap
from support.queue_world import World, anything, history

RULES = (
    Rule(name="any", conditions=("buy_count_5m >= 2",), cooldown_s=0),
    Rule(name="some", conditions=("unique_buyers_5m >= 3",), cooldown_s=20),
)
METRICS = Metrics("detector", "0")


class Stored:
    """What a broker would hold: alerts once by id, the last position."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.position: Position | None = None

    async def store(self, alerts: list[Alert], _revision: int) -> None:
        for alert in alerts:
            self.alerts.setdefault(alert.id, alert)

    async def advance(self, position: Position) -> bool:
        self.position = position
        return True


class Broker:
    """Knows the queue as it is in the end: of those before it, nothing is proven."""

    def __init__(self, arrived: list[Batch]) -> None:
        self._arrived = arrived
        self._last = list(dict.fromkeys(one.tx_stream_created for one in arrived))[-1]

    async def never_stored_until(self, missing: range, read_seq: int, queue: str = "") -> int:
        if not missing or queue != self._last:
            return 0
        to_come = {
            one.tx_seq
            for one in self._arrived[read_seq:]
            if means_the_same(one.tx_stream_created, queue, one.tx_seq)
        }
        return missing[-1] if to_come.isdisjoint(missing) else 0

    def is_asked(self, _missing: range, _queue: str = "") -> bool:
        return False


def folding(stored: Stored, arrived: list[Batch]) -> Folding:
    """As `start` makes it, from what is stored."""
    position = stored.position
    detector = Detector(RULES)
    resumed = Resumed("then", Note(0, 1, TxPosition(0, 1)))
    if position is not None:
        detector.restore(
            [one for one in stored.alerts.values() if one.slot <= position.released_slot],
            restarts_at_ms=position.restart_time_ms,
            session_since_ms=position.epoch_time_ms,
            evaluates_from_ms=position.event_time_ms,
            cut_ms=position.cut_ms,
        )
        resumed = Resumed(
            "then",
            Note(
                position.restart_time_ms,
                position.restart_seq,
                position.restart_place,
                position.restart_former,
            ),
            folded_seq=position.folded_seq,
            folded_tx_position=position.folded_place,
            released_slot=position.released_slot,
            session_time_ms=position.epoch_time_ms,
        )
    stores = Stores(
        cast(AlertStore, stored),
        cast(PositionStore, stored),
        cast(Configuration, None),
        cast(SequenceGaps, Broker(arrived)),
    )
    assembly = Assembly(
        sources=("main",), first=resumed.first.tx_position, former=resumed.first.former
    )
    return Folding(assembly, detector, stores, resumed, METRICS, Log("test"))


async def read(arrived: list[Batch], stops: list[int]) -> Stored:
    """Fold all messages, starting again after each of these sequences."""
    stored = Stored()
    for number, stop in enumerate([*stops, len(arrived)]):
        one = folding(stored, arrived)
        for seq in range(one.start_seq, stop + 1):
            await one.take(arrived[seq - 1], seq, seq)
            if one.rebuilt:
                await one.settle_sequence_gaps(caught_up=False)
        if number % 2 == 0:
            await one.close()
    return stored


def plainly(messages: list[Batch]) -> set[str]:
    """The alerts of the same messages, one after the other."""
    detector = Detector(RULES)
    numbered = [msgspec.structs.replace(one, tx_seq=at) for at, one in enumerate(messages, 1)]
    return {alert.id for closed in closed_slots(numbered) for alert in detector.step(closed)}


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), sessions=st.integers(1, 3), restores=st.integers(0, 4))
def test_restarts_among_restores_give_the_alerts_of_a_plain_stream(
    seed: int, sessions: int, restores: int
) -> None:
    rng = random.Random(seed)
    # Sessions cover different parts of the chain: the slot is what distinguishes their alerts.
    world = World(history(rng, sessions, slots_apart=1_000), rng)
    for _ in anything(world, restores):
        pass
    count = min(4, len(world.arrived) - 1)
    stops = sorted(rng.sample(range(1, len(world.arrived)), count))
    expected = plainly(world.messages)
    assert expected
    assert set(asyncio.run(read(world.arrived, [])).alerts) == expected
    assert set(asyncio.run(read(world.arrived, stops)).alerts) == expected


def with_old_fillings(messages: list[Batch], rng: random.Random) -> list[Batch]:
    """Gaps of the first session are filled in while later ones are read, some without a header."""
    begin = next(at for at, one in enumerate(messages) if one.epoch > 1)
    found = messages[:begin]
    now_s = BEGIN_S
    for at, one in enumerate(messages[begin:]):
        found.append(one)
        times_s = [event.block_time_s or 0 for event in one.events if isinstance(event, SlotEvent)]
        now_s = max([now_s, *times_s])
        if rng.random() < 0.5:
            # At slots of the present session's numbers, and at times of its windows.
            slot = rng.randrange(1, 4_000)
            trades = [
                swap(900_000 + at * 10 + number, slot, mint=f"mint{number}", trader=f"w{number}")
                for number in range(3)
            ]
            header = SlotEvent(slot=slot, parent=slot - 1, block_time_s=now_s - rng.randrange(99))
            events: list[Event] = [*trades, header] if rng.random() < 0.7 else [*trades]
            filling = msgspec.structs.replace(batch(1, events, 0), tx_id=f"fill:{at}", gap="main:1")
            found.append(filling)
    last = max(at for at, one in enumerate(found) if not one.gap)
    return [*found[:last], *found[last + 1 :], found[last]]


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), sessions=st.integers(2, 3))
def test_what_is_filled_in_before_the_session_changes_no_alert_wherever_a_restart_begins(
    seed: int, sessions: int
) -> None:
    rng = random.Random(seed)
    streamed = history(rng, sessions, slots_apart=1_000)
    world = World(with_old_fillings(streamed, rng), rng)
    # No restores: an answer that was lost may come while the first session is still present.
    for _ in anything(world, 0):
        pass
    count = min(4, len(world.arrived) - 1)
    stops = sorted(rng.sample(range(1, len(world.arrived)), count))
    expected = plainly(streamed)
    assert set(asyncio.run(read(world.arrived, [])).alerts) == expected
    assert set(asyncio.run(read(world.arrived, stops)).alerts) == expected
