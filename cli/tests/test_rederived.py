"""An alert is derived again from the session of its source that it fell in."""

from __future__ import annotations

from dataclasses import replace

from pw_cli.audit.proof.proof_basis import range_of
from pw_cli.audit.rederive import Rederived, as_stream, derive
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Batch, Counts, SlotEvent, Swap
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule
from support import cut_stream

RULE = Rule(name="any", conditions=("buy_count_5m >= 1",), cooldown_s=0)
HIGH, LOW = 5_000, 100
SLOTS = 3


def batch(seq: int, slot: int, session: int, mint: str) -> Batch:
    """A whole slot in which a token is bought."""
    bought = Swap(
        signature=f"{session}-{slot}",
        ordinal=0,
        slot=slot,
        index=0,
        trader="T",
        side="buy",
        mint=mint,
        base_amount_raw=1,
        base_decimals=6,
        quote_mint=None,
        quote_amount_raw=None,
        quote_decimals=None,
    )
    block = SlotEvent(slot=slot, parent=slot - 1, block_time_s=1_700_000_000 + seq)
    return Batch(
        tx_stream_created="x",
        tx_seq=seq,
        source="main",
        epoch=session,
        frontier_slot=slot,
        counts=Counts(),
        events=(bought, block),
    )


BATCHES = [
    *(batch(at + 1, HIGH + at, 1, f"high{at}") for at in range(SLOTS)),
    *(batch(SLOTS + at + 1, LOW + at, 2, f"low{at}") for at in range(SLOTS)),
]


async def derived(wanted: Alert | None = None) -> Rederived:
    return await derive(
        Detector([RULE]),
        as_stream(BATCHES),
        sources=("main",),
        first_tx_seq=1,
        wanted=wanted,
    )


async def test_each_alert_of_a_later_session_at_lower_slots_is_derived() -> None:
    every = (await derived()).alerts
    assert {one.slot for one in every.values()} == {
        *range(HIGH, HIGH + SLOTS),
        *range(LOW, LOW + SLOTS),
    }
    for one in every.values():
        assert (await derived(one)).alerts.get(one.id) == one, one.mint


async def test_nothing_is_read_beyond_the_alert_that_is_asked_for() -> None:
    every = (await derived()).alerts
    first = min(every.values(), key=lambda one: one.event_time_ms)
    assert first.slot == HIGH
    assert set((await derived(first)).alerts) == {first.id}


async def test_the_blocks_of_a_proof_are_those_of_the_alerts_own_session() -> None:
    for one in (await derived()).alerts.values():
        found = await range_of(as_stream(BATCHES), Assembly(sources=("main",)), one, 60_000)
        assert found.first_slot == (HIGH if one.slot >= HIGH else LOW), one.mint


NOW_MS = cut_stream.BEGIN_S * 1_000


def bought(slot: int, at_ms: int) -> ClosedSlot:
    return ClosedSlot(slot, at_ms, slot == 1, (cut_stream.swap(slot, slot),))


def test_what_lies_before_the_session_begins_nothing_of_what_is_derived() -> None:
    found, detector = Rederived(), Detector((RULE,))
    # A history that is over has slots of any number.
    before = replace(bought(900, NOW_MS - 3_600_000), amends=True, is_before_session=True)
    found.fold(detector, [before])
    assert (found.first_ms, found.alerts) == (0, {})
    found.fold(detector, [before, bought(1, NOW_MS), bought(2, NOW_MS + 400), before])
    assert found.first_ms == NOW_MS
    assert {alert.slot for alert in found.alerts.values()} == {1, 2}
