"""`pw verify` beside everything else: what is still under way is not a fault."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from pw_cli.audit.rederive import stored_alerts
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_common.wire.captures import CaptureWriter
from pw_replay.market import generate
from support.poll import poll_until
from support.running import running


async def verify(broker: str) -> tuple[int, dict[str, int], str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pw_cli.main", "verify", "--json"),
        env={**os.environ, "PW_NATS_URL": broker},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    checks = [msgspec.json.decode(line) for line in out.splitlines() if line.startswith(b"{")]
    return process.returncode, {one["name"]: one["count"] for one in checks}, out.decode()


@pytest.mark.timeout(480)
async def test_a_running_system_is_verified_while_it_works(tmp_path: Path) -> None:
    market = tmp_path / "market.pb.zst"
    with CaptureWriter(market) as writer:
        # Its first alert comes within seconds.
        for update in generate(seed=5, minutes=4, tps=60, preset="demo"):
            writer.write(update)
    played = ("--capture", str(market), "--rate", "60", "--once")
    async with running(*played, folder=tmp_path) as run:
        bus = await connect(run.broker_url, "test", Log("test"))
        try:

            async def some() -> bool:
                return bool(await stored_alerts(bus))

            await poll_until(some, "the first alert", timeout_s=90)
            counts = []
            for _ in range(3):
                code, found, told = await verify(run.broker_url)
                assert code == 0, told
                counts.append(found)
            for name in ("PW_TX sequences answered", "swaps delivered once"):
                assert counts[0][name] < counts[2][name], name
            assert counts[2]["alerts derived again"] >= 1
            # A message that is not a batch is said, not skipped.
            await bus.js.publish("pw.swap.v1.batch", b"not a batch")
            code, _, told = await verify(run.broker_url)
            assert (code, "PW_SWAP" in told) == (1, True), told
        finally:
            await bus.close()
