"""A dead letter is sent back over HTTP as `pw dlq replay` does it, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.envelope import MSG_ID, REASON, SCHEMA
from pw_common.wire.messages import encode
from support.apis import running_api
from support.records import store, store_dead_letter


async def stored_ever(bus: Bus, stream: str) -> int:
    return int((await bus.api(f"STREAM.INFO.{stream}"))["state"]["last_seq"])


async def bury(bus: Bus, service: str, msg_id: str) -> int:
    alert = Alert(
        id=f"{1:032}", episode="e", n=0, kind="opened", trigger="busy", severity="info", slot=1,
        opened_slot=1, event_time_ms=1, mint="M" * 43,
    )  # fmt: skip
    headers = {MSG_ID: msg_id, SCHEMA: "alert.v1", REASON: "x"}
    return await store(bus, subjects.dead_letter(service), encode(alert), headers)


async def test_an_update_goes_back_to_the_parsers_once_and_is_deleted_where_that_is_asked(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        seq = await store_dead_letter(bus, 7, b"\xff\xff")
        path = f"/api/v1/dead-letters/{seq}/replay"
        first, second = await client.post(path), await client.post(path)
        kept = (await client.get("/api/v1/dead-letters")).json()["dead_letters"]
        last = await client.post(f"{path}?delete=true")
        gone = await client.post(path)
        assert await stored_ever(bus, "PW_TX") == 1
        assert (await client.get("/api/v1/dead-letters")).json()["dead_letters"] == []
    assert first.json() == {"seq": seq, "outcome": "sent"}
    assert second.json() == {"seq": seq, "outcome": "sent_before"}
    assert [one["seq"] for one in kept] == [seq]
    assert last.json() == {"seq": seq, "outcome": "sent_before"}
    assert gone.status_code == 404
    assert f"no dead letter {seq}" in gone.json()["detail"]


async def test_what_cannot_go_back_is_refused_with_a_sentence_and_stays(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        letters = {
            "no notifier is running": await bury(bus, "notifier", "dead:notifier:hook:1"),
            "its id names no channel": await bury(bus, "notifier", "dead:notifier:../x:1"),
            "takes nothing back": await bury(bus, "detector", "dead:detector:1"),
        }
        for why, seq in letters.items():
            answer = await client.post(f"/api/v1/dead-letters/{seq}/replay?delete=true")
            assert answer.status_code == 409, answer.text
            assert why in answer.json()["detail"]
        kept = (await client.get("/api/v1/dead-letters")).json()["dead_letters"]
        assert await stored_ever(bus, "PW_TX") == 0
    assert sorted(one["seq"] for one in kept) == sorted(letters.values())


async def test_a_sequence_that_is_none_is_refused(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        for seq in ("0", "-1", "x", "99999999999999999999"):
            assert (await client.post(f"/api/v1/dead-letters/{seq}/replay")).status_code == 422
