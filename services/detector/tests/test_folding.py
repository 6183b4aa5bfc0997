"""Whatever message it stops after, a detector that starts again gives the same alerts."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

import msgspec
import pytest

from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.ordering.restart import Note
from pw_common.process.log import Log
from pw_common.service.metrics import Metrics
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Batch, Counts, SlotEvent, Swap
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule
from pw_detector.core.restart import Resumed
from pw_detector.folding import Folding, Stores
from pw_detector.store.alert_store import AlertStore
from pw_detector.store.configuration import Configuration
from pw_detector.store.position import Position, PositionStore

BEGIN_S = 1_700_000_000
RULES = (
    Rule(name="busy", conditions=("buy_count_5m >= 20",), cooldown_s=60, escalate_factor=1.2),
    Rule(name="few", conditions=("unique_buyers_5m <= 11", "buy_count_5m >= 5"), cooldown_s=30),
    Rule(name="once", conditions=("buy_count_5m >= 3",), cooldown_s=86_400),
    Rule(name="hour", conditions=("buy_count_1h >= 40",)),
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


def stream(seed: int, sessions: int = 2) -> list[Batch]:
    """Batches as parsers answer: out of order, a session after the other."""
    rng = random.Random(seed)
    batches: list[Batch] = []
    number = 0
    for session in range(1, sessions + 1):
        # Another session is another part of the chain.
        for slot in range(1_000 * session, 1_000 * session + 130):
            events: list[Any] = []
            for _ in range(rng.randrange(3)):
                number += 1
                events.append(
                    Swap(
                        signature=f"s{number:05}", ordinal=0, slot=slot, index=number % 5,
                        trader=f"w{rng.randrange(12)}", side="buy", mint=f"m{rng.randrange(2)}",
                        base_amount_raw=rng.randrange(1, 999), base_decimals=6,
                        quote_mint=None, quote_amount_raw=None, quote_decimals=None,
                    )
                )  # fmt: skip
            # Part of a slot comes before its clock, part after it.
            clock = SlotEvent(slot=slot, parent=slot - 1, block_time_s=BEGIN_S + slot * 5)
            events.insert(rng.randrange(len(events) + 1), clock)
            for at, event in enumerate(events):
                frontier = slot - 2 if at == 0 else 0
                batches.append(
                    Batch(
                        tx_stream_created="then", tx_seq=len(batches) + 1, source="main",
                        epoch=session, frontier_slot=max(0, frontier), counts=Counts(),
                        events=(event,),
                    )
                )  # fmt: skip
    return sorted(batches, key=lambda batch: batch.tx_seq + rng.randrange(9))


HOLES = 3


class KnownNeverStored:
    """Knows which sequences are messages that only have not been read yet."""

    def __init__(self, batches: list[Batch]) -> None:
        self._real = {one.tx_seq for one in batches}

    async def never_stored_until(self, missing: range, _read_seq: int, _queue: str = "") -> int:
        return missing[-1] if missing and self._real.isdisjoint(missing) else 0

    def is_asked(self, _missing: range, _queue: str = "") -> bool:
        return False


def with_holes(batches: list[Batch], rng: random.Random) -> list[Batch]:
    """The same messages at sequences that leave some numbers out."""
    cuts = sorted(rng.sample(range(2, len(batches)), HOLES))
    return [
        msgspec.structs.replace(one, tx_seq=one.tx_seq + 2 * sum(one.tx_seq >= at for at in cuts))
        for one in batches
    ]


def folding(stored: Stored, batches: list[Batch]) -> Folding:
    """As `start` makes it, from what is stored."""
    position = stored.position
    detector = Detector(RULES)
    first = Note(0, 1, TxPosition(0, 1))
    if position is not None:
        first = Note(position.restart_time_ms, position.restart_seq, position.restart_place)
        until = position.released_slot
        detector.restore(
            [alert for alert in stored.alerts.values() if alert.slot <= until],
            restarts_at_ms=position.restart_time_ms,
            session_since_ms=position.epoch_time_ms,
            evaluates_from_ms=position.event_time_ms,
            cut_ms=position.cut_ms,
        )
    resumed = Resumed("then", first)
    if position is not None:
        resumed = resumed._replace(
            folded_seq=position.folded_seq,
            folded_tx_position=position.folded_place,
            released_slot=position.released_slot,
            session_time_ms=position.epoch_time_ms,
        )
    stores = Stores(
        cast(AlertStore, stored),
        cast(PositionStore, stored),
        cast(Configuration, None),
        cast(SequenceGaps, KnownNeverStored(batches)),
    )
    assembly = Assembly(sources=("main",), first=first.tx_position)
    return Folding(assembly, detector, stores, resumed, METRICS, Log("test"))


def run(batches: list[Batch], stops: list[int]) -> dict[str, Alert]:
    """Fold all messages, starting again after each of these sequences."""
    stored = Stored()

    async def work() -> None:
        for stop in [*stops, len(batches)]:
            one = folding(stored, batches)
            for seq in range(one.start_seq, stop + 1):
                await one.take(batches[seq - 1], seq, seq)
                # A backlog is read whole before anybody asks about its gaps.
                for _ in range(HOLES if seq == stop or (one.rebuilt and seq % 5 == 0) else 0):
                    await one.settle_sequence_gaps(caught_up=False)
            if stop == len(batches) or stop % 2:
                await one.close()

    asyncio.run(work())
    return stored.alerts


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("sessions", [1, 2])
def test_restarts_anywhere_change_no_alert(seed: int, sessions: int) -> None:
    batches = stream(seed, sessions)
    expected = run(batches, [])
    assert len(expected) >= 4
    rng = random.Random(seed)
    for _ in range(4):
        stops = sorted(rng.sample(range(2, len(batches)), 2))
        assert run(batches, stops) == expected, stops


@pytest.mark.parametrize("seed", range(8))
def test_restarts_among_sequences_that_never_were_messages_change_no_alert(seed: int) -> None:
    whole = stream(seed, 1)
    expected = run(whole, [])
    assert len(expected) >= 4
    rng = random.Random(seed)
    batches = with_holes(whole, rng)
    for _ in range(4):
        stops = sorted(rng.sample(range(1, len(batches)), 4))
        assert run(batches, stops) == expected
