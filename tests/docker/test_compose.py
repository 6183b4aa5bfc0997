"""The containers as `docker compose up` runs them: the same swaps and alerts as without.

Run by `make e2e-docker`, which sets PW_DOCKER=1; skipped where no engine is meant to be there.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from declared_services import declared

from pw_cli.audit.rederive import stored_alerts
from pw_cli.up.processes.processes import free_port
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus, headers_of
from pw_common.jetstream.connection import connect
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.ordering.dedup import SeenWindow
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.alerts import alert_digest
from pw_common.wire.batches import batch_of
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import Swap, swap_digest
from pw_replay.market import generate
from support.poll import poll_until
from support.running import run_to_end

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "pwe2e"
SERVICES = ("nats", *(one.name for one in declared() if one.compose == "runs"))

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("PW_DOCKER"), reason="PW_DOCKER is not set: see make e2e-docker"
    ),
    pytest.mark.timeout(900),
]


def command() -> list[str]:
    """Compose 2 where it is, else 1.29."""
    newer = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    words = ["docker", "compose"] if newer.returncode == 0 else ["docker-compose"]
    return [*words, "-p", PROJECT, "-f", "compose.yaml", "-f", "tests/docker/compose.test.yaml"]


class Stack:
    """The project's containers."""

    def __init__(self, environ: dict[str, str], nats_port: int) -> None:
        self.environ = environ
        self.broker = f"nats://127.0.0.1:{nats_port}"

    def compose(self, *words: str) -> None:
        done = subprocess.run(
            [*command(), *words],
            cwd=ROOT,
            env={**os.environ, "DOCKER_BUILDKIT": "0", **self.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-3_000:]

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Docker's own description of a service's containers."""
        ids = subprocess.run(
            [
                *("docker", "ps", "-aq"),
                *("--filter", f"label=com.docker.compose.project={PROJECT}"),
                *("--filter", f"label=com.docker.compose.service={service}"),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        if not ids:
            return []
        found = subprocess.run(
            ["docker", "inspect", *ids], capture_output=True, text=True, check=True
        )
        described: list[dict[str, Any]] = json.loads(found.stdout)
        return described

    def crash(self, service: str) -> None:
        """End a container's first process as a crash would: `docker kill` counts as a stop."""
        running = [one for one in self.containers(service) if one["State"]["Running"]]
        os.kill(running[0]["State"]["Pid"], signal.SIGKILL)


@contextmanager
def stack(captures: Path, rate: str) -> Iterator[Stack]:
    names = os.pathsep.join(f"/captures/{path.name}" for path in sorted(captures.iterdir()))
    nats_port = free_port()
    environ = {
        "PW_TEST_NATS_PORT": str(nats_port),
        "PW_TEST_CAPTURES": str(captures),
        "PW_TEST_CAPTURE_LIST": names,
        "PW_API_PORT": str(free_port()),
        "PW_REPLAY_RATE": rate,
        "PW_REPLAY_LOOP": "false",
    }
    one = Stack(environ, nats_port)
    try:
        one.compose("up", "-d", "--scale", "parser=1")
        yield one
    finally:
        one.compose("down", "-v", "--timeout", "20")


@asynccontextmanager
async def reading(one: Stack) -> AsyncIterator[Bus]:
    # `up` returned, so the broker's container was healthy.
    bus = await connect(one.broker, "test", Log("test"))
    try:
        yield bus
    finally:
        await bus.close()


async def drained(bus: Bus, at_least: int) -> None:
    before: list[int] = []

    async def still() -> bool:
        nonlocal before
        try:
            parser = await bus.api("CONSUMER.INFO.PW_TX.parser")
            detector = await bus.api("CONSUMER.INFO.PW_SWAP.detector")
            last = (await bus.api("STREAM.INFO.PW_SWAP"))["state"]["last_seq"]
        except (ApiRefused, BrokerAway):
            return False
        now = [last, parser["num_pending"], parser["num_ack_pending"], detector["num_pending"]]
        same, before = now == before, now
        return same and last >= at_least and not any(now[1:])

    await poll_until(still, "everything parsed and folded", timeout_s=300, every_s=3.0)


async def digests(bus: Bus) -> tuple[str, str]:
    seen, swaps = SeenWindow(), []
    async for message in stored_messages(bus, subjects.STREAM_SWAP):
        for event in batch_of(headers_of(message), message.data).events:
            key = getattr(event, "signature", ""), getattr(event, "ordinal", 0)
            if isinstance(event, Swap) and seen.first_time(key, event.slot):
                swaps.append(event)  # noqa: PERF401
    print(f"{len(swaps)} swaps, {seen.repeats} stored repeats")
    return swap_digest(swaps), alert_digest(await stored_alerts(bus))


async def test_the_corpus_gives_the_same_swaps_in_containers(
    corpus_dir: Path, tmp_path: Path
) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    for path in corpus_dir.glob("*.pb.gz"):
        shutil.copy(path, captures)
    paths = [str(path) for path in sorted(captures.iterdir())]
    report = await run_to_end("--capture", *paths, "--rate", "max", folder=tmp_path)
    with stack(captures, "max") as one:
        async with reading(one) as bus:
            await drained(bus, 20)
            found, _ = await digests(bus)
        for service in SERVICES:
            for container in one.containers(service):
                assert container["Config"]["User"] == "10001:10001", service
                assert container["HostConfig"]["ReadonlyRootfs"], service
                assert container["HostConfig"]["CapDrop"] == ["ALL"], service

        async def healthy() -> bool:
            # The engine asks at an interval of its own, which may be after all is drained.
            found = [each for service in SERVICES for each in one.containers(service)]
            return all(each["State"]["Health"]["Status"] == "healthy" for each in found)

        await poll_until(healthy, "every container healthy", timeout_s=120, every_s=1.0)
    assert found == report["swap_digest"]


# Docker's proxy accepts for a broker that is down, and nats-py leaves such a socket open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_market_with_crashes_and_three_parsers_gives_the_same_swaps_and_alerts(
    tmp_path: Path,
) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    path = captures / "market.pb.zst"
    with CaptureWriter(path) as writer:
        for update in generate(seed=5, minutes=9, tps=80):
            writer.write(update)
    report = await run_to_end("--capture", str(path), "--rate", "max", folder=tmp_path)
    assert report["alerts"] >= 5
    with stack(captures, "1000") as one:
        async with reading(one) as bus:

            async def flowing() -> bool:
                try:
                    return bool((await bus.api("STREAM.INFO.PW_SWAP"))["state"]["last_seq"] > 50)
                except (ApiRefused, BrokerAway):
                    return False

            await poll_until(flowing, "the first batches", timeout_s=90)
            one.compose("up", "-d", "--no-recreate", "--scale", "parser=3")
            assert len(one.containers("parser")) == 3
            for service in ("parser", "detector", "ingest", "nats"):
                one.crash(service)
                await asyncio.sleep(2.0)
            await drained(bus, 400)
            found = await digests(bus)
        crashed = [
            service
            for service in ("parser", "detector", "ingest", "nats")
            if any(container["RestartCount"] for container in one.containers(service))
        ]
    assert crashed == ["parser", "detector", "ingest", "nats"]
    assert found == (report["swap_digest"], report["alert_digest"])
