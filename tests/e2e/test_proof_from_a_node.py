"""What a running system stored is proven from an independent node."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from pw_cli.audit.rederive import stored_alerts
from pw_common.documents.proofs import decode_proof
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.captures import CaptureWriter
from pw_replay.market import generate
from support.archive_node import archive_node, archive_of
from support.poll import poll_until
from support.running import running

FAST = ("--rpc-rate", "1000", "--patience", "5")


async def pw(*words: str | Path, broker: str = "nats://127.0.0.1:9") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pw_cli.main", *map(str, words),
        env={**os.environ, "PW_NATS_URL": broker, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def has_settled(bus: Bus) -> None:
    """Waits until everything that was played is folded."""
    before: list[int] = []

    async def still() -> bool:
        nonlocal before
        info = await bus.api("CONSUMER.INFO.PW_TX.parser")
        last = (await bus.api("STREAM.INFO.PW_SWAP"))["state"]["last_seq"]
        entry = await bus.kv_get(subjects.BUCKET_DETECTOR, "position")
        folded = msgspec.json.decode(entry[0])["folded_seq"] if entry else 0
        now = [last, folded, info["num_pending"], info["num_ack_pending"]]
        same, before = now == before, now
        return same and last > 100 and not any(now[2:])

    await poll_until(still, "the market played", timeout_s=180, every_s=1.0)


@pytest.mark.timeout(600)
async def test_a_stored_alert_is_proven_from_a_node_and_a_node_without_its_trades_proves_nothing(
    tmp_path: Path,
) -> None:
    updates = list(generate(seed=5, minutes=2, tps=30))
    market = tmp_path / "market.pb.zst"
    with CaptureWriter(market) as writer:
        for update in updates:
            writer.write(update)
    (tmp_path / "run").mkdir()
    arguments = ("--capture", str(market), "--rate", "max", "--once")
    archive = archive_of(updates)
    file = tmp_path / "alert.proof.json"
    async with running(*arguments, folder=tmp_path / "run") as run:
        bus = await connect(run.broker_url, "test", Log("test"))
        try:
            await has_settled(bus)
            alerts = await stored_alerts(bus)
        finally:
            await bus.close()
        alert = min(alerts, key=lambda one: one.slot)
        with archive_node(archive) as node:
            rpc = ("--rpc", node.url, *FAST)
            code, out, err = await pw("prove", alert.id, *rpc, "--out", file, broker=run.broker_url)
            assert code == 0, out + err
            assert f"same: {alert.id}" in out
            proof = decode_proof(file.read_bytes())
            assert proof.alert == alert
            assert proof.begins == "stored"
            assert proof.first_slot == min(archive.blocks)
            assert set(proof.beyond) <= {"near"}
            archive.blocks[alert.slot]["transactions"] = []
            # Without a file the proof would be all that stdout holds.
            code, out, err = await pw("prove", alert.id, *rpc, broker=run.broker_url)
            assert (code, out) == (1, ""), err
            assert "not derived" in err
            code, out, err = await pw("prove", "0" * 32, *rpc, broker=run.broker_url)
            assert code == 1
            assert "0 stored alerts" in err
