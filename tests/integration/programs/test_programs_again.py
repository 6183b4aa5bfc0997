"""What is parsed again or afterwards names the table of programs that it is read with."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_cli.commands.broker.dlq import replayed
from pw_cli.commands.watching.prove import tables_at
from pw_cli.gaps.gap_store import Filler
from pw_cli.offline.offline import batches
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import get_message
from pw_common.jetstream.program_store import ActiveProgramTable, NoTable
from pw_common.process.log import Log
from pw_common.topology.subjects import BUCKET_PROGRAMS, STREAM_DLQ, SWAP_BATCH, tx
from pw_common.wire.envelope import (
    CONTENT_ENCODING,
    MSG_ID,
    PROGRAMS,
    SCHEMA,
    SCHEMA_BATCH,
    ZSTD,
    TxHeaders,
    compress,
    read_tx_headers,
    tx_headers,
)
from pw_common.wire.framing import join
from pw_common.wire.messages import Batch, Counts, Gap, SlotEvent, encode
from support.broker import provisioned
from support.market import market, write_capture
from support.poll import poll_until
from support.records import store
from support.services import running_service
from support.tables import PUMP, put_table, queued, swaps_of, table


async def given(bus: Bus, name: str) -> str:
    """A table under this name for pump.fun, in force as ingest brings one into force."""
    stamp = await put_table(bus, table((PUMP, name)))
    follower = ActiveProgramTable(bus, Log("test"))
    await follower.look()
    assert follower.stamp == stamp
    return stamp


async def store_slot(bus: Bus, slot: int, stamp: str) -> None:
    batch = Batch(
        tx_stream_created="",
        tx_seq=slot,
        source="main",
        epoch=1,
        frontier_slot=0,
        counts=Counts(),
        events=(SlotEvent(slot=slot, parent=slot - 1),),
        programs=stamp,
    )
    headers = {MSG_ID: f"swap:{slot}", CONTENT_ENCODING: ZSTD, SCHEMA: SCHEMA_BATCH}
    await store(bus, SWAP_BATCH, compress(encode(batch)), headers)


async def test_an_archive_is_proven_with_the_tables_of_its_time(tmp_path: Path) -> None:
    updates = market(seed=8, minutes=0.1, tps=40)
    capture = write_capture(tmp_path / "market.pb.gz", updates)
    slots = sorted({one.slot for one in swaps_of(list(batches([capture])))})
    middle = slots[len(slots) // 2]
    async with provisioned(tmp_path / "broker") as (_, bus):
        stamps = [await given(bus, "curve_of_old"), await given(bus, "curve_of_new")]
        for slot in range(slots[0], slots[-1] + 1):
            await store_slot(bus, slot, stamps[slot >= middle])
        found = swaps_of(list(batches([capture], await tables_at(bus))))
        names = {
            (one.slot >= middle, name)
            for one in found
            for name in one.venues
            if name.startswith(("curve", "pumpfun"))
        }
        assert names == {(False, "curve_of_old"), (True, "curve_of_new")}
        await bus.api(f"STREAM.PURGE.KV_{BUCKET_PROGRAMS}")
        with pytest.raises(NoTable):
            await tables_at(bus)


async def test_what_fills_a_gap_is_stamped_with_the_table_of_now(tmp_path: Path) -> None:
    updates = market(seed=8, minutes=0.05, tps=40)
    gap = Gap(source="main", epoch=1, first_missing_slot=1, last_missing_slot=2, why="test")
    async with provisioned(tmp_path / "broker") as (_, bus):
        stamp = await put_table(bus, table((PUMP, "curve_of_mine")))
        filler = Filler(bus, gap, set(), attempt=1)
        await filler.start()
        try:
            await filler.put(updates[:40])
        finally:
            await filler.stop()
        assert {one.headers.get(PROGRAMS) for one in await queued(bus)} == {stamp}
        # A parser finds it, although no ingest runs.
        assert await bus.kv_get(BUCKET_PROGRAMS, stamp) is not None


async def test_a_dead_letter_that_is_sent_back_is_read_with_the_table_of_its_time(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus):
        first = await given(bus, "curve_of_old")
        headers = TxHeaders("tx:1", 2, "main", 1, 0, programs=first)
        body = compress(join([market(seed=8, minutes=0.05, tps=40)[0], b"\xff\xff"]))
        await store(bus, tx("main"), body, tx_headers(headers))
        await given(bus, "curve_of_new")
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):

            async def letters() -> int:
                return int((await bus.api(f"STREAM.INFO.{STREAM_DLQ}"))["state"]["messages"])

            await poll_until(letters, "a dead letter")
        message = await get_message(bus, STREAM_DLQ, 1)
        assert message is not None
        assert read_tx_headers(replayed(message).headers).programs == first
