"""A gap is recorded, filled, counted in the windows and proven; what was stored is verified."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from pw_cli.audit.rederive import stored_alerts
from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.connection import connect
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.ordering.dedup import SeenWindow
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.batches import batch_of
from pw_common.wire.captures import CaptureWriter, read_capture
from pw_common.wire.messages import Swap, swap_digest
from pw_parser.core.parse import parse
from pw_replay.market import generate
from support.poll import poll_until
from support.receiver import receiving
from support.rpc_node import blocks_of, serve
from support.running import Running, running

FIRST, LAST = 300_000_150, 300_000_165


async def pw(*words: str, broker: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pw_cli.main", *words,
        env={**os.environ, "PW_NATS_URL": broker, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("market") / "market.pb.zst"
    with CaptureWriter(path) as writer:
        for update in generate(seed=5, minutes=4, tps=30):
            writer.write(update)
    return path


def whole_digest(market: Path) -> str:
    return swap_digest(
        event
        for update in read_capture(market)
        for event in parse(update).events
        if isinstance(event, Swap)
    )


async def stored_digest(bus: Bus) -> tuple[int, str]:
    seen = SeenWindow()
    found = []
    async for message in stored_messages(bus, subjects.STREAM_SWAP):
        for event in batch_of(headers_of(message), message.data).events:
            key = getattr(event, "signature", ""), getattr(event, "ordinal", 0)
            if isinstance(event, Swap) and seen.first_time(key, event.slot):
                found.append(event)
    return len(found), swap_digest(found)


@asynccontextmanager
async def played_with_a_gap(market: Path, folder: Path) -> AsyncIterator[tuple[Running, Bus]]:
    faults = f"skip_slots={FIRST}-{LAST}"
    arguments = ("--capture", str(market), "--rate", "max", "--once", "--faults", faults)
    async with running(*arguments, folder=folder) as run:
        bus = await connect(run.broker_url, "test", Log("test"))
        try:
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
            yield run, bus
        finally:
            await bus.close()


@pytest.mark.timeout(480)
async def test_a_gap_filled_from_a_capture_is_closed_and_everything_is_proven(
    market: Path, tmp_path: Path
) -> None:
    async with played_with_a_gap(market, tmp_path) as (run, bus):
        broker = run.broker_url
        code, out = await pw("backfill", "--json", broker=broker)
        (gap,) = [msgspec.json.decode(line) for line in out.splitlines()]
        assert gap["id"] == f"main:1:{FIRST}-{LAST}"
        before, digest = await stored_digest(bus)
        assert digest != whole_digest(market)
        alerts = await stored_alerts(bus)
        assert len(alerts) >= 2
        code, out = await pw("verify", broker=broker)
        assert code == 0, out

        code, out = await pw(
            "backfill", "--gap", gap["id"], "--capture", str(market), broker=broker
        )
        assert code == 0, out
        assert "filled" in out

        whole = whole_digest(market)

        async def all_there() -> bool:
            return (await stored_digest(bus))[1] == whole

        await poll_until(all_there, "every swap of the gap", timeout_s=90)
        assert (await stored_digest(bus))[0] > before
        # Filled twice: nothing more is stored, nothing fires.
        code, out = await pw(
            "backfill", "--gap", gap["id"], "--capture", str(market), broker=broker
        )
        assert (code, "already" in out) == (0, True)
        status = await run.status()
        assert status["totals"]["gaps"] == 0
        listed = (await run.client.get(f"{run.api}/api/v1/gaps")).json()["gaps"]
        assert [one["filled"] for one in listed] == [True]
        assert await stored_alerts(bus) == alerts
        code, out = await pw("verify", broker=broker)
        assert code == 0, out
        name = alerts[0].id
        code, out = await pw("prove", name[:12], broker=broker)
        assert (code, out.startswith("same")) == (0, True), out
        # The archive has what the gap hid, so an alert after it may differ, and says where.
        code, out = await pw("prove", name, "--archive", str(market), broker=broker)
        assert code in {0, 1}, out
        # What somebody tampered with is found.
        await bus.api("STREAM.MSG.DELETE.PW_SWAP", {"seq": 40})
        code, out = await pw("verify", broker=broker)
        assert code == 1
        assert "neither answered nor waiting" in out


@pytest.mark.timeout(480)
async def test_a_gap_filled_over_rpc_gives_the_same_swaps(market: Path, tmp_path: Path) -> None:
    async with played_with_a_gap(market, tmp_path) as (run, bus):
        with receiving() as node:
            serve(node, blocks_of(list(read_capture(market))))
            code, out = await pw(
                "backfill", "--gap", f"main:1:{FIRST}-{LAST}", "--rpc", node.url,
                broker=run.broker_url,
            )  # fmt: skip
        assert code == 0, out

        whole = whole_digest(market)

        async def all_there() -> bool:
            return (await stored_digest(bus))[1] == whole

        await poll_until(all_there, "every swap of the gap", timeout_s=90)
