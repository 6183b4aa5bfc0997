"""An alert is derived again from an independent node, and its proof convinces or does not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_cli.walk import stored_alerts
from pw_common import subjects
from pw_common.alerts import Alert
from pw_common.bus import Bus, connect
from pw_common.captures import CaptureWriter
from pw_common.log import Log
from pw_common.proofs import AlertProof, decode_proof
from pw_replay.market import generate
from support.archive_node import Archive, archive_node, archive_of
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


@pytest.mark.timeout(900)
async def test_an_alert_is_proven_from_a_node_and_a_false_proof_or_node_is_found_out(
    tmp_path: Path,
) -> None:
    updates = list(generate(seed=5, minutes=14, tps=12))
    market = tmp_path / "market.pb.zst"
    with CaptureWriter(market) as writer:
        for update in updates:
            writer.write(update)
    arguments = ("--capture", str(market), "--rate", "max", "--once")
    archive = archive_of(updates)
    proof_file = tmp_path / "alert.proof.json"
    (tmp_path / "run").mkdir()
    async with running(*arguments, folder=tmp_path / "run") as run:
        bus = await connect(run.broker_url, "test", Log("test"))
        try:
            await has_settled(bus)
            alerts = await stored_alerts(bus)
        finally:
            await bus.close()
        alert = latest_of_five_minutes(alerts)
        with archive_node(archive) as node:
            rpc = ("--rpc", node.url, *FAST)
            code, out, err = await pw(
                "prove", alert.id, *rpc, "--out", proof_file, broker=run.broker_url
            )
            assert code == 0, out + err
            assert f"same: {alert.id}" in out
            # A second way: without a file the proof is all that stdout holds.
            code, printed, err = await pw("prove", alert.id, *rpc, broker=run.broker_url)
            assert code == 0, err
            assert printed.encode() == proof_file.read_bytes()
            await a_node_without_a_buy_proves_nothing(archive, alert, rpc, run.broker_url)
    # Whoever checks it has the file and a node, and no broker.
    proof = decode_proof(proof_file.read_bytes())
    says_what_it_rests_on(proof, alert, archive)
    with archive_node(archive) as node:
        await checks(proof_file, proof, archive, ("--rpc", node.url, *FAST))


def latest_of_five_minutes(alerts: list[Alert]) -> Alert:
    """An alert whose rule looks back five minutes, late enough that not all of it is needed."""
    opened = [one for one in alerts if one.kind == "opened" and "slow" not in one.trigger]
    return max(opened, key=lambda one: one.slot)


async def a_node_without_a_buy_proves_nothing(
    archive: Archive, alert: Alert, rpc: tuple[str, ...], broker: str
) -> None:
    held = {slot: block["transactions"] for slot, block in archive.blocks.items()}
    block = archive.blocks[alert.slot]
    block["transactions"] = []
    code, out, err = await pw("prove", alert.id, *rpc, broker=broker)
    block["transactions"] = held[alert.slot]
    assert code == 1, out + err
    assert out == ""
    assert "not derived" in err
    assert "another" not in err


def says_what_it_rests_on(proof: AlertProof, alert: Alert, archive: Archive) -> None:
    assert proof.alert == alert
    assert proof.begins == "lookback"
    slots = [slot for slot in sorted(archive.blocks) if proof.first_slot <= slot <= alert.slot]
    assert [one.slot for one in proof.blocks] == slots
    assert slots[0] == proof.first_slot > min(archive.blocks)
    hashes = [archive.blocks[slot]["blockhash"] for slot in slots]
    assert [one.blockhash for one in proof.blocks] == hashes
    assert proof.rule.name == alert.trigger
    assert tuple(one.text for one in alert.conditions) == proof.rule.conditions
    assert proof.mint_swaps >= 10
    assert not set(proof.beyond) & {"conditions", "evidence", "slot"}


async def checks(file: Path, proof: AlertProof, archive: Archive, rpc: tuple[str, ...]) -> None:
    code, out, err = await pw("prove", "--check", file, *rpc)
    assert code == 0, out + err
    assert f"checked: {proof.alert.id}" in out
    blocks = proof.blocks

    def other(change: Callable[[dict[str, Any]], None]) -> Path:
        body = json.loads(file.read_bytes())
        change(body)
        path = file.with_name("other.json")
        path.write_text(json.dumps(body))
        return path

    for change, said in (
        (lambda b: b["rule"].update(conditions=["buy_count_5m >= 100000"]), "not derived"),
        (lambda b: b["blocks"][3].update(blockhash="x" * 44), f"slot {blocks[3].slot}: another b"),
        (lambda b: b["blocks"].pop(5), f"slot {blocks[5].slot}: no such block in the file"),
        (lambda b: b.update(mint_digest="0" * 64), "other swaps of the token"),
        (lambda b: b["alert"].update(evidence=["made-up"]), "another evidence"),
        (lambda b: b["alert"].update(creator="somebody"), "another creator"),
    ):
        code, out, err = await pw("prove", "--check", other(change), *rpc)
        assert code == 1, out + err
        assert said in out, out
    # A node that keeps a block from us cannot be used for anything.
    slot = blocks[len(blocks) // 2].slot
    held = archive.blocks.pop(slot)
    code, out, err = await pw("prove", "--check", file, *rpc)
    archive.blocks[slot] = held
    assert code == 1, out
    assert f"the block of slot {slot} is missing" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prove",), "give an alert, or --check FILE"),
        (("prove", "--check", "nowhere.json"), "--check needs --rpc"),
        (("prove", "--check", "nowhere.json", "--rpc", "http://127.0.0.1:9"), "nowhere.json"),
        (("prove", "--check", os.devnull, "--rpc", "http://127.0.0.1:9"), "is no proof"),
    ],
)
async def test_what_cannot_be_checked_is_refused(words: tuple[str, ...], said: str) -> None:
    code, out, err = await pw(*words)
    assert code == 2, out + err
    assert said in err
    assert "Traceback" not in err
