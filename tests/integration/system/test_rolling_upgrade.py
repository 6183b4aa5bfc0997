"""Messages of the version before, and of the one after, beside this one."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pw_cli.offline.offline import batches
from pw_common.ordering.assembly import Assembly
from pw_common.topology.streams import Topology
from pw_common.wire.alerts import alert_digest
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import Batch, decode_batch, encode
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule
from pw_provision.apply import apply
from pw_replay.market import generate
from support.broker import provisioned, small_topology
from support.ingesting import ingest, until_checkpoint
from support.poll import poll_until
from support.services import running_service
from support.source import FakeSource, blocks, running_source

QUICK = Rule(name="quick", conditions=("buy_count_5m >= 3",), cooldown_s=60)
# Fields that the version before did not write.
NEWER = ("tx_id", "gap", "unparsed", "transfer_coverage", "filter")


def as_before(batch: Batch) -> Batch:
    body = msgspec.json.decode(encode(batch))
    return decode_batch(msgspec.json.encode({k: v for k, v in body.items() if k not in NEWER}))


def as_after(batch: Batch) -> Batch:
    body = msgspec.json.decode(encode(batch)) | {"not_known_yet": {"x": 1}}
    return decode_batch(msgspec.json.encode(body))


def test_parsers_of_three_versions_side_by_side_change_no_alert(tmp_path: Path) -> None:
    path = tmp_path / "market.pb.zst"
    with CaptureWriter(path) as writer:
        for update in generate(seed=3, minutes=0.6, tps=40):
            writer.write(update)
    stored = list(batches([path]))
    mixed = [(as_before, as_after, lambda one: one)[at % 3](one) for at, one in enumerate(stored)]
    assert mixed != stored

    def alerts(found: list[Batch]) -> str:
        assembly, detector = Assembly(sources=("main",)), Detector((QUICK,))
        return alert_digest(
            [one for batch in found for slot in assembly.add(batch) for one in detector.step(slot)]
        )

    assert alerts(mixed) == alerts(stored)


def changed(declared: Topology) -> Topology:
    from dataclasses import replace

    consumers = tuple(
        replace(one, ack_wait_s=20.0, max_ack_pending=64) if one.name == "parser" else one
        for one in declared.consumers
    )
    return replace(declared, consumers=consumers)


async def test_a_durable_is_changed_under_running_parsers(tmp_path: Path) -> None:
    source = FakeSource(blocks(range(100, 130)))
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_service("pw_parser", {"PW_NATS_URL": broker.url}),
        running_source(source),
        ingest(broker, source),
    ):
        await until_checkpoint(bus, 128)
        await apply(bus, changed(small_topology()))
        info = await bus.api("CONSUMER.INFO.PW_TX.parser")
        assert info["config"]["max_ack_pending"] == 64
        source.updates.extend(blocks(range(130, 160), parent=129))
        await until_checkpoint(bus, 158)

        async def all_answered() -> bool:
            return bool((await bus.api("STREAM.INFO.PW_TX"))["state"]["messages"] == 0)

        await poll_until(all_answered, "an empty queue")
