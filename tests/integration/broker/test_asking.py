"""The tests' own requests wait for a cluster that cannot answer now, and for nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.topology.streams import MIB, declare
from support.asking import asked, leader_of
from support.broker import connected, running_broker
from support.cluster import provisioned_bus, running_cluster
from support.poll import poll_until

THREE = declare(tx_bytes_max=64 * MIB, swap_bytes_max=64 * MIB, replicas=3)


@pytest.mark.timeout(360)
async def test_a_request_that_meets_no_leader_is_asked_again(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as cluster, provisioned_bus(cluster, THREE) as bus:
        leader = cluster.node(await leader_of(bus, "STREAM.INFO.PW_TX"))
        # A leader that is left alone may go on for long: one that follows cannot lead alone.
        killed = (leader, cluster.others(leader.name)[0])
        for node in killed:
            node.kill()

        async def leaderless() -> bool:
            try:
                await bus.api("STREAM.INFO.PW_TX", timeout_s=2.0)
            except BrokerAway:
                return True
            return False

        await poll_until(leaderless, "a stream without a leader", timeout_s=180)
        asking = asyncio.create_task(asked(bus, "STREAM.INFO.PW_TX"))
        for node in killed:
            node.start()
        assert (await asking)["config"]["name"] == "PW_TX"
        assert await leader_of(bus, "STREAM.INFO.PW_TX") in {node.name for node in cluster.nodes}


async def test_a_refusal_is_not_waited_out(tmp_path: Path) -> None:
    async with running_broker(tmp_path) as broker, connected(broker) as bus:
        with pytest.raises(ApiRefused, match="stream not found"):
            await asked(bus, "STREAM.INFO.PW_TX")
