"""The API as it is run, against a real broker: what is stored is what it shows."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from pw_common.dev.local_broker import restart_broker
from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.topology.streams import MIB
from pw_common.wire.envelope import TxHeaders, tx_headers
from pw_common.wire.messages import SourceState, encode
from support.apis import running_api
from support.broker import provisioned
from support.poll import poll_until
from support.records import (
    beat,
    make_swap,
    source_health,
    store,
    store_batch,
    store_dead_letter,
    store_gap,
)
from support.services import running_service
from support.tokens import token_file


async def get(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def store_tx(bus: Bus, number: int, body: bytes) -> int:
    header = TxHeaders(f"tx:{number}", 1, "main", 1, 0)
    return await store(bus, subjects.tx("main"), body, tx_headers(header))


async def beat_all(bus: Bus) -> None:
    await beat(bus, "ingest", source=source_health())
    await beat(bus, "parser")
    await beat(bus, "detector")


async def test_status_adds_up_what_the_services_and_the_streams_say(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        parsed = "pw_parser_transactions_total"
        duplicates = "pw_stored_duplicates_total"
        totals = {parsed: 100, duplicates: 1}
        await beat(bus, "parser", instance="parser-3", totals=totals)

        async def silent() -> Any:
            await beat(bus, "ingest", source=source_health(), totals={duplicates: 2})
            await beat(bus, "detector")
            for number in (1, 2):
                await beat(bus, "parser", instance=f"parser-{number}", totals=totals)
            status = await get(client, "status")
            parsers = next(one for one in status["services"] if one["service"] == "parser")
            return status if any(one["stale"] for one in parsers["instances"]) else None

        await poll_until(silent, "a parser that says nothing", timeout_s=15)
        await store_tx(bus, 1, b"one")
        await store_gap(bus, 10, 12)
        await store_gap(bus, 20, 20)
        for number in range(3):
            await store_dead_letter(bus, number, b"?")
        state = SourceState(source="main", epoch=1, checkpoint_slot=90, frontier_slot=95)
        await bus.kv_put(subjects.BUCKET_SOURCE, "main", encode(state))

        async def counted() -> Any:
            # Many who ask at once are given the same answer.
            status = await get(client, "status")
            return status if status["totals"]["dead_letters"] else None

        status = await poll_until(counted, "what was stored since")
    assert status["mode"] == "running", status["why"]
    # The others were started since, and took its place.
    assert status["why"] == []
    assert status["conditions"] == []
    services = {one["service"]: one for one in status["services"]}
    assert [one["stale"] for one in services["parser"]["instances"]] == [True, False, False]
    # The stale one may be dead: it no longer adds to rates, but its duplicates happened.
    assert services["parser"]["rates"][parsed] == {
        "total": 200,
        "per_s_1s": 4.0,
        "per_s_60s": 2.0,
    }
    assert status["totals"] == {
        "dead_letters": 3,
        "gaps": 2,
        "stored_duplicates": 5,
        "swaps_trimmed_unread": 0,
    }
    streams = {one["stream"]: one for one in status["streams"]}
    assert streams["PW_TX"]["messages"] == 1
    assert streams["PW_TX"]["bytes_max"] == 64 * MIB
    assert status["consumers"][-1]["pending"] == 1
    source = status["sources"][0]
    assert (source["connected"], source["checkpoint_slot"], source["slot"]) == (True, 90, 100)


async def test_the_lag_is_the_age_of_the_oldest_message_that_is_not_acked(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        for number in range(3):
            await store_tx(bus, number, b"x")
        work = await bus.js.pull_subscribe_bind(consumer="parser", stream="PW_TX")
        messages = await work.fetch(3)
        # The first stays in hand while later ones are done.
        await messages[1].ack_sync()
        await messages[2].ack_sync()

        async def lag() -> Any:
            consumer = (await get(client, "status"))["consumers"][-1]
            return consumer if consumer["lag_s"] > 0.3 else None

        held = await poll_until(lag, "the held message's age")
        assert (held["pending"], held["ack_pending"]) == (0, 1)
        await messages[0].ack_sync()

        async def none() -> bool:
            return bool((await get(client, "status"))["consumers"][-1]["lag_s"] == 0)

        await poll_until(none, "no lag once all is acked")
        await work.unsubscribe()


async def test_a_nearly_full_queue_is_backpressure_and_says_how_full(tmp_path: Path) -> None:
    async with running_api(tmp_path, tx_bytes_max=MIB) as (_, bus, client):
        for number in range(9):
            await store_tx(bus, number, bytes(100_000))
        await beat_all(bus)
        status = await get(client, "status")
    assert status["mode"] == "backpressure"
    assert status["why"][0].startswith("PW_TX is at 8")


async def test_without_ingest_parser_and_detector_it_is_blind(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        status = await get(client, "status")
    assert status["mode"] == "blind"
    missing = ("ingest", "parser", "detector")
    assert status["why"] == [f"No {service} is running." for service in missing]


async def test_repeated_swaps_are_those_that_the_detector_dropped_each_counted_once(
    tmp_path: Path,
) -> None:
    """Every detector reads all of PW_SWAP, so that what two of them dropped is the same."""
    async with running_api(tmp_path) as (broker, bus, client):
        repeated = "pw_detector_repeated_swaps_total"
        trimmed = {"pw_detector_trimmed_total": 1, "pw_history_trimmed_total": 2}
        await beat(bus, "detector", instance="gone", totals={repeated: 1} | trimmed)
        async with running_service("pw_detector", {"PW_NATS_URL": broker.url}):
            other = "Stake11111111111111111111111111111111111111"
            await store_batch(bus, 1, make_swap("a"), make_swap("b", mint=other))
            await store_batch(bus, 2)
            # Cut again after a restart: a and b are stored twice, c is new.
            again = (make_swap("a"), make_swap("b", mint=other), make_swap("c", trader=other))
            await store_batch(bus, 3, *again)

            async def counted() -> bool:
                return bool((await get(client, "status"))["totals"]["stored_duplicates"] == 2)

            await poll_until(counted, "two repeats")
            assert (await get(client, "status"))["totals"]["swaps_trimmed_unread"] == 2


async def test_gaps_and_dead_letters_are_paged_across_deleted_ones(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        for number in range(30):
            await store_gap(bus, number * 10, number * 10 + 3)
            await store_dead_letter(bus, number, b"\xff\xff", reason="Malformed: <b>")
        for seq in range(12, 27):
            await bus.api("STREAM.MSG.DELETE.PW_DLQ", {"seq": seq})
        seen: list[int] = []
        query = "dead-letters?limit=4"
        while query:
            page = await get(client, query)
            assert len(page["dead_letters"]) <= 4
            seen += [letter["seq"] for letter in page["dead_letters"]]
            after = page["next_before_seq"]
            query = f"dead-letters?limit=4&before_seq={after}" if after else ""
        gaps = await get(client, "gaps?limit=2&before_seq=10")
        letter = (await get(client, "dead-letters?limit=1&body=true"))["dead_letters"][0]
    assert seen == [*range(30, 26, -1), *range(11, 0, -1)]
    assert [gap["seq"] for gap in gaps["gaps"]] == [9, 8]
    assert (gaps["gaps"][0]["first_missing_slot"], gaps["gaps"][0]["last_missing_slot"]) == (80, 83)
    assert gaps["next_before_seq"] == 8
    assert letter["reason"] == "Malformed: <b>"
    assert (letter["origin_stream"], letter["origin_seq"], letter["position"]) == ("PW_TX", 29, 5)
    assert (letter["body_hex"], letter["body_encoding"]) == ("02ffff", "identity")
    assert letter["service"] == "parser"


async def test_a_killed_broker_is_a_503_and_its_return_heals_everything(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (broker, _, client):
        broker.kill()

        async def away() -> bool:
            return (await client.get("/api/v1/status")).status_code == 503

        await poll_until(away, "a 503 of status")
        answer = await client.get("/api/v1/gaps")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await client.get("/livez")).status_code == 200
        # Its page is needed most now: it says what is away.
        ready = await client.get("/readyz")
        assert (ready.status_code, "broker" in ready.json()["reason"]) == (200, True)
        await restart_broker(broker)

        async def back() -> bool:
            return (await client.get("/api/v1/status")).status_code == 200

        await poll_until(back, "the API seeing its broker again")


async def test_a_token_file_guards_the_api_of_the_real_process(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret-of-a-test\n")
    async with running_api(tmp_path, PW_API_TOKEN_FILE=str(secret)) as (_, _bus, client):
        assert (await client.get("/api/v1/status")).status_code == 401
        given = {"Authorization": "Bearer s3cret-of-a-test"}
        assert (await client.get("/api/v1/status", headers=given)).status_code == 200


async def test_a_port_in_use_ends_with_one_line_and_78(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, _):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            ended = subprocess.run(  # noqa: ASYNC221
                [sys.executable, "-m", "pw_api"],
                env={
                    **os.environ,
                    "PW_NATS_URL": broker.url,
                    "PW_HTTP_LISTEN": f"127.0.0.1:{port}",
                    "PW_API_TOKEN_FILE": str(token_file(tmp_path)),
                },
                capture_output=True,
                timeout=30,
                check=False,
            )
    assert ended.returncode == 78
    lines = ended.stderr.decode().splitlines()
    assert len(lines) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in lines[0]
