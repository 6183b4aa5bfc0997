"""Real transactions through the real system: the same swaps whatever happens to it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from support.poll import poll_until
from support.running import run_to_end, running

TRANSACTIONS = 3_023


@pytest.fixture
def captures(corpus_dir: Path) -> list[str]:
    return [str(path.resolve()) for path in sorted(corpus_dir.glob("*.pb.gz"))]


async def digest_of_pw_parse(captures: list[str], folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pw_cli.main",
        "parse",
        "--json",
        "--digest",
        *captures,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
    )
    _, summary = await process.communicate()
    assert process.returncode == 0
    digest: str = msgspec.json.decode(summary.splitlines()[-1])["swap_digest"]
    return digest


@pytest.mark.corpus
@pytest.mark.timeout(600)
async def test_every_real_transaction_arrives_and_digests_agree_for_one_and_four_parsers(
    captures: list[str], tmp_path: Path
) -> None:
    reports: list[dict[str, Any]] = []
    for parsers in ("1", "4"):
        folder = tmp_path / parsers
        folder.mkdir()
        reports.append(
            await run_to_end(
                "--capture", *captures, "--rate", "max", "--parsers", parsers, folder=folder
            )
        )
    for report in reports:
        assert report["transactions_in"] == TRANSACTIONS
        assert report["transactions_parsed"] == TRANSACTIONS
        assert (report["failed"], report["votes"]) == (815, 1_259)
        assert (report["dead_letters"], report["gaps"]) == (0, 0)
        assert (report["stored_duplicates"], report["late"]) == (0, 0)
        assert report["latency_ms"]["swap"]["p50"] is not None
        assert set(report["cpu_us_per_tx"]) >= {"ingest", "parser", "api", "replay"}
    digests = {report["swap_digest"] for report in reports}
    assert digests == {await digest_of_pw_parse(captures, tmp_path)}


async def pending(bus: Bus) -> int:
    info = await bus.api("CONSUMER.INFO.PW_TX.parser")
    return int(info["num_ack_pending"])


async def freeze_with_work(bus: Bus, pids: list[int]) -> int:
    """Stop a parser at a moment when the broker waits for its acks; returns its pid."""
    for _ in range(50):
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            # The other parser acks its own within this time; what stays is the frozen one's.
            for _ in range(20):
                await asyncio.sleep(0.05)
                held = await pending(bus)
                if held == 0:
                    break
            else:
                return pid
            os.kill(pid, signal.SIGCONT)
    raise AssertionError("no parser was ever stopped with work in hand")


@pytest.mark.corpus
@pytest.mark.timeout(600)
async def test_a_parser_killed_with_work_in_hand_changes_no_swap(
    captures: list[str], tmp_path: Path
) -> None:
    report = tmp_path / "r.json"
    arguments = ["--capture", *captures, "--rate", "300", "--parsers", "2", "--once"]
    async with running(
        *arguments, "--exit-when-drained", "--report", str(report), folder=tmp_path
    ) as run:
        bus = await connect(run.broker_url, "test", Log("test"))

        async def two_parsers() -> list[int]:
            pids = await run.pids("parser")
            return pids if len(pids) == 2 else []

        victim = await freeze_with_work(bus, await poll_until(two_parsers, "two parsers"))
        assert await pending(bus) > 0
        os.kill(victim, signal.SIGKILL)
        await bus.close()
        assert await asyncio.wait_for(run.process.wait(), 120.0) == 0
    found = msgspec.json.decode(report.read_bytes())
    assert sum(found["restarts"].values()) == 1
    assert found["transactions_parsed"] == TRANSACTIONS
    assert (found["dead_letters"], found["late"]) == (0, 0)
    assert found["swap_digest"] == await digest_of_pw_parse(captures, tmp_path)
