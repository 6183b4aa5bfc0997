"""The detector at a real broker: positions, a second writer, rules that change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
from nats.errors import Error as NatsError

from pw_cli.offline.offline import alerts, batches
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.ordering.assembly import TxPosition
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert, alert_digest
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.envelope import CONTENT_ENCODING, MSG_ID, SCHEMA, SCHEMA_BATCH, ZSTD, compress
from pw_common.wire.messages import Batch, Counts, SlotEvent, Swap, encode
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule
from pw_detector.store.alert_store import AlertStore, stored_alerts
from pw_detector.store.configuration import FOLDED_SLOTS, Configuration, EffectiveRevision
from pw_detector.store.position import Position, PositionStore
from pw_replay.market import generate
from support.broker import provisioned
from support.poll import poll_until
from support.records import store
from support.services import running_service

QUICK = Rule(name="quick", conditions=("buy_count_5m >= 3",), cooldown_s=60)


def position(folded_seq: int) -> Position:
    return Position(
        swap_stream_created="then",
        folded_seq=folded_seq,
        released_slot=folded_seq,
        event_time_ms=1,
        restart_seq=1,
        folded_place=TxPosition(0, folded_seq),
    )


async def test_the_detector_that_is_further_keeps_the_position(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        first, second = PositionStore(bus), PositionStore(bus)
        assert await first.load() is None
        assert await first.advance(position(5))
        assert await second.advance(position(9))
        assert not await first.advance(position(7))
        assert (await PositionStore(bus).load()) == position(9)
        assert await first.advance(position(10))


@asynccontextmanager
async def store_of(bus: Bus) -> AsyncIterator[AlertStore]:
    publisher = Publisher(bus, Log("test"))
    await publisher.start()
    try:
        yield AlertStore(publisher)
    finally:
        await publisher.stop()


def an_alert(n: int) -> Alert:
    return Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", trigger="t", severity="info",
        slot=n, opened_slot=n, event_time_ms=n, mint="m",
    )  # fmt: skip


async def test_an_alert_that_two_write_is_stored_once(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path) as (_, bus),
        store_of(bus) as first,
        store_of(bus) as second,
    ):
        both = [an_alert(1), an_alert(2)]
        await first.store(both, 0)
        await second.store(both, 0)
        assert (first.stored, first.already_there) == (2, 0)
        assert (second.stored, second.already_there) == (0, 2)
        assert await stored_alerts(bus, Log("test"), until_slot=1) == both[:1]


async def publish(bus: Bus, batch: Batch) -> None:
    headers = {
        MSG_ID: f"swap:{batch.tx_id or batch.tx_seq}",
        CONTENT_ENCODING: ZSTD,
        SCHEMA: SCHEMA_BATCH,
    }
    await store(bus, subjects.SWAP_BATCH, compress(encode(batch)), headers)


async def read_alerts(bus: Bus) -> list[Alert]:
    return await stored_alerts(bus, Log("test"), until_slot=2**62)


async def test_rules_from_the_bucket_hold_and_are_recorded_with_their_slot(tmp_path: Path) -> None:
    path = tmp_path / "market.pb.zst"
    with CaptureWriter(path) as writer:
        for update in generate(seed=3, minutes=0.6, tps=40):
            writer.write(update)
    expected = list(alerts([path], Detector((QUICK,))))
    assert len(expected) >= 3
    body = msgspec.json.encode({"rules": [msgspec.to_builtins(QUICK)], "who": "test"})
    async with provisioned(tmp_path / "broker") as (broker, bus):
        revision = await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_TRIGGERS, body)
        async with running_service("pw_detector", {"PW_NATS_URL": broker.url}):
            for batch in batches([path]):
                await publish(bus, batch)

            async def all_there() -> list[Alert]:
                found = await read_alerts(bus)
                return found if len(found) >= len(expected) else []

            found = await poll_until(all_there, "the alerts of the rule", timeout_s=30)
        recorded = await bus.kv_get(subjects.BUCKET_DETECTOR, f"triggers.{revision}")
    assert alert_digest(found) == alert_digest(expected)
    assert {alert.trigger for alert in found} == {"quick"}
    assert recorded is not None
    assert msgspec.json.decode(recorded[0])["from_slot"] == 0


async def test_a_rule_edited_and_the_detector_restarted_fire_no_old_alert_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "market.pb.zst"
    with CaptureWriter(path) as writer:
        for update in generate(seed=3, minutes=0.6, tps=40):
            writer.write(update)
    stored = list(batches([path]))
    half = len(stored) * 2 // 3

    def body(rule: Rule) -> bytes:
        return msgspec.json.encode({"rules": [msgspec.to_builtins(rule)], "who": "test"})

    quick = msgspec.structs.replace(QUICK, cooldown_s=3_600, escalate_factor=100.0)
    async with provisioned(tmp_path / "broker") as (broker, bus):
        settings = {"PW_NATS_URL": broker.url}
        await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_TRIGGERS, body(quick))

        async def folded(count: int) -> bool:
            entry = await bus.kv_get(subjects.BUCKET_DETECTOR, "position")
            return entry is not None and msgspec.json.decode(entry[0])["folded_seq"] >= count

        async with running_service("pw_detector", settings):
            for batch in stored[:half]:
                await publish(bus, batch)
            await poll_until(lambda: folded(half - 30), "the first part folded", timeout_s=30)
        before = await read_alerts(bus)
        mints = {alert.mint for alert in before}
        assert len(before) >= 2
        edited = msgspec.structs.replace(quick, conditions=("buy_count_5m >= 2",))
        await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_TRIGGERS, body(edited))
        async with running_service("pw_detector", settings):
            for batch in stored[half:]:
                await publish(bus, batch)
            await poll_until(lambda: folded(len(stored) - 30), "all folded", timeout_s=30)

            # What is folded is stored a moment later, and the new rule rings within it.
            async def rung() -> list[Alert] | None:
                found = await read_alerts(bus)
                return found if len({one.mint for one in found}) > len(mints) else None

            after = await poll_until(rung, "an alert of the new rule", timeout_s=30)
    opened = [alert.mint for alert in after if alert.kind == "opened"]
    assert len(opened) == len(set(opened))


async def test_any_token_is_answered_by_request(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_detector", {"PW_NATS_URL": broker.url}),
    ):
        question = msgspec.json.encode({"mint": "M" * 43})

        async def answered() -> bytes | None:
            try:
                answer = await bus.client.request(subjects.ASK_DETECTOR, question, timeout=1.0)
            except NatsError:
                return None  # It has not begun to listen.
            return bytes(answer.data)

        answer = await poll_until(answered, "an answer of the detector")
        assert msgspec.json.decode(answer)["facts"]["state"] == "COLD"


def in_a_queue(created: str, tx_seq: int, slot: int) -> Batch:
    """A slot with one trade of a token of its own, and its clock."""
    bought = Swap(
        signature=f"s{slot}", ordinal=0, slot=slot, index=0, trader=f"w{slot}", side="buy",
        mint=f"m{slot}", base_amount_raw=1, base_decimals=6, quote_mint=None,
        quote_amount_raw=None, quote_decimals=None,
    )  # fmt: skip
    clock = SlotEvent(slot=slot, parent=slot - 1, block_time_s=1_700_000_000 + slot)
    return Batch(
        tx_stream_created=created, tx_seq=tx_seq, source="main", epoch=1, frontier_slot=slot - 1,
        counts=Counts(), events=(bought, clock), tx_id=f"{created}{tx_seq}",
    )  # fmt: skip


async def test_a_trimmed_log_after_a_new_queue_still_fires(tmp_path: Path) -> None:
    rule = Rule(name="any", conditions=("buy_count_5m >= 1",), cooldown_s=0)
    body = msgspec.json.encode({"rules": [msgspec.to_builtins(rule)], "who": "test"})
    async with provisioned(tmp_path / "broker") as (broker, bus):
        await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_TRIGGERS, body)
        settings = {"PW_NATS_URL": broker.url}

        async def fired(slot: int) -> bool:
            return f"m{slot}" in {alert.mint for alert in await read_alerts(bus)}

        async with running_service("pw_detector", settings):
            for seq in range(1, 6):
                await publish(bus, in_a_queue("A", seq, 100 + seq))
            for seq in range(1, 6):
                await publish(bus, in_a_queue("B", seq, 200 + seq))
            await poll_until(lambda: fired(204), "the new queue's first slots", timeout_s=30)
        for seq in range(6, 60):
            await publish(bus, in_a_queue("B", seq, 200 + seq))
        await bus.api("STREAM.PURGE.PW_SWAP", {"seq": 40})
        async with running_service("pw_detector", settings) as (_, url):
            await poll_until(lambda: fired(258), "what was not trimmed", timeout_s=30)

            async def counted() -> bool:
                async with httpx.AsyncClient(trust_env=False) as client:
                    text = (await client.get(f"{url}/metrics")).text
                # Ten messages had been read, and the next one that is there is the 40th.
                return "pw_detector_trimmed_total 29.0" in text

            await poll_until(counted, "the count of what nobody had read", timeout_s=40)
        found = await read_alerts(bus)
    # PW_SWAP held the sequences 35 and on of the new queue; the newest slot is still open.
    assert {f"m{slot}" for slot in range(235, 259)} <= {alert.mint for alert in found}


async def test_a_detector_starts_over_deleted_and_unreadable_alerts(tmp_path: Path) -> None:
    rule = Rule(name="any", conditions=("buy_count_5m >= 1",), cooldown_s=0)
    body = msgspec.json.encode({"rules": [msgspec.to_builtins(rule)], "who": "test"})
    async with provisioned(tmp_path / "broker") as (broker, bus):
        await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_TRIGGERS, body)
        settings = {"PW_NATS_URL": broker.url}

        async def fired(slot: int) -> bool:
            return f"m{slot}" in {alert.mint for alert in await read_alerts(bus)}

        async with running_service("pw_detector", settings):
            for seq in range(1, 6):
                await publish(bus, in_a_queue("A", seq, 100 + seq))
            await poll_until(lambda: fired(104), "the first slots", timeout_s=30)
        await store(bus, subjects.alert("foreign"), b"no alert", {})
        await store(bus, subjects.alert("bytes"), b"\xff\xfe", {})
        await store(bus, subjects.alert("last"), b"to be deleted", {})
        last = (await bus.api("STREAM.INFO.PW_ALERT"))["state"]["last_seq"]
        await bus.api("STREAM.MSG.DELETE.PW_ALERT", {"seq": last})
        async with running_service("pw_detector", settings):
            for seq in range(6, 11):
                await publish(bus, in_a_queue("A", seq, 100 + seq))
            await poll_until(lambda: fired(109), "what came after the restart", timeout_s=30)


async def test_a_restart_is_given_every_configuration_of_the_slots_that_it_folds_again(
    tmp_path: Path,
) -> None:
    slots = (0, FOLDED_SLOTS, FOLDED_SLOTS + 5, 2 * FOLDED_SLOTS)
    async with provisioned(tmp_path) as (_, bus):
        for number, slot in enumerate(slots):
            revision = await bus.kv_put(
                subjects.BUCKET_CONFIG, subjects.KEY_MUTES, b'{"entries":[]}'
            )
            assert revision == number + 1
            record = EffectiveRevision(key=subjects.KEY_MUTES, revision=revision, from_slot=slot)
            await bus.kv_put(
                subjects.BUCKET_DETECTOR, f"{subjects.KEY_MUTES}.{revision}", encode(record)
            )
        changes = await Configuration(bus, Log("test")).at_start(2 * FOLDED_SLOTS + 1)
    assert [change.from_slot for change in changes] == list(slots[1:])
