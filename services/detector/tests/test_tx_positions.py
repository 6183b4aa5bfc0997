"""No number of restores, gaps or new queues keeps a detector from evaluating what is new."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest

from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.ordering.assembly import HOLD_MAX_MS, Assembly, TxPosition
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
EVERY_TRADE = (Rule(name="any", conditions=("buy_count_5m >= 1",), cooldown_s=0),)
# The first message's; each that follows is stored a second later.
STORED_MS = 1_000


METRICS = Metrics("detector", "0")


class Stored:
    """What a broker would hold: alerts once by id, the last position."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.given_twice = 0
        self.position: Position | None = None

    async def store(self, alerts: list[Alert], _revision: int) -> None:
        for alert in alerts:
            self.given_twice += alert.id in self.alerts
            self.alerts.setdefault(alert.id, alert)

    async def advance(self, position: Position) -> bool:
        self.position = position
        return True


class AllNeverStored:
    """A queue without the missing messages: acknowledged, or never there."""

    async def never_stored_until(self, missing: range, _read_seq: int, _queue: str = "") -> int:
        return missing[-1] if missing else 0

    def is_asked(self, _missing: range, _queue: str = "") -> bool:
        return False


class NeverStoredFrom:
    """A queue without the missing messages, which reading up to a sequence will prove."""

    def __init__(self, read_seq: int) -> None:
        self._read_seq = read_seq

    async def never_stored_until(self, missing: range, read_seq: int, _queue: str = "") -> int:
        return missing[-1] if missing and read_seq >= self._read_seq else 0

    def is_asked(self, missing: range, _queue: str = "") -> bool:
        return bool(missing)


class NothingNeverStored:
    """A queue that still holds whatever is missing: only time gives a gap up."""

    async def never_stored_until(self, _missing: range, _read_seq: int, _queue: str = "") -> int:
        return 0

    def is_asked(self, _missing: range, _queue: str = "") -> bool:
        return False


NOTHING_NEVER_STORED = NothingNeverStored()


def message(tx_seq: int, slot: int, *, created: str = "A", frontier: int | None = None) -> Batch:
    """A slot with one trade of a token of its own, and its clock."""
    events: tuple[Any, ...] = (
        Swap(
            signature=f"{created}{tx_seq}", ordinal=0, slot=slot, index=0, trader=f"w{tx_seq}",
            side="buy", mint=f"{created}{tx_seq}", base_amount_raw=1, base_decimals=6,
            quote_mint=None, quote_amount_raw=None, quote_decimals=None,
        ),
        SlotEvent(slot=slot, parent=slot - 1, block_time_s=BEGIN_S + slot),
    )  # fmt: skip
    return Batch(
        tx_stream_created=created, tx_seq=tx_seq, source="main", epoch=1,
        frontier_slot=slot - 1 if frontier is None else frontier, counts=Counts(),
        events=events, tx_id=f"{created}{tx_seq}",
    )  # fmt: skip


def detector_on(stored: Stored, sequence_gaps: object = NOTHING_NEVER_STORED) -> Folding:
    """As `start` makes one from what is stored."""
    position = stored.position
    detector = Detector(EVERY_TRADE)
    first = Note(0, 1, TxPosition(0, 1))
    if position is not None:
        first = Note(position.restart_time_ms, position.restart_seq, position.restart_place)
        until = position.released_slot
        detector.restore(
            [alert for alert in stored.alerts.values() if alert.slot <= until],
            restarts_at_ms=position.restart_time_ms,
            session_since_ms=position.epoch_time_ms,
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
        cast(SequenceGaps, sequence_gaps),
    )
    assembly = Assembly(sources=("main",), first=first.tx_position)
    return Folding(assembly, detector, stores, resumed, METRICS, Log("test"))


async def read(folding: Folding, log: list[Batch], from_seq: int = 0) -> None:
    """From where it must be read to the end; then what waits too long is given up."""
    for seq in range(from_seq or folding.start_seq, len(log) + 1):
        await folding.take(log[seq - 1], seq, STORED_MS * seq)
    await folding.settle_sequence_gaps(caught_up=False)
    await folding.close()


def fired(stored: Stored) -> set[str]:
    return {alert.mint for alert in stored.alerts.values() if alert.kind == "opened"}


def test_a_given_up_message_that_comes_later_changes_no_place() -> None:
    stored = Stored()
    pause = HOLD_MAX_MS // STORED_MS + 5
    # 3 is missing while the chain stands still; it comes when it has long been given up.
    log = [message(1, 101), message(2, 102)]
    log += [message(seq, 103, frontier=101) for seq in range(4, 4 + pause)]
    given_up = len(log)
    log.append(message(3, 103, frontier=101))
    next_seq = 4 + pause
    log += [message(next_seq + at, 104 + at) for at in range(2 * pause)]

    async def work() -> None:
        first = detector_on(stored)
        await read(first, log[:given_up])
        await read(first, log[: given_up + 1 + pause], given_up + 1)
        await read(first, log, given_up + 2 + pause)
        assert stored.position is not None
        assert stored.position.folded_place == TxPosition(0, log[-1].tx_seq)
        # Read again in one go: nobody asks about gaps before the end of a page.
        again = detector_on(stored)
        await read(again, log)
        log.extend(message(next_seq + at, 104 + at) for at in range(2 * pause, 3 * pause))
        await read(again, log, len(log) - pause + 1)

    asyncio.run(work())
    assert {f"A{next_seq + at}" for at in range(3 * pause - 1)} <= fired(stored)


@pytest.mark.parametrize("stored_at", [0, 1, 3])
@pytest.mark.parametrize("begins_at", [0, 2])
def test_however_often_sequences_are_said_to_have_begun_again_only_what_is_new_is_evaluated(
    stored_at: int, begins_at: int
) -> None:
    stored = Stored()
    log = [message(seq, 100 + seq) for seq in range(1, 41)]

    async def work() -> None:
        await read(detector_on(stored), log[:20])
        before = stored.position
        assert before is not None
        # Another count in what is stored than the one that reading again comes to.
        stored.position = msgspec.structs.replace(
            before,
            folded_place=TxPosition(stored_at, before.folded_place.tx_seq),
            restart_place=TxPosition(begins_at, before.restart_place.tx_seq),
        )
        await read(detector_on(stored), log)
        assert stored.position.folded_seq == len(log)

    asyncio.run(work())
    # The newest slot stays open: nothing says yet that it is whole.
    assert fired(stored) == {f"A{seq}" for seq in range(1, 40)}
    assert stored.given_twice == 0


def test_a_slot_that_the_end_of_a_queue_closes_is_evaluated_after_a_restart_just_before_it() -> (
    None
):
    stored = Stored()
    log = [message(seq, 100 + seq) for seq in range(1, 11)]
    log += [message(seq, 200 + seq, created="B") for seq in range(1, 11)]

    async def work() -> None:
        await read(detector_on(stored), log[:10])
        await read(detector_on(stored), log)

    asyncio.run(work())
    assert fired(stored) == {f"A{seq}" for seq in range(1, 11)} | {
        f"B{seq}" for seq in range(1, 10)
    }


def test_what_waited_behind_a_gap_when_the_queue_was_created_again_is_not_lost() -> None:
    stored = Stored()
    log = [message(seq, 100 + seq) for seq in (1, 2, 4, 5)]
    log += [message(seq, 200 + seq, created="B") for seq in range(1, 4)]
    asyncio.run(read(detector_on(stored), log))
    assert fired(stored) == {"A1", "A2", "A4", "A5", "B1", "B2"}


def test_a_gap_that_reading_on_proves_never_stored_is_not_given_up_however_old_it_is() -> None:
    stored = Stored()
    log = {seq: message(seq, 100 + seq) for seq in (1, 2, *range(4, 12))}

    def totals() -> tuple[int, ...]:
        names = ("given_up_sequences", "void_sequences")
        return tuple(METRICS.total(f"pw_detector_{name}_total") for name in names)

    async def work() -> None:
        folding = detector_on(stored, NeverStoredFrom(11))
        before = totals()
        for seq, batch in log.items():
            # Stored long ago: a restart reads what lies hours back.
            await folding.take(batch, seq, seq)
            await folding.settle_sequence_gaps(caught_up=True)
            assert fired(stored) <= {"A1"} or seq == 11
        assert [now - then for now, then in zip(totals(), before, strict=True)] == [0, 1]

    asyncio.run(work())
    assert fired(stored) == {f"A{seq}" for seq in (1, 2, *range(4, 11))}


def test_the_sequence_of_a_batch_that_cannot_be_read_is_held_and_counted_and_not_passed() -> None:
    stored = Stored()
    # The third message of PW_SWAP is not a batch; the queue has acknowledged what it answered.
    wait = HOLD_MAX_MS // STORED_MS
    end = wait + 40
    log = {seq: message(seq, 100 + seq) for seq in (1, 2, *range(4, end))}

    def totals() -> tuple[int, ...]:
        names = ("unreadable", "given_up_sequences", "void_sequences")
        return tuple(METRICS.total(f"pw_detector_{name}_total") for name in names)

    async def work() -> None:
        folding = detector_on(stored, AllNeverStored())
        before = totals()
        for seq in range(1, end):
            if seq == 3:
                folding.unreadable(seq)
            else:
                await folding.take(log[seq], seq, STORED_MS * seq)
            await folding.settle_sequence_gaps(caught_up=False)
            if seq == 3 + wait:
                assert fired(stored) == {"A1"}
        after = [now - then for now, then in zip(totals(), before, strict=True)]
        assert after == [1, 1, 0]

    asyncio.run(work())
    assert fired(stored) == {f"A{seq}" for seq in (1, 2, *range(4, end - 1))}
