"""The plan follows from its constants, and the constants of size hold for what is played."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_cli.capacity import sizing
from pw_cli.capacity.shapes import SHAPES
from pw_cli.offline.offline import batches
from pw_common.wire.envelope import compress
from pw_common.wire.framing import join
from pw_common.wire.limits import PARSER_REPLICAS_MAX, TX_UPDATES_MAX
from pw_common.wire.messages import Swap, encode
from pw_geyser import shallow_pb2
from pw_replay.market import generate

rates = st.floats(min_value=0.1, max_value=sizing.TPS_MAX)
hours = st.floats(min_value=0.01, max_value=sizing.HOURS_MAX)


@given(tps=rates, more=st.floats(min_value=1.0, max_value=10.0), time_h=hours)
def test_more_transactions_never_cost_less(tps: float, more: float, time_h: float) -> None:
    few = sizing.plan(tps, time_h)
    many = sizing.plan(min(tps * more, sizing.TPS_MAX), time_h)
    assert many.disk_bytes >= few.disk_bytes
    assert many.parsers >= few.parsers
    assert many.cores >= few.cores - 0.02
    assert many.memory_mb >= few.memory_mb
    assert many.broker_in_bytes_s >= few.broker_in_bytes_s


@given(tps=rates, time_h=hours)
def test_a_limit_holds_what_is_planned_and_status_does_not_say_backpressure(
    tps: float, time_h: float
) -> None:
    found = sizing.plan(tps, time_h)
    for one in found.disk:
        assert one.held_bytes <= one.limit_bytes
        if one.setting:
            assert one.held_bytes <= one.limit_bytes * sizing.FILL + 1
    assert sum(one.limit_bytes for one in found.disk) <= found.disk_bytes
    assert found.parsers * sizing.PARSER_LOAD * 1e6 >= tps * sizing.CPU_US_PER_TX["parser"] - 1


@pytest.mark.parametrize(
    ("tps", "time_h", "said"),
    [
        (0, 1, "--tps 0"),
        (-1, 1, "--tps -1"),
        (float("nan"), 1, "--tps nan"),
        (float("inf"), 1, "--tps inf"),
        (1, 0, "--hours 0"),
        (1, 10_000, "--hours 10000"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tps: float, time_h: float, said: str) -> None:
    with pytest.raises(sizing.BadPlan, match=said):
        sizing.plan(tps, time_h)


def test_a_process_that_would_need_more_than_a_core_is_named() -> None:
    notes = " ".join(sizing.plan(40_000, 1).notes)
    assert "ingest is one process" in notes
    assert f"largest fleet of {PARSER_REPLICAS_MAX}" in notes
    assert "windows pass 1 GiB" in notes
    assert sizing.plan(100, 1).notes == ()


def measured(updates: list[bytes]) -> tuple[float, float]:
    """Bytes a transaction without votes: raw, and in zstd bodies of full messages."""
    wanted = []
    for update in updates:
        shallow = shallow_pb2.Update.FromString(update)
        if shallow.HasField("transaction") and not shallow.transaction.info.is_vote:
            wanted.append(update)
    packed_bytes = sum(
        len(compress(join(wanted[at : at + TX_UPDATES_MAX])))
        for at in range(0, len(wanted), TX_UPDATES_MAX)
    )
    return sum(map(len, wanted)) / len(wanted), packed_bytes / len(wanted)


def assert_within(constant: float, found: float, factor: float) -> None:
    assert found / factor <= constant <= found * factor, found


def test_bytes_a_swap_are_those_of_a_generated_market(tmp_path: Path) -> None:
    updates = list(generate(seed=7, minutes=0.25, tps=200))
    path = tmp_path / "market.pb"
    path.write_bytes(join(updates))
    found = list(batches([path]))
    swaps = sum(isinstance(event, Swap) for batch in found for event in batch.events)
    packed_bytes = sum(len(compress(encode(batch))) for batch in found)
    transactions = sum(batch.counts.transactions for batch in found)
    # The market is one of exchange transactions.
    shape = SHAPES["programs"]
    assert_within(shape.batch_bytes, packed_bytes / transactions, 2.0)
    assert_within(shape.swaps, swaps / transactions, 2.0)
    raw, packed = measured(updates)
    assert_within(shape.raw_bytes, raw, 2.0)
    assert_within(shape.zstd_bytes, packed, 2.0)
