"""Programs in no table, at a real broker: counted, shown, and noticed once over restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec
from solders.pubkey import Pubkey

from pw_common.jetstream.bus import Bus
from pw_common.ordering.assembly import Assembly
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.alerts import decode_alert
from pw_common.wire.envelope import CONTENT_ENCODING, MSG_ID, SCHEMA, SCHEMA_BATCH, ZSTD, compress
from pw_common.wire.messages import Batch, Counts, SlotEvent, Swap, encode
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule
from pw_detection.unlisted import NOTICE_SWAPS_MIN, TRIGGER
from pw_detector.store.alert_store import stored_alerts
from support.apis import running_api
from support.poll import poll_until
from support.receiver import receiving
from support.records import store
from support.services import running_service

BUSY, RARE = (str(Pubkey.from_bytes(bytes([9] * 31 + [n]))) for n in (1, 2))
PER_SLOT = 100
ENOUGH = NOTICE_SWAPS_MIN // PER_SLOT + 2
NEVER = Rule(name="never", conditions=("buy_count_5m >= 1000000",))


def slot_batch(slot: int) -> Batch:
    """A hundred trades, five of them through one program; now and then one through another."""
    swaps = [
        Swap(
            signature=f"s{slot:04}-{n:03}", ordinal=0, slot=slot, index=n, trader=f"w{n}",
            side="buy", mint=f"m{n}", base_amount_raw=1, base_decimals=6, quote_mint=None,
            quote_amount_raw=None, quote_decimals=None,
            venues=(f"unlisted:{BUSY}",) if n < 5 else ("pump",),
        )
        for n in range(PER_SLOT)
    ]  # fmt: skip
    if slot % 20 == 0:
        swaps[7] = msgspec.structs.replace(swaps[7], venues=("pump", f"unlisted:{RARE}"))
    clock = SlotEvent(slot=slot, parent=slot - 1, block_time_s=1_700_000_000 + slot)
    return Batch(
        tx_stream_created="then", tx_seq=slot, source="main", epoch=1, frontier_slot=slot - 1,
        counts=Counts(), events=(*swaps, clock), tx_id=f"then{slot}",
    )  # fmt: skip


async def publish(bus: Bus, slots: range) -> None:
    for slot in slots:
        headers = {MSG_ID: f"swap:{slot}", CONTENT_ENCODING: ZSTD, SCHEMA: SCHEMA_BATCH}
        await store(bus, subjects.SWAP_BATCH, compress(encode(slot_batch(slot))), headers)


async def notices(bus: Bus) -> list[Any]:
    found = await stored_alerts(bus, Log("test"), until_slot=2**62)
    return [alert for alert in found if alert.trigger == TRIGGER]


def counted(last: int) -> dict[str, Any]:
    """What the core alone counts over the slots that are closed by then."""
    assembly, detector = Assembly(sources=("main",)), Detector((NEVER,))
    for slot in range(1, last + 1):
        for closed in assembly.add(slot_batch(slot), seq=slot):
            detector.step(closed)
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(detector.unlisted.report()))
    return told


async def shown(client: httpx.AsyncClient, last: int) -> dict[str, Any]:
    """The API's answer, once the detector has come to that slot."""

    async def there() -> dict[str, Any] | None:
        found: dict[str, Any] = (await client.get("/api/v1/programs/unlisted")).json()
        return found if found["swaps"] >= PER_SLOT * (last - 1) else None

    return await poll_until(there, f"slot {last} in the projection")


async def test_a_program_is_noticed_once_over_kills_and_a_lost_position(tmp_path: Path) -> None:
    with receiving() as receiver:
        hook = {"name": "hook", "kind": "webhook", "url": receiver.url, "secret": "s" * 24}
        async with running_api(tmp_path) as (broker, bus, client):
            channels = msgspec.json.encode({"entries": [hook]})
            await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, channels)
            rules = msgspec.json.encode({"rules": [msgspec.to_builtins(NEVER)], "who": "test"})
            await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_TRIGGERS, rules)
            settings = {"PW_NATS_URL": broker.url}
            async with running_service("pw_notifier", settings):
                async with running_service("pw_detector", settings) as (process, _):
                    await publish(bus, range(1, ENOUGH))
                    first = await poll_until(lambda: notices(bus), "the notice")
                    process.kill()
                    process.wait()
                async with running_service("pw_detector", settings) as (process, _):
                    await publish(bus, range(ENOUGH, 2 * ENOUGH))
                    found = await shown(client, 2 * ENOUGH - 1)
                    process.kill()
                    process.wait()
                # As after a restore of the bucket alone: all of it is evaluated once more.
                await bus.kv_put(subjects.BUCKET_DETECTOR, "position", b"no position")
                await bus.kv_put(subjects.BUCKET_TOKENS, subjects.KEY_UNLISTED, b"no projection")
                empty = (await client.get("/api/v1/programs/unlisted")).json()
                async with running_service("pw_detector", settings):
                    await publish(bus, range(2 * ENOUGH, 2 * ENOUGH + 5))
                    again = await shown(client, 2 * ENOUGH + 4)
                after = await notices(bus)

                async def delivered() -> bool:
                    return bool(receiver.taken)

                await poll_until(delivered, "the notice at the channel")
            status = (await client.get("/api/v1/status")).json()["unlisted"]
            listed = (await client.get(f"/api/v1/alerts?trigger={TRIGGER}")).json()["alerts"]
    assert (empty["programs"], empty["shown"]) == (0, [])
    assert len(first) == 1
    assert after == first
    assert BUSY in first[0].title
    assert len(listed) == 1
    sent = [
        decode_alert(msgspec.json.encode(a)) for one in receiver.taken for a in one.json()["alerts"]
    ]
    assert [one for one in sent if one.trigger == TRIGGER] == first
    for answer, last in ((found, 2 * ENOUGH - 1), (again, 2 * ENOUGH + 4)):
        expected = counted(last)
        assert answer["share"] == round(expected["unlisted_swaps"] / expected["swaps"], 6)
        assert {name: answer[name] for name in expected} == expected
        assert [one["program"] for one in answer["shown"]] == [BUSY, RARE]
        assert answer["shown"][0]["noticed_slot"] == first[0].slot
        assert answer["shown"][1]["noticed_slot"] is None
    assert status == again


async def test_a_status_without_the_bucket_is_answered_all_the_same(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        await bus.api(f"STREAM.DELETE.KV_{subjects.BUCKET_TOKENS}")
        answer = await client.get("/api/v1/status")
        assert answer.status_code == 200
        assert answer.json()["unlisted"]["share"] is None
        assert (await client.get("/api/v1/programs/unlisted")).status_code == 200
