"""Three replicated nodes are copied, and given back to a single broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.topology.streams import MIB, declare, stream_created
from pw_provision.apply import apply
from support.asking import asked
from support.broker import connected, running_broker
from support.cluster import Cluster, running_cluster
from support.command import pw
from support.poll import poll_until
from support.records import store

SIZES = {"PW_TX_BYTES_MAX": str(64 * MIB), "PW_SWAP_BYTES_MAX": str(64 * MIB)}


async def provisioned_cluster(cluster: Cluster) -> Bus:
    topology = declare(tx_bytes_max=64 * MIB, swap_bytes_max=64 * MIB, replicas=3)

    async def made() -> Bus | None:
        try:
            bus = await connect(cluster.url, "test", Log("test"))
        except BrokerAway:
            return None
        try:
            await apply(bus, topology)
        except (ApiRefused, BrokerAway):
            await bus.close()
            return None
        return bus

    return await poll_until(made, "a cluster with every stream", timeout_s=90, every_s=0.5)


@pytest.mark.timeout(360)
async def test_three_replicas_are_given_back_as_one_and_are_the_same_streams(
    tmp_path: Path,
) -> None:
    folder = str(tmp_path / "copy")
    async with running_cluster(tmp_path / "cluster") as cluster:
        bus = await provisioned_cluster(cluster)
        for number in range(20):
            headers = {"Nats-Msg-Id": f"m{number}"}
            await store(bus, subjects.tx("main"), b"x" * 1_000, headers)
        created = stream_created(await asked(bus, "STREAM.INFO.PW_TX"))
        taken = await pw("backup", folder, PW_NATS_URL=cluster.url)
        await bus.close()
    assert taken.code == 0, taken
    async with running_broker(tmp_path / "one") as broker, connected(broker) as bus:
        environ = {"PW_NATS_URL": broker.url, **SIZES}
        refused = await pw("restore", folder, **environ)
        assert refused.code == 1
        assert "replicas > 1 not supported" in refused.err
        assert "--reconfigure" in refused.err
        assert not (await bus.api("STREAM.NAMES")).get("streams")
        given = await pw("restore", folder, "--reconfigure", **environ)
        assert given.code == 0, given
        info = await bus.api("STREAM.INFO.PW_TX")
        assert (info["config"]["num_replicas"], info["state"]["last_seq"]) == (1, 20)
        assert stream_created(info) == created
        parser = await bus.api("CONSUMER.INFO.PW_TX.parser")
        assert parser["num_pending"] == 20
