from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from pw_cli.up.report.report import Tally, per_transaction, percentiles
from pw_cli.up.screen.figures import line
from pw_common.wire.messages import Batch, Counts, Swap, swap_digest


def swap(signature: str, ordinal: int = 0, slot: int = 10) -> Swap:
    return Swap(
        signature=signature,
        ordinal=ordinal,
        slot=slot,
        index=0,
        trader="t",
        side="buy",
        mint="m",
        base_amount_raw=1,
        base_decimals=6,
        quote_mint=None,
        quote_amount_raw=None,
        quote_decimals=None,
    )


def batch(seq: int, *swaps: Swap, frontier: int = 0, epoch: int = 1) -> Batch:
    return Batch(
        tx_stream_created="2026-01-01T00:00:00Z",
        tx_seq=seq,
        source="main",
        epoch=epoch,
        frontier_slot=frontier,
        counts=Counts(transactions=max(1, len(swaps))),
        events=swaps,
    )


def test_a_swap_stored_twice_is_one_swap_and_one_stored_duplicate() -> None:
    tally = Tally()
    tally.add(batch(1, swap("a")), 5, {})
    tally.add(batch(2, swap("a"), swap("b")), 6, {})
    assert (tally.swaps, tally.stored_duplicates) == (2, 1)
    assert tally.digest() == swap_digest([swap("b"), swap("a")])


def test_the_digest_does_not_depend_on_how_batches_were_cut_or_ordered() -> None:
    swaps = [swap(str(number)) for number in range(20)]
    one = Tally()
    one.add(batch(1, *swaps), 1, {})
    shuffled = list(swaps)
    random.Random(4).shuffle(shuffled)
    many = Tally()
    for seq, item in enumerate(shuffled, start=1):
        many.add(batch(seq, item), seq, {})
    assert one.digest() == many.digest()


def test_a_swap_of_a_slot_that_was_declared_complete_is_late() -> None:
    tally = Tally()
    tally.add(batch(1, swap("a", slot=10), frontier=9), 1, {})
    tally.add(batch(2, swap("b", slot=11), frontier=10), 2, {})
    assert tally.late == 0
    tally.add(batch(3, swap("c", slot=10), frontier=10), 3, {})
    assert tally.late == 1


def test_a_batch_stored_out_of_order_is_not_late_when_its_message_was_not() -> None:
    tally = Tally()
    tally.add(batch(2, swap("b", slot=12), frontier=10), 1, {})
    tally.add(batch(1, swap("a", slot=10), frontier=9), 2, {})
    assert tally.late == 0


def test_latency_is_from_sent_to_stored() -> None:
    tally = Tally()
    tally.add(batch(1, swap("a"), swap("b")), 9_000_000, {"a": 1_000_000, "b": 4_000_000})
    found = tally.latency()
    assert (found.p50, found.max) == (5.0, 8.0)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300))
def test_percentiles_are_values_that_were_measured(values: list[int]) -> None:
    found = percentiles(values)
    measured = {round(value / 1e6, 2) for value in values}
    assert {found.p50, found.p99, found.max} <= measured
    assert found.max == max(measured)


def test_nothing_measured_is_said_so() -> None:
    assert percentiles([]).p50 is None
    assert per_transaction({"parser": 1.0}, 0) == {}


def test_the_line_says_what_it_does_not_know() -> None:
    assert "?" in line({})
    assert line({"mode": "blind", "why": ["no source"]}).startswith("blind")
    assert "no source" in line({"mode": "blind", "why": ["no source"]})
