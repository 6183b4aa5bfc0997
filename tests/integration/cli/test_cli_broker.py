"""`pw status`, `tail`, `dlq` and `capture` as a person runs them, against a real broker."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage, get_message
from pw_common.topology import subjects
from pw_common.wire.captures import read_capture
from pw_common.wire.envelope import TxHeaders, compress, decompress, read_tx_headers, tx_headers
from pw_common.wire.framing import join, split
from pw_common.wire.heartbeat import EndpointHealth
from pw_geyser import shallow_pb2
from support.beating import beating
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

TIMEOUT_S = 40.0


class Ended(NamedTuple):
    code: int
    out: bytes
    err: str

    def lines(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


@asynccontextmanager
async def started(*words: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pw_cli.main",
        *words,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    return Ended(process.returncode or 0, out, err.decode())


async def pw(*words: str, **environ: str) -> Ended:
    async with started(*words, **environ) as process:
        return await ended(process)


def transaction(slot: int) -> bytes:
    update = shallow_pb2.Update()
    update.transaction.slot = slot
    update.transaction.info.signature = bytes([slot]) * 64
    return update.SerializeToString()


async def store_updates(bus: Bus, number: int, *updates: bytes) -> int:
    headers = tx_headers(TxHeaders(f"tx:{number}", len(updates), "main", 1, 0))
    return await store(bus, subjects.tx("main"), compress(join(updates)), headers)


async def listening(process: asyncio.subprocess.Process, word: bytes) -> None:
    assert process.stderr is not None
    line = await asyncio.wait_for(process.stderr.readline(), TIMEOUT_S)
    assert word in line, line


async def test_status_tells_by_its_exit_code_whether_all_is_well(tmp_path: Path) -> None:
    token = {"PW_API_TOKEN_FILE": str(token_file(tmp_path))}
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_service("pw_api", {"PW_NATS_URL": broker.url, **token}) as (_, url),
    ):
        blind = await pw("status", "--once", "--api", url, **token)

        async def beats() -> None:
            await beat(bus, "ingest", source=source_health())
            await beat(bus, "parser", totals={"pw_parser_transactions_total": 1234})
            await beat(bus, "detector")

        async with beating(beats):
            well = await pw("status", PW_API_URL=url, **token)
            as_json = await pw("status", "--json", "--api", url, **token)
    assert blind.code == 1
    assert b"No parser is running." in blind.out
    assert well.code == 0, well
    assert b"1,234" in well.out
    assert b"PW_TX/parser" in well.out
    assert b"\x1b[" not in well.out
    assert as_json.code == 0
    assert as_json.lines()[0]["mode"] == "running"


async def test_status_shows_each_endpoint_of_a_source_with_its_lag(tmp_path: Path) -> None:
    endpoints = (
        EndpointHealth(endpoint="http://first:1", connected=True, active=True, slot=9, lag_ms=41),
        EndpointHealth(endpoint="http://second:1", connected=False, active=False, detail="behind"),
    )
    token = {"PW_API_TOKEN_FILE": str(token_file(tmp_path))}
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_service("pw_api", {"PW_NATS_URL": broker.url, **token}) as (_, url),
    ):

        async def beats() -> None:
            await beat(bus, "ingest", source=replace(source_health(), endpoints=endpoints))

        async with beating(beats):
            shown = await pw("status", "--once", "--api", url, **token)
            told = (await pw("status", "--json", "--api", url, **token)).lines()[0]["sources"][0]
    for word in (b"http://first:1", b"taken", b"41", b"http://second:1", b"standby", b"behind"):
        assert word in shown.out, shown.out
    assert [(one["active"], one["lag_ms"]) for one in told["endpoints"]] == [
        (True, 41),
        (False, None),
    ]


async def test_status_without_an_api_is_one_line_and_69() -> None:
    result = await pw("status", "--once", "--api", "http://127.0.0.1:9")
    assert (result.code, result.out) == (69, b"")
    assert len(result.err.splitlines()) == 1
    assert "PW_API_URL" in result.err


async def test_without_a_broker_it_is_one_line_and_69() -> None:
    result = await pw("tail", "PW_GAP", "--nats", "nats://127.0.0.1:9")
    assert (result.code, result.out) == (69, b"")
    assert len(result.err.splitlines()) == 1
    assert "PW_NATS_URL" in result.err


async def test_tail_prints_stored_messages_decompressed_one_a_line(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        for number in range(4):
            await store_batch(bus, number, make_swap(f"s{number}"))
        await store_gap(bus, 5, 9)
        await store_dead_letter(bus, 77, transaction(9), reason="no meta")
        environ = {"PW_NATS_URL": broker.url}
        swaps = await pw("tail", "PW_SWAP", "--from-start", "--limit", "3", **environ)
        gaps = await pw("tail", "PW_GAP", "--from-start", "--limit", "1", **environ)
        dead = await pw("tail", "PW_DLQ", "--from-start", "--limit", "1", **environ)
        refused = await pw("tail", "PW_TX", "--from-start", **environ)
    assert swaps.code == 0, swaps.err
    assert [line["seq"] for line in swaps.lines()] == [1, 2, 3]
    assert swaps.lines()[2]["body"]["events"][0]["signature"] == "s2"
    assert gaps.lines()[0]["body"]["last_missing_slot"] == 9
    assert dead.lines()[0]["headers"]["Pw-Reason"] == "no meta"
    assert dead.lines()[0]["updates"][0]["slot"] == 9
    assert refused.code == 2


async def test_tail_of_the_work_queue_takes_nothing_from_the_parsers(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        async with started("tail", "PW_TX", "--limit", "1", "--nats", broker.url) as process:
            stored = 0

            async def printed() -> bool:
                nonlocal stored
                stored += 1
                await store_updates(bus, stored, transaction(7), b"\xff\xff\xff")
                return process.returncode is not None

            await poll_until(printed, "the tail to see one message", every_s=0.2)
            result = await ended(process)
        info = await bus.api("STREAM.INFO.PW_TX")
    assert result.code == 0, result
    assert result.lines()[0]["updates"][0]["kind"] == "transaction"
    assert result.lines()[0]["updates"][1]["kind"] == "unreadable"
    assert info["state"]["messages"] == stored


async def test_a_replayed_dead_letter_comes_back_to_the_parsers_once(tmp_path: Path) -> None:
    update = transaction(9)
    async with provisioned(tmp_path) as (broker, bus):
        environ = {"PW_NATS_URL": broker.url}
        await store_dead_letter(bus, 77, update, reason="[bold]no meta[/bold]")
        await store_dead_letter(bus, 78, b"\xff")
        listed = await pw("dlq", "list", "--json", **environ)
        table = await pw("dlq", "list", **environ)
        shown = await pw("dlq", "show", "1", **environ)
        first = await pw("dlq", "replay", "1", **environ)
        again = await pw("dlq", "replay", "--all", "--delete", **environ)
        gone = await pw("dlq", "show", "1", **environ)
        none = await pw("dlq", "list", **environ)
        info = await bus.api("STREAM.INFO.PW_TX")
        letters = await bus.api("STREAM.INFO.PW_DLQ")
        message = await get_message(bus, "PW_TX", 1)
    assert [line["seq"] for line in listed.lines()] == [2, 1]
    assert b"[bold]no meta[/bold]" in table.out
    assert shown.code == 0
    assert b'"transaction"' in shown.out
    assert first.out == b"1 sent back\n", first
    assert again.out.startswith(b"1 sent back, 1 were sent back within"), again
    assert gone.code == 1
    assert b"No dead letters" in none.out
    assert (info["state"]["messages"], letters["state"]["messages"]) == (2, 0)
    assert_is_replay_of(message, update)


def assert_is_replay_of(message: StoredMessage | None, update: bytes) -> None:
    assert message is not None
    assert message.subject == subjects.TX_REPLAY
    headers = read_tx_headers(message.headers)
    assert headers.msg_id == "tx:replay:1:dead:tx:77:5"
    assert (headers.updates, headers.source, headers.frontier_slot) == (1, "replay", 0)
    assert list(split(decompress(message.body, 10_000))) == [update]


async def test_a_capture_holds_what_was_published_byte_for_byte(tmp_path: Path) -> None:
    out = tmp_path / "taken.pb.zst"
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        started("capture", "--out", str(out), "--nats", broker.url) as process,
    ):
        await listening(process, b"listening")
        for number in range(20):
            await store_updates(bus, number, transaction(number), bytes([0x10, number]))
        # A message that is published again reaches subscribers again.
        await store_updates(bus, 19, transaction(19), bytes([0x10, 19]))
        process.terminate()
        result = await ended(process)
    expected = [u for n in range(20) for u in (transaction(n), bytes([0x10, n]))]
    assert result.code == 0, result
    assert list(read_capture(out)) == expected
    assert "40 updates" in result.err
    assert "nothing dropped" in result.err


async def test_what_the_broker_took_before_the_end_of_a_capture_is_in_it(tmp_path: Path) -> None:
    out = tmp_path / "taken.pb.zst"
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        started("capture", "--out", str(out), "--nats", broker.url) as process,
    ):
        await listening(process, b"listening")
        # It finds the order to end and twenty messages at the same moment.
        process.send_signal(signal.SIGSTOP)
        for number in range(20):
            await store_updates(bus, number, transaction(number))
        process.terminate()
        process.send_signal(signal.SIGCONT)
        result = await ended(process)
    assert result.code == 0, result
    assert list(read_capture(out)) == [transaction(number) for number in range(20)]


async def test_a_capture_that_lost_its_broker_says_that_it_is_not_whole(tmp_path: Path) -> None:
    out = tmp_path / "taken.pb.zst"
    async with (
        provisioned(tmp_path / "broker") as (broker, _),
        started("capture", "--out", str(out), "--seconds", "3", "--nats", broker.url) as process,
    ):
        await listening(process, b"listening")
        broker.kill()
        result = await ended(process)
    assert result.code == 1
    assert "NOT WHOLE" in result.err
    assert "disconnected" in result.err


async def test_a_capture_needs_a_name_that_says_its_kind(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, _):
        result = await pw("capture", "--out", str(tmp_path / "x.txt"), "--nats", broker.url)
    assert result.code == 2
    assert ".pb.zst" in result.err
