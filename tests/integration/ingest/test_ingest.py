from __future__ import annotations

import asyncio
import os
import random
import signal
from functools import partial
from pathlib import Path

import httpx
import msgspec
import zstandard

from pw_cli.up.processes.processes import free_port
from pw_common.dev.local_broker import restart_broker
from pw_common.topology.subjects import BUCKET_SOURCE
from pw_common.wire.envelope import decompress, read_tx_headers
from pw_common.wire.framing import split
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX
from pw_common.wire.messages import (
    Gap,
    SourceState,
    encode,
)
from pw_geyser import geyser_pb2 as pb
from support.asking import back
from support.broker import provisioned
from support.ingesting import (
    checkpoint,
    gaps_stored,
    heartbeat,
    ingest,
    stop,
    stored,
    until_frontier,
    updates_stored,
)
from support.poll import poll_until
from support.source import FakeSource, block_meta, blocks, running_source, slot_of, transaction


async def test_every_update_is_stored_once_in_order_with_its_bytes(tmp_path: Path) -> None:
    played = blocks([100, 101, 103, 104, 105], transactions=40)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(FakeSource(played)) as source,
        ingest(broker, source) as process,
    ):
        await until_frontier(bus, 104)
        code, err = await stop(process)
        found = await stored(bus)
        state = await checkpoint(bus)
    assert code == 0, err
    assert [update for _, updates in found for update in updates] == played
    assert {headers.source for headers, _ in found} == {"main"}
    frontiers = [headers.frontier_slot for headers, _ in found]
    assert frontiers == sorted(frontiers)
    assert max(headers.updates for headers, _ in found) == 32
    assert state is not None
    assert state.tx_history[-1] == (len(found), 104)
    assert msgspec.structs.replace(state, tx_stream_created="", tx_history=()) == SourceState(
        source="main", epoch=1, checkpoint_slot=102, frontier_slot=104, programs="successful"
    )
    assert len(source.requests) == 1
    assert not source.requests[0].HasField("from_slot")


async def test_a_break_of_the_parent_chain_is_recorded_and_the_frontier_passes_it(
    tmp_path: Path,
) -> None:
    played = blocks(range(100, 110)) + blocks(range(115, 130))
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(FakeSource(played)) as source,
        ingest(broker, source) as process,
    ):
        await until_frontier(bus, 128)
        await stop(process)
        gaps = await gaps_stored(bus)
        assert await updates_stored(bus) == played
    assert gaps == [
        Gap(
            source="main",
            epoch=1,
            first_missing_slot=110,
            last_missing_slot=114,
            why="parent chain broken",
        )
    ]


async def test_a_cut_stream_is_resumed_and_nothing_is_lost(tmp_path: Path) -> None:
    played = blocks(range(100, 140), transactions=20)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(FakeSource(played, cut_after=300)) as source,
        ingest(broker, source) as process,
    ):
        await until_frontier(bus, 138)
        await stop(process)
        assert set(await updates_stored(bus)) == set(played)
        assert await gaps_stored(bus) == []
    assert len(source.requests) == 2
    assert source.requests[1].from_slot > 100


async def test_what_is_stored_while_the_source_is_away_makes_its_replay_no_older_chain(
    tmp_path: Path,
) -> None:
    source = FakeSource(blocks(range(100, 110)))
    port = free_port()
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source, PW_HTTP_LISTEN=f"127.0.0.1:{port}") as process,
    ):
        await until_frontier(bus, 108)
        os.kill(broker.process.pid, signal.SIGSTOP)
        try:
            source.updates.extend(blocks(range(110, 165), parent=109))
            read = partial(_is_read, f"http://127.0.0.1:{port}/metrics", 164)
            await poll_until(read, "all of it read, none of it stored")
            source.is_away = True
            source.ended.set()
            before = len(source.requests)
            await poll_until(partial(_asked, source, before + 1), "a stream turned away")
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)
        await until_frontier(bus, 163)
        # Whatever is asked next was planned before all of it was stored, or after.
        before = len(source.requests)
        await poll_until(partial(_asked, source, before + 2), "streams turned away since")
        source.ended.clear()
        source.is_away = False
        source.updates.extend(blocks(range(165, 170), parent=164))
        await until_frontier(bus, 168)
        await stop(process)
        assert {headers.epoch for headers, _ in await stored(bus)} == {1}
        assert await gaps_stored(bus) == []
    assert source.requests[-1].from_slot > 150


async def _is_read(url: str, slot: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        return f"pw_ingest_slot {slot}.0" in (await client.get(url)).text


async def _asked(source: FakeSource, times: int) -> bool:
    return len(source.requests) >= times


async def test_a_full_queue_is_waited_out_and_nothing_is_lost(tmp_path: Path) -> None:
    played = blocks(range(100, 160), transactions=30, size_bytes=1600)
    async with (
        provisioned(tmp_path, tx_bytes_max=64 * 1024) as (broker, bus),
        running_source(FakeSource(played)) as source,
        ingest(broker, source) as process,
    ):
        consumer = await bus.js.pull_subscribe_bind(durable="parser", stream="PW_TX")
        info = (await bus.api("STREAM.INFO.PW_TX"))["state"]

        async def is_full() -> bool:
            state = (await bus.api("STREAM.INFO.PW_TX"))["state"]
            return int(state["bytes"]) > 40 * 1024

        await poll_until(is_full, "PW_TX full")

        async def says_so() -> bool:
            beat = await heartbeat(bus)
            return beat is not None and beat.source is not None and beat.source.waiting_for_broker

        await poll_until(says_so, "the heartbeat to say that ingest waits")
        assert info["last_seq"] < len(played)
        seen: list[bytes] = []
        frontier = 0
        while frontier < 158:
            for message in await consumer.fetch(4, timeout=10):
                headers = read_tx_headers(message.headers or {})
                frontier = max(frontier, headers.frontier_slot)
                seen += split(decompress(message.data, DECOMPRESSED_BYTES_MAX))
                await message.ack_sync()
        code, err = await stop(process)
    assert code == 0, err
    assert sorted(seen) == sorted(played)


async def test_a_restart_continues_after_the_checkpoint(tmp_path: Path) -> None:
    played = blocks(range(100, 140))
    async with provisioned(tmp_path) as (broker, bus):
        async with (
            running_source(FakeSource(played[: 5 * 20])) as source,
            ingest(broker, source) as process,
        ):
            await until_frontier(bus, 118)
            await stop(process)
        async with (
            running_source(FakeSource(played)) as source,
            ingest(broker, source) as process,
        ):
            await until_frontier(bus, 138)
            await stop(process)
        state = await checkpoint(bus)
        gaps = await gaps_stored(bus)
        stored_set = set(await updates_stored(bus))
    assert source.requests[0].from_slot == 117
    assert state is not None
    assert (state.epoch, state.checkpoint_slot) == (1, 136)
    assert gaps == []
    assert stored_set == set(played)


async def test_a_restart_beyond_the_replay_window_records_the_gap(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        async with (
            running_source(FakeSource(blocks(range(100, 120)))) as source,
            ingest(broker, source) as process,
        ):
            await until_frontier(bus, 118)
            await stop(process)
        later = blocks(range(150, 170))
        async with (
            running_source(FakeSource(later, first_available=150)) as source,
            ingest(broker, source) as process,
        ):
            await until_frontier(bus, 168)
            await stop(process)
        gaps = await gaps_stored(bus)
    assert [(g.first_missing_slot, g.last_missing_slot, g.why) for g in gaps] == [
        (117, 149, "replay window exceeded")
    ]


async def test_a_wrong_token_ends_ingest_with_one_clear_line(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path) as (broker, _),
        running_source(FakeSource([], token="right")) as source,
        ingest(broker, source) as process,
    ):
        _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 69
    assert "UNAUTHENTICATED" in err.decode()
    assert "PW_INGEST_TOKEN_FILE" in err.decode()
    assert "Traceback" not in err.decode()


async def test_what_cannot_be_read_reaches_the_queue_untouched(tmp_path: Path) -> None:
    played = [b"\xff\xff\xff", transaction(100, 0), b"\x12\x00", block_meta(100, 99)]
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(FakeSource([])) as source,
    ):
        source.updates = played
        async with ingest(broker, source) as process:

            async def all_there() -> bool:
                return len(await updates_stored(bus)) == len(played)

            await poll_until(all_there, "all four")
            await stop(process)
        assert await updates_stored(bus) == played


async def test_a_second_ingest_for_one_source_stops_with_one_clear_line(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(FakeSource(blocks(range(100, 120)))) as source,
        ingest(broker, source) as process,
    ):

        async def is_written() -> bool:
            state = await checkpoint(bus)
            return state is not None and state.checkpoint_slot == 116

        await poll_until(is_written, "the first checkpoint")
        other = SourceState(source="main", epoch=1, checkpoint_slot=117, frontier_slot=119)
        await bus.kv_put(BUCKET_SOURCE, "main", encode(other))
        source.updates += blocks(range(120, 130), parent=119)
        _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 69
    assert "two ingests for one source" in err.decode()
    assert "Traceback" not in err.decode()


async def test_a_broker_killed_in_mid_run_costs_nothing(tmp_path: Path) -> None:
    played = blocks(range(100, 300), transactions=30, size_bytes=1600)
    async with provisioned(tmp_path) as (broker, bus), running_source(FakeSource([])) as source:
        source.updates = played[:3000]
        async with ingest(broker, source) as process:

            async def is_under_way() -> bool:
                return int((await bus.api("STREAM.INFO.PW_TX"))["state"]["messages"]) > 20

            await poll_until(is_under_way, "the first messages")
            broker.kill()
            source.updates += played[3000:]
            await restart_broker(broker)
            await back(bus)
            await until_frontier(bus, 298)
            code, err = await stop(process)
        assert code == 0, err
        assert set(await updates_stored(bus)) == set(played)
        assert await gaps_stored(bus) == []


async def test_an_unreachable_endpoint_is_said_and_tried_again(tmp_path: Path) -> None:
    source = FakeSource(blocks(range(100, 110)))
    async with provisioned(tmp_path) as (broker, bus):
        async with running_source(source):
            pass
        async with ingest(broker, source) as process:

            async def says_why() -> bool:
                beat = await heartbeat(bus)
                return beat is not None and "UNAVAILABLE" in beat.reason and not beat.ready

            await poll_until(says_why, "the heartbeat to say why")
            async with running_source(source, port=int(source.endpoint.rpartition(":")[2])):
                await until_frontier(bus, 108)
                code, err = await stop(process)
    assert code == 0
    assert "source_disconnected" in err
    assert "Traceback" not in err


async def test_the_archive_is_a_capture_of_everything(tmp_path: Path) -> None:
    played = blocks(range(100, 130), transactions=20, size_bytes=400)
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_source(FakeSource(played)) as source,
        ingest(broker, source, PW_INGEST_ARCHIVE_DIR=str(tmp_path / "archive")) as process,
    ):
        await until_frontier(bus, 128)
        await stop(process)
    (path,) = (tmp_path / "archive").iterdir()
    assert path.name.endswith(".pb.zst")
    with zstandard.ZstdDecompressor().stream_reader(path.read_bytes()) as reader:
        assert list(split(reader.read())) == played


async def test_an_update_that_the_broker_cannot_take_is_a_recorded_gap(tmp_path: Path) -> None:
    noise = pb.SubscribeUpdate.FromString(transaction(104, 77))
    noise.transaction.transaction.meta.return_data.data = random.Random(7).randbytes(1_500_000)
    played = blocks(range(100, 110))
    position = played.index(transaction(104, 0))
    played.insert(position, noise.SerializeToString())
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(FakeSource(played)) as source,
        ingest(broker, source) as process,
    ):
        await until_frontier(bus, 108)
        code, err = await stop(process)
        gaps = await gaps_stored(bus)
        found = await updates_stored(bus)
    assert code == 0, err
    assert [(gap.first_missing_slot, gap.last_missing_slot) for gap in gaps] == [(104, 104)]
    assert found == [update for update in played if len(update) < 1_000_000]


async def test_a_stop_while_the_queue_is_full_is_prompt_and_keeps_the_checkpoint_true(
    tmp_path: Path,
) -> None:
    played = blocks(range(100, 160), transactions=30, size_bytes=1600)
    async with (
        provisioned(tmp_path, tx_bytes_max=64 * 1024) as (broker, bus),
        running_source(FakeSource(played)) as source,
        ingest(broker, source) as process,
    ):

        async def is_waiting() -> bool:
            beat = await heartbeat(bus)
            return beat is not None and beat.source is not None and beat.source.waiting_for_broker

        await poll_until(is_waiting, "ingest to wait")
        code, err = await stop(process)
        state = await checkpoint(bus)
        found = set(await updates_stored(bus))
    assert code == 0, err
    assert "stopped_before_stored" in err
    if state is not None:
        claimed = {update for update in played if slot_of(update) <= state.checkpoint_slot}
        assert claimed <= found
