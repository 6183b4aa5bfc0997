"""A table of programs that changes in mid-run: every fleet of parsers reads the same with it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import BUCKET_PROGRAMS
from pw_common.wire.envelope import PROGRAMS
from support.broker import provisioned
from support.ingesting import ingest
from support.market import market
from support.poll import poll_until
from support.services import running_service
from support.source import FakeSource, running_source
from support.tables import (
    PUMP,
    PUMPSWAP,
    Queued,
    answered,
    digest_of,
    put_table,
    queue,
    queued,
    read_with,
    stored_batches,
    swaps_of,
    table,
    tables,
    until_stamped,
)

FIRST = table((PUMP, "curve_of_old"))
SECOND = table((PUMP, "curve_of_new"), (PUMPSWAP, "pool_of_new"))


class Run:
    """One run of ingest in which the table changed twice: its queue and its tables."""

    messages: list[Queued]
    known: dict[str, bytes]
    digest: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return asyncio.run(recorded(tmp_path_factory.mktemp("run")))


async def recorded(folder: Path) -> Run:
    updates = market(seed=8, minutes=0.3, tps=40)
    third = len(updates) // 3
    found = Run()
    source = FakeSource(updates[:third])
    async with (
        provisioned(folder / "broker") as (broker, bus),
        running_source(source),
        ingest(broker, source, PW_INGEST_SOURCE_KIND="recorded"),
    ):
        await all_stored(bus, third)
        for at, body in enumerate((FIRST, SECOND), start=1):
            await until_stamped(bus, await put_table(bus, body))
            more = updates[at * third : (at + 1) * third] if at == 1 else updates[2 * third :]
            source.updates.extend(more)
            await all_stored(bus, len(source.updates))
        found.messages, found.known = await queued(bus), await tables(bus)
    found.digest = digest_of(read_with(found.messages, found.known))
    return found


async def all_stored(bus: Bus, updates: int) -> None:
    async def there() -> bool:
        return sum(int(one.headers["Pw-Count"]) for one in await queued(bus)) >= updates

    await poll_until(there, f"{updates} updates stored", timeout_s=30)


@asynccontextmanager
async def fleet(
    folder: Path, run: Run, parsers: int, known: dict[str, bytes]
) -> AsyncIterator[tuple[Bus, list[tuple[subprocess.Popen[bytes], str]]]]:
    """Another broker with the same queue, and so many parsers; gives their processes and URLs."""
    async with AsyncExitStack() as stack:
        broker, bus = await stack.enter_async_context(provisioned(folder / "broker"))
        for stamp, body in known.items():
            await bus.kv_put(BUCKET_PROGRAMS, stamp, body)
        await queue(bus, run.messages)
        running = []
        for _ in range(parsers):
            service = running_service("pw_parser", {"PW_NATS_URL": broker.url})
            running.append(await stack.enter_async_context(service))
        yield bus, running


def test_a_message_has_one_stamp_and_all_three_tables_were_used(run: Run) -> None:
    stamps = [one.headers.get(PROGRAMS, "") for one in run.messages]
    assert len(dict.fromkeys(stamps)) == 3
    # It changes between messages, and never back.
    assert stamps == sorted(stamps, key=list(dict.fromkeys(stamps)).index)
    assert set(stamps) - {""} == set(run.known)
    names = {name for one in swaps_of(read_with(run.messages, run.known)) for name in one.venues}
    assert {"pumpfun", "curve_of_old", "curve_of_new", "pool_of_new"} <= names


@pytest.mark.parametrize("parsers", [1, 4])
async def test_any_number_of_parsers_reads_a_changing_table_alike(
    tmp_path: Path, run: Run, parsers: int
) -> None:
    async with fleet(tmp_path, run, parsers, run.known) as (bus, _):
        await answered(bus, len(run.messages))
        batches = await stored_batches(bus)
    assert digest_of(batches) == run.digest
    by_seq = {batch.tx_seq: batch.programs for batch in batches}
    assert [by_seq[seq] for seq in sorted(by_seq)] == [
        one.headers.get(PROGRAMS, "") for one in run.messages
    ]


async def test_a_parser_that_is_killed_leaves_the_same_for_the_other_one(
    tmp_path: Path, run: Run
) -> None:
    async with fleet(tmp_path, run, 2, run.known) as (bus, running):

        async def begun() -> bool:
            return bool((await bus.api("STREAM.INFO.PW_SWAP"))["state"]["messages"])

        await poll_until(begun, "a first answer")
        running[0][0].kill()
        await answered(bus, len(run.messages))
        assert digest_of(await stored_batches(bus)) == run.digest


async def test_parsers_wait_for_a_table_that_comes_late_and_read_the_same(
    tmp_path: Path, run: Run
) -> None:
    async with (
        fleet(tmp_path, run, 2, {}) as (bus, running),
        httpx.AsyncClient(trust_env=False) as client,
    ):

        async def both_wait() -> bool:
            pages = [(await client.get(f"{url}/metrics")).text for _, url in running]
            return all("pw_parser_programs_waiting 1.0" in page for page in pages)

        await poll_until(both_wait, "two parsers that wait and say so")
        # The later one first: no parser takes what is there for what it needs.
        for stamp in sorted(run.known, reverse=True):
            await bus.kv_put(BUCKET_PROGRAMS, stamp, run.known[stamp])
        await answered(bus, len(run.messages))
        assert digest_of(await stored_batches(bus)) == run.digest


async def test_parsers_that_know_a_later_table_already_read_the_same(
    tmp_path: Path, run: Run
) -> None:
    later = table((PUMP, "curve_of_tomorrow"))
    async with fleet(tmp_path, run, 0, run.known) as (bus, _):
        await bus.kv_put(BUCKET_PROGRAMS, await put_table(bus, later), later)
        async with running_service("pw_parser", {"PW_NATS_URL": url_of(bus)}):
            await answered(bus, len(run.messages))
        assert digest_of(await stored_batches(bus)) == run.digest


def url_of(bus: Bus) -> str:
    url = bus.client.connected_url
    assert url is not None
    return str(url.geturl())
