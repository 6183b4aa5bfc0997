from pathlib import Path

import pytest

from pw_common.topology import subjects
from pw_common.topology.streams import MIB, declare
from pw_provision.apply import Refused, apply
from support.broker import connected, provisioned, running_broker, small_topology
from support.command import pw


async def test_provision_creates_everything_and_a_second_run_changes_nothing(
    tmp_path: Path,
) -> None:
    async with running_broker(tmp_path) as broker, connected(broker) as bus:
        first = await apply(bus, small_topology())
        second = await apply(bus, small_topology())
    assert {change.done for change in first} == {"created"}
    assert {change.done for change in second} == {"unchanged"}
    assert {"PW_TX", "PW_SWAP", "PW_GAP", "PW_DLQ", "PW_TX/parser", "KV_pw_source"} <= {
        change.name for change in first
    }


async def test_a_raised_limit_is_applied_to_a_live_stream(tmp_path: Path) -> None:
    async with provisioned(tmp_path, tx_bytes_max=64 * MIB) as (_, bus):
        changes = await apply(bus, small_topology(tx_bytes_max=128 * MIB))
        info = await bus.api("STREAM.INFO.PW_TX")
    assert info["config"]["max_bytes"] == 128 * MIB
    assert [c.name for c in changes if c.done.startswith("updated")] == ["PW_TX"]


async def test_a_difference_that_would_lose_data_is_refused_with_a_diff(tmp_path: Path) -> None:
    async with running_broker(tmp_path) as broker, connected(broker) as bus:
        body = next(s for s in declare().streams if s.name == "PW_TX").body()
        await bus.api("STREAM.CREATE.PW_TX", {**body, "retention": "limits", "max_bytes": MIB})
        with pytest.raises(Refused, match="retention: declared 'workqueue', live 'limits'"):
            await apply(bus, small_topology())


async def test_a_durable_that_must_not_be_changed_is_created_again_and_keeps_the_backlog(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        for number in range(3):
            await bus.js.publish(subjects.tx("main"), b"x", headers={"Nats-Msg-Id": f"{number}"})
        config = (await bus.api("CONSUMER.INFO.PW_TX.parser"))["config"] | {"max_deliver": 3}
        body = {"stream_name": "PW_TX", "config": config, "action": "update"}
        await bus.api("CONSUMER.CREATE.PW_TX.parser", body)
        with pytest.raises(Refused, match="pw consumer reset PW_TX/parser"):
            await apply(bus, small_topology())
        reset = await pw("consumer", "reset", "PW_TX/parser", PW_NATS_URL=broker.url)
        assert (reset.code, reset.out) == (0, "PW_TX/parser recreated; 3 messages to deliver\n")
        await apply(bus, small_topology())
        again = await pw("consumer", "reset", "PW_TX/parser", PW_NATS_URL=broker.url)
        assert again.code == 0
        other = await pw("consumer", "reset", "PW_ALERT/notifier-x", PW_NATS_URL=broker.url)
        assert other.code == 2
        assert "allowed: PW_TX/parser, PW_SWAP/detector" in other.err
