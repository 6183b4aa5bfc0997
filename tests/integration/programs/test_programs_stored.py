"""Tables of programs that are bad, gone or late: nobody ends, it is said, nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.program_store import MEND_LOOKS, ActiveProgramTable
from pw_common.process.log import Log
from pw_common.topology.subjects import (
    BUCKET_CONFIG,
    BUCKET_INSTANCES,
    BUCKET_PROGRAMS,
    KEY_ACKNOWLEDGED,
    KEY_PROGRAMS,
    STREAM_DLQ,
    tx,
)
from pw_common.wire.envelope import PROGRAMS, TxHeaders, compress, tx_headers
from pw_common.wire.framing import join
from pw_common.wire.messages import decode_heartbeat
from support.broker import provisioned
from support.ingesting import ingest
from support.market import market
from support.poll import poll_until
from support.records import store
from support.services import running_service
from support.source import FakeSource, blocks, running_source
from support.tables import (
    PUMP,
    answered,
    put_table,
    queued,
    stored_batches,
    swaps_of,
    table,
    tables,
    until_stamped,
)

GOOD = table((PUMP, "curve_of_old"))
BAD = [
    b"",
    b"\xff\xfe",
    b"[" * 200_000,
    b"5",
    b'{"entries": 5}',
    b'{"entries": [{"id": "x", "name": "x", "kind": "venue"}]}',
    table((PUMP, "n" * 33)),
    table((PUMP, "unlisted:mine")),
    b'{"entries": []}' + b" " * 200_000,
]


async def said(bus: Bus, service: str, what: str) -> None:
    """The newest instance of a service says this, or nothing where `what` is empty."""

    async def found() -> bool:
        bodies = (await bus.kv_all(BUCKET_INSTANCES)).values()
        beats = [one for one in map(decode_heartbeat, bodies) if one.service == service]
        newest = max(beats, key=lambda one: one.started_at_ms, default=None)
        if newest is None or not newest.ready:
            return False
        return what in newest.reason if what else not newest.reason

    await poll_until(found, f"{service} says {what!r} and is ready")


async def put_message(bus: Bus, number: int, updates: list[bytes], stamp: str) -> None:
    headers = TxHeaders(f"tx:{number}", len(updates), "main", 1, 0, programs=stamp)
    await store(bus, tx("main"), compress(join(updates)), tx_headers(headers))


def trades() -> list[bytes]:
    return market(seed=8, minutes=0.1, tps=40)[:32]


@pytest.mark.parametrize("body", BAD, ids=lambda body: repr(body[:24]))
async def test_a_bad_table_leaves_the_last_good_one_in_force(tmp_path: Path, body: bytes) -> None:
    async with provisioned(tmp_path / "broker") as (_, bus):
        follower = ActiveProgramTable(bus, Log("test"))
        await follower.look()
        assert (follower.stamp, follower.trouble) == ("", "")
        good = await put_table(bus, GOOD)
        await bus.kv_put(BUCKET_CONFIG, KEY_PROGRAMS, body)
        # One that saw the good one, and one that begins only now, decide the same.
        for one in (follower, ActiveProgramTable(bus, Log("test"))):
            await one.look()
            assert one.stamp == good
            assert "cannot be used" in one.trouble
            assert "what held before goes on" in one.trouble
        assert list(await tables(bus)) == [good]
        newer = await put_table(bus, table((PUMP, "curve_of_new")))
        await follower.look()
        assert (follower.stamp, follower.trouble) == (newer, "")


async def test_a_bad_table_alone_leaves_the_shipped_one_in_force(tmp_path: Path) -> None:
    async with provisioned(tmp_path / "broker") as (_, bus):
        await bus.kv_put(BUCKET_CONFIG, KEY_PROGRAMS, b"5")
        follower = ActiveProgramTable(bus, Log("test"))
        await follower.look()
        assert follower.stamp == ""
        assert "cannot be used" in follower.trouble


async def test_a_table_is_given_out_only_once_it_is_kept_for_every_parser(tmp_path: Path) -> None:
    async with provisioned(tmp_path / "broker") as (_, bus):
        first = await put_table(bus, GOOD)
        follower = ActiveProgramTable(bus, Log("test"))
        await follower.look()
        info = (await bus.api(f"STREAM.INFO.KV_{BUCKET_PROGRAMS}"))["config"]
        full = {**info, "max_bytes": 1}
        await bus.api(f"STREAM.UPDATE.KV_{BUCKET_PROGRAMS}", full)
        second = await put_table(bus, table((PUMP, "curve_of_new")))
        for one in (follower, ActiveProgramTable(bus, Log("test"))):
            await one.look()
            assert one.stamp == first
            assert "cannot be stored" in one.trouble
        await bus.api(f"STREAM.UPDATE.KV_{BUCKET_PROGRAMS}", info)
        await follower.look()
        assert (follower.stamp, follower.trouble) == (second, "")


async def test_copies_that_were_lost_with_their_bucket_are_made_again_from_the_history(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path / "broker") as (_, bus):
        follower = ActiveProgramTable(bus, Log("test"))
        given = []
        for name in ("one", "two"):
            given.append(await put_table(bus, table((PUMP, name))))
            await follower.look()
        await bus.api(f"STREAM.PURGE.KV_{BUCKET_PROGRAMS}")
        assert await tables(bus) == {}
        for _ in range(MEND_LOOKS):
            await follower.look()
        assert sorted(await tables(bus)) == sorted(given)
        assert follower.stamp == given[-1]


async def test_a_backlog_of_more_changes_than_the_history_keeps_is_read_to_the_letter(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus):
        follower = ActiveProgramTable(bus, Log("test"))
        updates = trades()
        for number in range(40):
            await put_table(bus, table((PUMP, f"curve {number}")))
            await follower.look()
            await put_message(bus, number, updates, follower.stamp)
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await answered(bus, 40)
        for number, batch in enumerate(await stored_batches(bus)):
            names = {name for one in swaps_of([batch]) for name in one.venues}
            assert f"curve {number}" in names
            assert "pumpfun" not in names


async def test_ingest_lives_with_a_bad_table_also_at_its_start_and_says_so(tmp_path: Path) -> None:
    source = FakeSource(blocks(range(100, 110)))
    async with provisioned(tmp_path / "broker") as (broker, bus), running_source(source):
        good = await put_table(bus, GOOD)
        await bus.kv_put(BUCKET_CONFIG, KEY_PROGRAMS, b"5")
        for last in (120, 130):
            async with ingest(broker, source, PW_INGEST_SOURCE_KIND="recorded"):
                await until_stamped(bus, good)
                await said(bus, "ingest", "programs of revision")
                source.updates.extend(blocks(range(last - 10, last), parent=last - 11))
                await stored_after(bus, last - 1)
        stamps = {one.headers.get(PROGRAMS) for one in await queued(bus)}
        assert stamps == {good}


async def stored_after(bus: Bus, slot: int) -> None:
    async def there() -> bool:
        found = [int(one.headers["Pw-Frontier-Slot"]) for one in await queued(bus)]
        return max(found, default=0) >= slot - 1

    await poll_until(there, f"slot {slot} stored")


async def test_a_parser_waits_for_the_table_says_so_and_reads_with_no_other(
    tmp_path: Path,
) -> None:
    body = table((PUMP, "curve_of_mine"))
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_parser", {"PW_NATS_URL": broker.url}) as (process, url),
        httpx.AsyncClient(trust_env=False) as client,
    ):
        stamp = await put_table(bus, body)
        await put_message(bus, 1, trades(), stamp)
        await said(bus, "parser", f"waits for programs {stamp}")
        page = (await client.get(f"{url}/metrics")).text
        assert "pw_parser_programs_waiting 1.0" in page
        # Another value under this stamp is not the table that the message names.
        await bus.kv_put(BUCKET_PROGRAMS, stamp, GOOD)
        await said(bus, "parser", "is another table")
        assert not await stored_batches(bus)
        await bus.kv_put(BUCKET_PROGRAMS, stamp, body)
        await answered(bus, 1)
        [batch] = await stored_batches(bus)
        assert batch.programs == stamp
        assert "curve_of_mine" in {name for one in swaps_of([batch]) for name in one.venues}
        await said(bus, "parser", "")
        assert (await bus.api(f"STREAM.INFO.{STREAM_DLQ}"))["state"]["messages"] == 0
        assert process.poll() is None


async def test_a_parser_that_waits_stops_in_order_and_leaves_the_message_to_the_next(
    tmp_path: Path,
) -> None:
    body = table((PUMP, "curve_of_mine"))
    async with provisioned(tmp_path / "broker") as (broker, bus):
        stamp = await put_table(bus, body)
        await put_message(bus, 1, trades(), stamp)
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}) as (process, _):
            await said(bus, "parser", f"waits for programs {stamp}")
        assert process.returncode == 0
        await bus.kv_put(BUCKET_PROGRAMS, stamp, body)
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await answered(bus, 1)
        assert [one.programs for one in await stored_batches(bus)] == [stamp]


async def test_a_message_with_a_stamp_that_is_none_is_a_dead_letter(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_parser", {"PW_NATS_URL": broker.url}),
    ):
        await put_message(bus, 1, trades(), "yesterday")
        await answered(bus, 1)
        assert (await bus.api(f"STREAM.INFO.{STREAM_DLQ}"))["state"]["messages"] == 1
        assert not swaps_of(await stored_batches(bus))


@pytest.mark.parametrize("body", BAD[:6], ids=lambda body: repr(body[:24]))
async def test_a_parser_lives_with_acknowledgements_that_cannot_be_used(
    tmp_path: Path, body: bytes
) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus):
        await bus.kv_put(BUCKET_CONFIG, KEY_ACKNOWLEDGED, body)
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await said(bus, "parser", "acknowledged of revision")
            await bus.kv_put(BUCKET_CONFIG, KEY_ACKNOWLEDGED, b'{"entries":[]}')
            await said(bus, "parser", "")


async def test_without_a_new_bucket_ingest_says_what_is_missing(tmp_path: Path) -> None:
    source = FakeSource(blocks(range(100, 103)))
    async with provisioned(tmp_path / "broker") as (broker, bus), running_source(source):
        await bus.api(f"STREAM.DELETE.KV_{BUCKET_PROGRAMS}")
        async with ingest(broker, source, PW_INGEST_SOURCE_KIND="recorded"):
            await reason(bus, f"KV_{BUCKET_PROGRAMS}")


async def reason(bus: Bus, what: str) -> None:
    async def found() -> bool:
        bodies = (await bus.kv_all(BUCKET_INSTANCES)).values()
        return any(what in decode_heartbeat(body).reason for body in bodies)

    await poll_until(found, f"somebody says {what!r}")
