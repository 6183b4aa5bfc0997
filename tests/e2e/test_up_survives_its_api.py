"""`pw up` goes on whatever happens to its API, its notifier, its terminal or its report."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from pw_cli.up.processes.processes import free_port
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from support.poll import poll_until
from support.running import Running, running

MARKET = ("--minutes", "4", "--rate", "120", "--parsers", "1")


async def stored(bus: Bus) -> int:
    """How many messages PW_SWAP has taken."""
    return int((await bus.api("STREAM.INFO.PW_SWAP"))["state"]["last_seq"])


async def goes_on(bus: Bus, *, by: int = 20) -> None:
    """Wait until swaps are stored that were not there when this was asked."""
    before = await stored(bus)

    async def more() -> bool:
        return await stored(bus) >= before + by

    await poll_until(more, "more swaps", timeout_s=90)


async def goes_on_for(seconds: float, bus: Bus, process: asyncio.subprocess.Process) -> None:
    """The same, again and again: figures are asked for and written every five seconds."""
    until_s = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until_s:
        await goes_on(bus)
        assert process.returncode is None


@asynccontextmanager
async def broker_of(url: str) -> AsyncIterator[Bus]:
    bus = await connect(url, "test", Log("test"))
    try:
        yield bus
    finally:
        await bus.close()


async def answers(run: Running) -> bool:
    try:
        return bool((await run.status())["services"])
    except httpx.HTTPError:
        return False


async def test_the_pipeline_goes_on_while_the_api_is_flooded_killed_or_frozen(
    tmp_path: Path,
) -> None:
    async with running(*MARKET, folder=tmp_path) as run, broker_of(run.broker_url) as bus:
        await goes_on(bus)
        (api,) = await run.pids("api")
        (notifier,) = await run.pids("notifier")
        port = int(run.api.rpartition(":")[2])
        with ExitStack() as held:
            for _ in range(300):
                held.enter_context(socket.create_connection(("127.0.0.1", port)))
            await goes_on_for(12, bus, run.process)
        os.kill(api, signal.SIGSTOP)
        await goes_on(bus)
        os.kill(api, signal.SIGKILL)
        os.kill(notifier, signal.SIGKILL)
        await goes_on(bus)

        async def both_are_back() -> bool:
            return await answers(run) and all(
                [await run.pids("api") != [api], await run.pids("notifier") not in ([notifier], [])]
            )

        await poll_until(both_are_back, "the API and the notifier again", timeout_s=90)
        assert run.process.returncode is None
        # A terminal that is closed is an orderly stop, as SIGTERM is.
        run.process.send_signal(signal.SIGHUP)
        assert await asyncio.wait_for(run.process.wait(), 150) == 0


async def test_a_reader_that_has_enough_stops_nothing(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pw_cli.main", "up", "--json", "--port", str(free_port()), *MARKET,
        cwd=tmp_path, stdout=writing,
        env={k: v for k, v in os.environ.items() if not k.startswith("PW_")},
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as out:
            # As `pw up --json | head -1`.
            started = await asyncio.wait_for(asyncio.to_thread(out.readline), 60)
        async with broker_of(msgspec.json.decode(started)["broker"]) as bus:
            # Each line of figures finds no reader.
            await goes_on_for(12, bus, process)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 90) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_report_that_cannot_be_written_is_said_after_everything_is_stored(
    tmp_path: Path,
) -> None:
    # It could be written when the run began: a flag that never works is refused at once.
    (tmp_path / "no").mkdir()
    report = str(tmp_path / "no" / "r.json")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pw_cli.main", "up", "--port", str(free_port()), "--minutes", "0.3",
        "--rate", "max", "--once", "--exit-when-drained", "--report", report, "--data", "d",
        cwd=tmp_path, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        env={k: v for k, v in os.environ.items() if not k.startswith("PW_")},
    )  # fmt: skip

    async def has_begun() -> bool:
        return (tmp_path / "d/lock").exists()

    await poll_until(has_begun, "the data folder")
    (tmp_path / "no").rmdir()
    _, err = await asyncio.wait_for(process.communicate(), 110)
    said = err.decode()
    assert process.returncode == 1, said
    assert "the report is NOT written" in said
    assert "Traceback" not in said
    # What the report would have said is said all the same, of a run that came to its end.
    assert "swap digest" in said
    assert "NOT drained" not in said
