"""A generated market through the real system: the same alerts whatever happens to it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_cli.offline.offline import alerts, batches
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.ordering.assembly import Assembly
from pw_common.process.log import Log
from pw_common.wire.alerts import Alert, alert_digest
from pw_common.wire.captures import CaptureWriter
from pw_detection.detector import Detector
from pw_replay.market import generate
from support.poll import poll_until
from support.running import Running, run_to_end, running

# Nine minutes of market, parsed and folded several times over on a machine that may be busy.
pytestmark = pytest.mark.timeout(600)


def write_market(path: Path, *, seed: int, minutes: float, tps: float) -> Path:
    with CaptureWriter(path) as writer:
        for update in generate(seed=seed, minutes=minutes, tps=tps):
            writer.write(update)
    return path


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("market") / "market.pb.zst"
    return write_market(path, seed=5, minutes=9, tps=20)


@pytest.fixture(scope="module")
def expected(market: Path) -> list[Alert]:
    found = list(alerts([market], Detector()))
    assert len(found) >= 5
    return found


@pytest.mark.timeout(480)
def test_ten_minutes_of_market_give_twenty_alerts_of_four_rules(tmp_path: Path) -> None:
    path = write_market(tmp_path / "market.pb.zst", seed=11, minutes=10, tps=25)
    found = list(alerts([path], Detector()))
    assert len([alert for alert in found if alert.kind == "opened"]) >= 20
    assert len({alert.trigger for alert in found}) >= 4


def test_batches_in_another_order_give_the_same_alerts(market: Path, expected: list[Alert]) -> None:
    # Parsers answer out of order by at most what they may hold between them.
    stored = sorted(batches([market]), key=lambda batch: batch.tx_seq ^ 0b111)
    assembly, detector = Assembly(sources=("main",)), Detector()
    found = [
        alert
        for batch in stored
        for closed in assembly.add(batch)
        for alert in detector.step(closed)
    ]
    assert alert_digest(found) == alert_digest(expected)
    assert (assembly.late, assembly.held) == (0, 0)


@pytest.mark.timeout(480)
@pytest.mark.parametrize(("parsers", "detectors"), [(1, 1), (4, 2)])
async def test_alerts_are_those_of_the_backtest_for_any_fleet(
    market: Path, expected: list[Alert], tmp_path: Path, parsers: int, detectors: int
) -> None:
    report = await run_to_end(
        *("--capture", str(market), "--rate", "max"),
        *("--parsers", str(parsers), "--detectors", str(detectors)),
        folder=tmp_path,
    )
    assert report["alerts"] == len(expected)
    assert report["alert_digest"] == alert_digest(expected)
    assert report["late"] == 0
    assert report["latency_ms"]["alert"]["p50"] is not None


async def kill(run: Running, service: str, bus: Bus) -> None:
    """End one process of a service without a warning, while work waits for it."""

    async def busy() -> list[int]:
        parser = await bus.api("CONSUMER.INFO.PW_TX.parser")
        pids = await run.pids(service)
        return pids if pids and int(parser["num_ack_pending"]) > 0 else []

    pids = await poll_until(busy, f"a busy {service}", timeout_s=30)
    os.kill(pids[0], signal.SIGKILL)


@pytest.mark.timeout(600)
async def test_a_parser_and_the_detector_killed_in_mid_run_change_no_alert(
    market: Path, expected: list[Alert], tmp_path: Path
) -> None:
    report = tmp_path / "r.json"
    arguments = ["--capture", str(market), "--rate", "600", "--parsers", "2", "--once"]
    async with running(
        *arguments, "--exit-when-drained", "--report", str(report), folder=tmp_path
    ) as run:
        bus = await connect(run.broker_url, "test", Log("test"))

        async def some_alerts() -> bool:
            state = (await bus.api("STREAM.INFO.PW_ALERT"))["state"]
            return int(state["messages"]) >= 2

        await poll_until(some_alerts, "the first alerts", timeout_s=60)
        await kill(run, "parser", bus)
        await kill(run, "detector", bus)
        await bus.close()
        assert await asyncio.wait_for(run.process.wait(), 400.0) == 0
    found: dict[str, Any] = msgspec.json.decode(report.read_bytes())
    assert set(found["restarts"]) >= {"detector-1"}
    assert sum(found["restarts"].values()) == 2
    assert found["alert_digest"] == alert_digest(expected)
    assert (found["late"], found["dead_letters"]) == (0, 0)
