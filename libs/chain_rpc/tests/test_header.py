"""The file with a node's secret header, and the pace of requests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pw_common.process.clock import monotonic_s
from pw_rpc.header import BadHeader, read_header
from pw_rpc.pace import Pace, per_second


def test_a_header_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "header"
    path.write_text("  x-token : a b:c \n")
    assert read_header(path) == ("x-token", "a b:c")


@pytest.mark.parametrize("text", ["", "x", ":", "a b: c", "x: a\nb: c", "x: " + "y" * 10_000])
def test_anything_else_is_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "header"
    path.write_text(text)
    with pytest.raises(BadHeader):
        read_header(path)


def test_a_days_budget_is_spread_over_the_day() -> None:
    assert per_second(10.0) == 10.0
    assert per_second(10.0, 33_000) == pytest.approx(0.382, abs=0.001)
    assert per_second(0.1, 10**9) == 0.1


async def test_turns_are_spaced_whoever_asks_for_them() -> None:
    pace = Pace(20.0)
    times: list[float] = []

    async def one() -> None:
        await pace.turn()
        times.append(monotonic_s())

    await asyncio.gather(*(one() for _ in range(10)))
    assert all(later - first >= 0.049 for first, later in zip(times, times[1:], strict=False))


async def test_a_rest_holds_those_who_wait_already() -> None:
    pace = Pace(1.0)
    await pace.turn()
    waiting = asyncio.create_task(pace.turn())
    await asyncio.sleep(0)
    began_s = monotonic_s()
    pace.rest(1.5)
    await waiting
    assert monotonic_s() - began_s >= 1.49


async def test_no_node_rests_us_for_longer_than_it_is_worth_asking_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pw_rpc.pace.REST_MAX_S", 0.2)
    pace = Pace(100.0)
    began_s = monotonic_s()
    pace.rest(999_999_999.0)
    await pace.turn()
    assert 0.19 <= monotonic_s() - began_s < 100


async def test_who_reads_is_told_while_our_own_rate_holds_us_back_and_not_in_a_nodes_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pw_rpc.pace.IDLE_EVERY_S", 0.05)
    told: list[float] = []
    pace = Pace(2.0, idle=lambda: told.append(monotonic_s()))
    await pace.turn()
    await pace.turn()
    assert len(told) >= 2
    told.clear()
    pace.rest(0.6)
    until_s = monotonic_s() + 0.6
    await pace.turn()
    assert all(at_s >= until_s for at_s in told)
