"""What is stored and cannot be used: each service survives it, holds what held, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.topology.subjects import BUCKET_CONFIG, BUCKET_DETECTOR
from pw_common.wire.messages import decode_heartbeat
from support.apis import running_api
from support.poll import poll_until
from support.services import running_service

WALLET = "So11111111111111111111111111111111111111112"
LONG = {"entries": [{"address": WALLET, "label": "L" * 900_000}]}
BAD = [
    b"",
    b"\xff\xfe",
    b"[" * 200_000,
    b"5",
    b'{"entries": 5, "rules": 5}',
    b'{"entries": [{"address": 1}], "rules": [{"name": 1}]}',
    b'{"entries": [{"address": "x", "of": "wallet", "label": "\\n", "reason": "\\n"}], "rules": 1}',
    b'{"rules": ' + msgspec.json.encode([{"name": "a"}] * 500) + b', "entries": {}}',
]


async def said(bus: Bus, service: str, what: str) -> None:
    async def found() -> bool:
        bodies = (await bus.kv_all(subjects.BUCKET_INSTANCES)).values()
        beats = [one for one in map(decode_heartbeat, bodies) if one.service == service]
        newest = max(beats, key=lambda beat: beat.started_at_ms, default=None)
        return newest is not None and newest.ready and what in newest.reason

    await poll_until(found, f"{service} says {what!r} and is ready")


@pytest.mark.parametrize("body", BAD, ids=lambda body: repr(body[:24]))
async def test_a_detector_starts_and_runs_with_any_stored_value_and_says_which(
    tmp_path: Path, body: bytes
) -> None:
    async with running_api(tmp_path) as (broker, bus, client):
        for key in ("triggers", "watchlists", "mutes"):
            await bus.kv_put(BUCKET_CONFIG, key, body)
        await bus.kv_put(BUCKET_DETECTOR, "position", body)
        await bus.kv_put(BUCKET_DETECTOR, "triggers.1", body)
        async with running_service("pw_detector", {"PW_NATS_URL": broker.url}):
            for key in ("triggers", "watchlists", "mutes"):
                await said(bus, "detector", f"{key} of revision")
            # The API shows what holds, and takes what puts it right.
            for key in ("triggers", "watchlists", "mutes"):
                shown = (await client.get(f"/api/v1/{key}")).json()
                assert "cannot be used" in shown["unusable"]
                field = "rules" if key == "triggers" else "entries"
                good = {"revision": shown["revision"], field: shown[field]}
                assert (await client.put(f"/api/v1/{key}", json=good)).status_code == 200
            await said(bus, "detector", "")

            async def clean() -> bool:
                status = (await client.get("/api/v1/status")).json()
                return not any("cannot be used" in why for why in status["why"])

            await poll_until(clean, "a status without trouble")
        for path in ("triggers/history", "channels", "alerts", "tokens"):
            assert (await client.get(f"/api/v1/{path}")).status_code == 200, path


async def test_the_last_good_value_holds_also_after_a_restart(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (broker, bus, client):
        rules = [{"name": "mine", "conditions": ["buy_count_5m >= 3"]}]
        made = await client.put("/api/v1/triggers", json={"revision": 0, "rules": rules})
        environ = {"PW_NATS_URL": broker.url}
        async with running_service("pw_detector", environ):
            await recorded(bus, f"triggers.{made.json()['revision']}")
            await bus.kv_put(BUCKET_CONFIG, "triggers", b'{"rules": [{"name": "x"}]}')
            await said(bus, "detector", "what held before goes on")
            assert await names(client) == ["mine"]
        async with running_service("pw_detector", environ):
            await said(bus, "detector", "triggers of revision")
            assert await names(client) == ["mine"]

            async def shown() -> bool:
                why = (await client.get("/api/v1/status")).json()["why"]
                return any("triggers of revision" in one for one in why)

            # While it runs: a busy machine may ask after its last heartbeat is forgotten.
            await poll_until(shown, "the status says it")


async def test_a_label_of_a_megabyte_is_refused_and_one_that_is_stored_stops_nothing(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (broker, bus, client):
        answer = await client.put("/api/v1/watchlists", json={"revision": 0, **LONG})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["where"] == "entries[0].label"
        await bus.kv_put(BUCKET_CONFIG, "watchlists", msgspec.json.encode(LONG))
        async with running_service("pw_detector", {"PW_NATS_URL": broker.url}):
            await said(bus, "detector", "watchlists of revision")


async def recorded(bus: Bus, name: str) -> None:
    async def there() -> Any:
        return await bus.kv_get(BUCKET_DETECTOR, name)

    await poll_until(there, f"{name} recorded")


async def names(client: httpx.AsyncClient) -> list[str]:
    """The rules that the API shows as holding."""
    found = (await client.get("/api/v1/triggers")).json()
    return [rule["name"] for rule in found["rules"]]
