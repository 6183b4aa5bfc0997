"""What starts before its broker can serve it waits, says so, and can be stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pw_cli.up.processes.processes import free_port
from pw_common.dev.local_broker import LocalBroker, restart_broker
from pw_provision.apply import apply
from support.broker import connected, running_broker, small_topology
from support.certificates import authority, signed
from support.cluster import provisioned_bus, running_cluster
from support.poll import poll_until
from support.source import FakeSource, blocks, running_source
from support.starting import Started, started

STOPS_WITHIN_S = 3.0
# What asks for streams before it can begin.
WAITS = ("ingest", "parser", "detector", "notifier")
# What is ready without a broker: the page, and what Kubernetes' own API depends on.
SERVES = ("api", "lag_adapter")


@asynccontextmanager
async def service(name: str, url: str, folder: Path) -> AsyncIterator[Started]:
    environ = {"PW_NATS_URL": url}
    if name == "api":
        environ["PW_API_NO_TOKEN"] = "true"
    if name == "lag_adapter":
        ca = authority(folder, "ca")
        own = signed(folder, ca, "lag-adapter", host="127.0.0.1")
        environ |= {
            "PW_LAG_ADAPTER_LISTEN": f"127.0.0.1:{free_port()}",
            "PW_LAG_ADAPTER_CERT_FILE": str(own.certificate),
            "PW_LAG_ADAPTER_KEY_FILE": str(own.key),
            "PW_LAG_ADAPTER_CLIENT_CA_FILE": str(ca.certificate),
        }
    async with running_source(FakeSource(blocks(range(100, 104)))) as source:
        if name == "ingest":
            environ |= {"PW_INGEST_ENDPOINT": source.endpoint, "PW_INGEST_PROGRAMS": "all"}
        async with started(f"pw_{name}", environ, folder / f"{name}.log") as one:
            yield one


async def waits(one: Started) -> None:
    """It says in its readiness and in its log that it waits for the broker."""

    async def said() -> bool:
        assert one.process.poll() is None, one.log.read_text()
        status, body = await one.readiness()
        return status == 503 and "waits for the broker" in body

    await poll_until(said, "a service that says what it waits for", timeout_s=60)
    assert one.said("service_waits") or one.said("channels_unread")


@pytest.mark.parametrize("name", WAITS)
async def test_without_its_streams_a_service_waits_and_stops_when_told(
    name: str, tmp_path: Path
) -> None:
    async with running_broker(tmp_path / "b") as broker, service(name, broker.url, tmp_path) as one:
        await waits(one)
        assert await one.stop(STOPS_WITHIN_S) == 0


@pytest.mark.parametrize("name", WAITS)
async def test_a_service_begins_by_itself_once_its_streams_are_there(
    name: str, tmp_path: Path
) -> None:
    async with running_broker(tmp_path / "b") as broker, service(name, broker.url, tmp_path) as one:
        await waits(one)
        await provision(broker)
        await one.is_ready()
        assert await one.stop(STOPS_WITHIN_S) == 0


@pytest.mark.parametrize("name", [*WAITS, *SERVES])
async def test_without_any_broker_a_service_listens_and_begins_once_there_is_one(
    name: str, tmp_path: Path
) -> None:
    async with running_broker(tmp_path / "b") as broker:
        await provision(broker)
        broker.kill()
        async with service(name, broker.url, tmp_path) as one:
            if name in WAITS:
                await waits(one)
            else:
                await one.is_ready()
            assert "pw_broker_connected 0.0" in (await one.client.get(f"{one.url}/metrics")).text
            await restart_broker(broker)
            await one.is_ready()

            async def has_broker() -> bool:
                return (
                    "pw_broker_connected 1.0" in (await one.client.get(f"{one.url}/metrics")).text
                )

            await poll_until(has_broker, "a connection", timeout_s=60)
            assert await one.stop(STOPS_WITHIN_S) == 0


@pytest.mark.parametrize("name", [*WAITS, *SERVES])
async def test_without_any_broker_a_service_stops_when_told(name: str, tmp_path: Path) -> None:
    async with service(name, f"nats://127.0.0.1:{free_port()}", tmp_path) as one:
        if name in WAITS:
            await waits(one)
        assert await one.stop(STOPS_WITHIN_S) == 0


@pytest.mark.parametrize("name", WAITS)
async def test_a_broker_without_quorum_is_waited_for(name: str, tmp_path: Path) -> None:
    async with running_cluster(tmp_path / "cluster") as cluster:
        first, *others = cluster.nodes
        for node in others:
            node.kill()
        url = f"nats://127.0.0.1:{first.port}"
        async with service(name, url, tmp_path) as one:
            await waits(one)
            for node in others:
                node.start()
            async with provisioned_bus(cluster, small_topology()):
                await one.is_ready()
            assert await one.stop(STOPS_WITHIN_S) == 0


async def provision(broker: LocalBroker) -> None:
    async with connected(broker) as bus:
        await apply(bus, small_topology())
