"""Provision that stays: it repairs what differs, and says what it must not repair."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pw_common.dev.local_broker import LocalBroker, restart_broker
from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.topology.streams import MIB, declare
from support.broker import connected, running_broker
from support.poll import poll_until
from support.starting import Started, started

TX_BYTES = 64 * MIB


@asynccontextmanager
async def keeping(folder: Path) -> AsyncIterator[tuple[LocalBroker, Bus, Started]]:
    """A bare broker and a provision beside it."""
    async with running_broker(folder / "broker") as broker, connected(broker) as bus:
        environ = {
            "PW_NATS_URL": broker.url,
            "PW_PROVISION_EVERY_S": "0.2",
            "PW_TX_BYTES_MAX": str(TX_BYTES),
            "PW_SWAP_BYTES_MAX": str(TX_BYTES),
        }
        async with started("pw_provision", environ, folder / "provision.log") as one:
            yield broker, bus, one


async def live(bus: Bus, subject: str) -> dict[str, object]:
    try:
        found: dict[str, object] = (await bus.api(subject))["config"]
    except ApiRefused:
        return {}
    return found


async def test_it_makes_everything_and_is_ready_then(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (_, bus, one):
        await one.is_ready()
        bodies = [stream.body() for stream in declare().streams]
        bodies += [bucket.body() for bucket in declare().buckets]
        for body in bodies:
            assert await live(bus, f"STREAM.INFO.{body['name']}")
        assert await one.stop(3.0) == 0


async def test_what_was_deleted_or_changed_is_repaired_and_said(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (_, bus, one):
        await one.is_ready()
        await bus.api("STREAM.DELETE.PW_GAP")
        await bus.api("CONSUMER.DELETE.PW_TX.parser")
        config = await live(bus, "STREAM.INFO.PW_TX")
        await bus.api("STREAM.UPDATE.PW_TX", {**config, "max_bytes": MIB})

        async def repaired() -> bool:
            tx = await live(bus, "STREAM.INFO.PW_TX")
            return (
                tx["max_bytes"] == TX_BYTES
                and bool(await live(bus, "STREAM.INFO.PW_GAP"))
                and bool(await live(bus, "CONSUMER.INFO.PW_TX.parser"))
            )

        await poll_until(repaired, "everything as declared again")

        async def said() -> bool:
            return {event["name"] for event in one.said("repaired")} == {
                "PW_GAP", "PW_TX", "PW_TX/parser"
            }  # fmt: skip

        await poll_until(said, "each repair in the log")
        metrics = (await one.client.get(f"{one.url}/metrics")).text
        assert 'pw_provision_changes_total{done="updated"} 1.0' in metrics
        assert (await one.readiness())[0] == 200


async def test_what_would_lose_data_is_not_changed_and_said_until_it_is_right(
    tmp_path: Path,
) -> None:
    async with keeping(tmp_path) as (_, bus, one):
        await one.is_ready()
        config = await live(bus, "STREAM.INFO.PW_GAP")
        await bus.api("STREAM.UPDATE.PW_GAP", {**config, "discard": "new"})
        await bus.api("CONSUMER.DELETE.PW_TX.parser")

        async def said() -> bool:
            status, body = await one.readiness()
            return status == 503 and "must not change PW_GAP" in body

        await poll_until(said, "an unready provision")
        [event] = one.said("provision_refused")
        assert "discard: declared 'old', live 'new'" in event["reason"]
        assert "pw_provision_refused 1.0" in (await one.client.get(f"{one.url}/metrics")).text
        # The others are repaired all the same.
        assert await live(bus, "CONSUMER.INFO.PW_TX.parser")
        assert (await live(bus, "STREAM.INFO.PW_GAP"))["discard"] == "new"
        await bus.api("STREAM.UPDATE.PW_GAP", {**config, "discard": "old"})
        await one.is_ready()


async def test_a_broker_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (broker, _, one):
        await one.is_ready()
        broker.kill()

        async def unready() -> bool:
            return (await one.readiness())[0] == 503

        await poll_until(unready, "an unready provision")
        await restart_broker(broker)
        await one.is_ready()
        assert await one.stop(3.0) == 0
