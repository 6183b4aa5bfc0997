"""An edit of a rule reaches people as one message, from the detector through the notifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_cli.audit.rederive import stored_alerts
from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert, ended_of
from pw_common.wire.envelope import CONTENT_ENCODING, MSG_ID, SCHEMA, SCHEMA_BATCH, ZSTD, compress
from pw_common.wire.messages import Batch, Counts, Event, SlotEvent, Swap, encode
from support.broker import provisioned
from support.command import pw
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.records import store
from support.services import running_service

TOKENS = 69
BUSY = {"name": "busy", "conditions": ["buy_count_5m >= 1"]}


def bought(slot: int, tokens: int) -> Batch:
    """A slot in which so many tokens are bought once each, and its clock."""
    trades: list[Event] = [
        Swap(
            signature=f"s{slot}-{n}", ordinal=0, slot=slot, index=n, trader=f"w{n}", side="buy",
            mint=f"{n:02}" + "M" * 40, base_amount_raw=1, base_decimals=6, quote_mint=None,
            quote_amount_raw=None, quote_decimals=None,
        )
        for n in range(tokens)
    ]  # fmt: skip
    clock = SlotEvent(slot=slot, parent=slot - 1, block_time_s=1_700_000_000 + slot)
    return Batch(
        tx_stream_created="2026-01-01T00:00:00Z", tx_seq=slot, source="main", epoch=1,
        frontier_slot=slot, counts=Counts(), events=(*trades, clock), tx_id=f"tx{slot}",
    )  # fmt: skip


async def publish(bus: Bus, batch: Batch) -> None:
    headers = {MSG_ID: f"swap:{batch.tx_id}", CONTENT_ENCODING: ZSTD, SCHEMA: SCHEMA_BATCH}
    await store(bus, subjects.SWAP_BATCH, compress(encode(batch)), headers)


async def put(bus: Bus, key: str, value: dict[str, Any]) -> int:
    return await bus.kv_put(subjects.BUCKET_CONFIG, key, msgspec.json.encode(value))


async def alerts_until(bus: Bus, count: int) -> list[Alert]:
    async def enough() -> list[Alert]:
        found = await stored_alerts(bus)
        return found if len(found) >= count else []

    return await poll_until(enough, f"{count} alerts")


def told(receiver: Receiver) -> list[dict[str, Any]]:
    """Each message with an alert of the rule, by its first one."""
    first = [request.json()["alerts"][0] for request in receiver.taken]
    return [one for one in first if one["trigger"] == "busy"]


@pytest.mark.parametrize(
    "edited", [[], [BUSY | {"enabled": False}], [BUSY | {"conditions": ["buy_count_5m >= 9"]}]]
)
async def test_an_edited_rule_ends_all_its_episodes_in_one_message(
    tmp_path: Path, edited: list[dict[str, Any]]
) -> None:
    with receiving() as receiver:
        hook = {"name": "hook", "kind": "webhook", "url": f"{receiver.url}/in", "secret": "s" * 24}
        # Of this rule alone: a summary names no token and is of the rule all the same.
        other = hook | {"name": "other", "url": f"{receiver.url}/other", "triggers": ["another"]}
        channels = [hook | {"kinds": ["closed"]}, other]
        async with provisioned(tmp_path / "broker") as (broker, bus):
            await put(bus, subjects.KEY_CHANNELS, {"entries": channels})
            await put(bus, subjects.KEY_TRIGGERS, {"rules": [BUSY]})
            environ = {"PW_NATS_URL": broker.url}
            async with (
                running_service("pw_detector", environ),
                running_service("pw_notifier", environ),
            ):

                async def listening() -> bool:
                    names = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
                    return len(names) == 2

                await poll_until(listening, "the channels' durables")
                await publish(bus, bought(1, TOKENS))
                await publish(bus, bought(2, 0))
                opened = await alerts_until(bus, TOKENS)
                revision = await put(bus, subjects.KEY_TRIGGERS, {"rules": edited})

                async def recorded() -> Any:
                    return await bus.kv_get(subjects.BUCKET_DETECTOR, f"triggers.{revision}")

                await poll_until(recorded, "the edit taken up")
                for slot in range(3, 16):
                    await publish(bus, bought(slot, 0))
                # The turn of the minute, at which each would end by itself.
                await publish(bus, bought(90, 0))
                *_, summary = await alerts_until(bus, TOKENS + 1)

                async def posted() -> bool:
                    return bool(told(receiver))

                await poll_until(posted, "the summary")
            verified = await pw("prove", summary.id, **environ)
            stored = await stored_alerts(bus)
    assert len(stored) == TOKENS + 1
    assert {one.episode for one in ended_of(summary)} == {one.episode for one in opened}
    assert [one["title"] for one in told(receiver)] == [f"busy: {TOKENS} episodes ended"]
    assert {request.path for request in receiver.taken} == {"/in"}
    assert verified.code == 0, verified
