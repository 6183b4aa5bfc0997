"""A queue that is replaced by a slightly older copy while ingest stays up."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from pw_common.dev.local_broker import restart_broker
from pw_common.jetstream.bus import Bus
from support.asking import back
from support.broker import provisioned
from support.ingesting import (
    checkpoint,
    gaps_stored,
    ingest,
    stop,
    until_checkpoint,
    until_frontier,
    updates_stored,
)
from support.poll import poll_until
from support.source import FakeSource, blocks, running_source


async def last_seq(bus: Bus) -> int:
    return int((await bus.api("STREAM.INFO.PW_TX"))["state"]["last_seq"])


@pytest.mark.timeout(120)
async def test_a_queue_restored_a_little_under_a_running_ingest_is_found_out(
    tmp_path: Path,
) -> None:
    played = blocks(range(100, 220))
    source = FakeSource(played[: 5 * 40])
    folder = tmp_path / "broker"
    stream = folder / "jetstream" / "jetstream" / "$G" / "streams" / "PW_TX"
    async with provisioned(folder) as (broker, bus), running_source(source):
        async with ingest(broker, source) as process:
            await until_checkpoint(bus, 138)
            broker.stop()
            shutil.copytree(stream, tmp_path / "older")
            await restart_broker(broker)
            await back(bus)
            older_seq = await poll_until(lambda: last_seq(bus), "the broker")
            source.updates.extend(played[5 * 40 : 5 * 80])
            await until_checkpoint(bus, 178)
            # Far less than what may be in flight or overtaken.
            assert 0 < await last_seq(bus) - older_seq < 256
            broker.stop()
            shutil.rmtree(stream)
            shutil.copytree(tmp_path / "older", stream)
            await restart_broker(broker)
            await back(bus)
            source.updates.extend(played[5 * 80 : 5 * 100])
            _, err = await asyncio.wait_for(process.communicate(), 30)
            assert "older copy" in err.decode()
            assert process.returncode
        state = await checkpoint(bus)
        assert state is not None
        assert state.checkpoint_slot <= 138
        async with ingest(broker, source) as process:
            source.updates.extend(played[5 * 100 :])
            await until_frontier(bus, 218)
            await stop(process)
        assert set(await updates_stored(bus)) == set(played)
        assert await gaps_stored(bus) == []
