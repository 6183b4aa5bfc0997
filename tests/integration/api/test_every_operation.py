"""Every operation asked of real services over a real market, each answer as OpenAPI says."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import httpx

from pw_cli.offline.offline import batches
from pw_common.dev.local_broker import LocalBroker
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.envelope import MSG_ID
from pw_common.wire.messages import encode
from support.apis import hold_to_contract, running_api
from support.keeping import publish, running_history
from support.market import market, write_capture
from support.poll import poll_until
from support.receiver import receiving
from support.records import store, store_dead_letter, store_gap
from support.services import running_service

CSV, YAML = {"Content-Type": "text/csv"}, {"Content-Type": "application/yaml"}
RULE = {"name": "quick", "conditions": ["buy_count_5m >= 3"], "gates": ["buy_count_5m >= 1"]}
WALLET = "Vote111111111111111111111111111111111111111"
PROGRAM = {"id": "So11111111111111111111111111111111111111112", "name": "mine", "kind": "venue"}
SEEN = {"program": "pump_amm", "tag": "ab"}
# Streams never end by themselves: it is looked at in a test of its own.
ASKED_ELSEWHERE = {"stream_api_v1_alerts_stream_get"}


async def good(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> Any:
    answer = await client.request(method, f"/api/v1/{path}", **more)
    assert answer.is_success, (path, answer.status_code, answer.text)
    return answer.json()


async def is_tried(client: httpx.AsyncClient, channel: str) -> bool:
    return (await client.post(f"/api/v1/channels/{channel}/test")).is_success


async def ask_of_documents(client: httpx.AsyncClient, receiver_url: str) -> None:
    """Each document read, changed whole, added to, taken from; and what belongs to it."""
    hook = {"name": "hook", "kind": "webhook", "url": receiver_url, "secret": "s" * 20}
    documents: dict[str, tuple[str, dict[str, Any], str]] = {
        "triggers": ("rules", RULE, "quick"),
        "watchlists": ("entries", {"address": WALLET, "label": "me"}, WALLET),
        "mutes": ("entries", {"address": WALLET, "of": "wallet"}, WALLET),
        "channels": ("entries", hook, "hook"),
    }
    for path, (field, entry, name) in documents.items():
        revision = (await good(client, "GET", path))["revision"]
        change = {"revision": revision, field: []}
        revision = (await good(client, "PUT", path, json=change))["revision"]
        added = {"revision": revision, "entry": entry, "who": "me"}
        revision = (await good(client, "POST", path, json=added))["revision"]
        await good(client, "GET", path)
        if path == "channels":
            # The notifier hears of a change a moment later.
            await poll_until(partial(is_tried, client, "hook"), "the test message")
        await good(client, "DELETE", f"{path}/{name}", params={"revision": revision})
    for path, entry in (("programs", PROGRAM), ("programs/acknowledged", SEEN)):
        revision = (await good(client, "GET", path))["revision"]
        await good(client, "PUT", path, json={"revision": revision, "entries": [entry]})
        await good(client, "GET", path)
    for path in ("triggers", "programs"):
        await good(client, "GET", f"{path}/history?limit=1")
    await good(client, "GET", "programs/unlisted")
    await good(client, "POST", "watchlists/csv", content=f"{WALLET},me", headers=CSV)
    await good(client, "POST", "triggers/validate", json=[RULE])
    await good(client, "POST", "triggers/validate", content="- {name: A}", headers=YAML)
    await good(client, "POST", "programs/validate", json=[PROGRAM])
    await good(client, "POST", "programs/validate", content="- {name: A}", headers=YAML)
    revision = (await good(client, "GET", "triggers"))["revision"]
    await good(client, "POST", "triggers/reset", json={"revision": revision})


async def ask_of_the_market(client: httpx.AsyncClient) -> None:
    """What was seen: alerts, tokens, swaps, and rules tried out on them."""

    async def of_a_token() -> Any:
        found = (await good(client, "GET", "alerts"))["alerts"]
        return [one["mint"] for one in found if one["mint"]]

    mint = (await poll_until(of_a_token, "an alert of a token"))[0]

    async def shown() -> Any:
        page = await good(client, "GET", "tokens?limit=1")
        return page if page["next_after"] else None

    page = await poll_until(shown, "two tokens")
    rest = await good(client, "GET", f"tokens?after={page['next_after']}")
    assert page["tokens"][0] not in rest["tokens"]
    await good(client, "GET", f"tokens/{mint}")
    assert await good(client, "GET", f"tokens/{mint}/why")
    assert (await good(client, "GET", f"tokens/{mint}/facts"))["node"] is None

    async def timed() -> Any:
        swaps = (await good(client, "GET", "swaps?limit=1000"))["swaps"]
        return [one for one in swaps if one["event_time_ms"] and one["price"]]

    swap = (await poll_until(timed, "swaps with time and price"))[0]
    await ask_of_the_past(client, swap["mint"], swap["trader"])
    await good(client, "GET", f"transactions/{swap['signature']}")
    began = await good(client, "POST", "triggers/dry-run", json=[RULE])
    where = f"triggers/dry-run/{began['id']}"

    async def done() -> Any:
        view = await good(client, "GET", where)
        return view if view["state"] == "done" else None

    assert (await poll_until(done, "a dry run"))["alerts"]
    await good(client, "DELETE", where)


async def ask_of_the_past(client: httpx.AsyncClient, mint: str, trader: str) -> None:
    """What history keeps, as rows and as files."""
    for path in (
        f"tokens/{mint}/candles?first_ms=0&end_ms=2000000000000&step=1h",
        f"tokens/{mint}/swaps",
        f"tokens/{mint}/buyers",
        f"tokens/{mint}/pools",
        f"wallets/{trader}",
        f"wallets/{trader}?mint={mint}",
        f"wallets/{trader}/totals",
        f"wallets/{trader}/swaps",
        f"search?q={mint[:4]}",
        "days",
        "alerts?first_ms=0",
    ):
        assert (await good(client, "GET", path))["history"]["slot"], path
    for path in (f"tokens/{mint}", f"wallets/{trader}"):
        for ending in ("csv", "parquet"):
            file = await client.get(f"/api/v1/{path}/swaps.{ending}")
            assert file.is_success, file.text
            assert file.content
    fired = (await good(client, "GET", "alerts?limit=1"))["alerts"][0]["id"]

    async def followed() -> Any:
        found = await good(client, "GET", f"alerts/{fired}")
        return found if not found["missing"] else None

    assert (await poll_until(followed, "an alert in history"))["alert"]["id"] == fired


async def test_each_operation_answers_what_it_promises(tmp_path: Path) -> None:
    capture = write_capture(tmp_path / "market.pb.zst", market(seed=3, minutes=0.6, tps=40))
    with receiving() as receiver:
        async with running_api(tmp_path) as (broker, bus, client):
            contract = await hold_to_contract(client)
            here = {"PW_NATS_URL": broker.url}
            # Before the detector starts, which asks for them once a second.
            revision = (await good(client, "GET", "triggers"))["revision"]
            rules = {"revision": revision, "rules": [RULE]}
            await good(client, "PUT", "triggers", json=rules)
            async with (
                running_service("pw_detector", here),
                running_service("pw_notifier", here),
                running_history(broker, tmp_path / "history"),
            ):
                for batch in batches([capture]):
                    await publish(bus, batch)
                await store_gap(bus, 10, 12)
                await store_dead_letter(bus, 1, b"\xff\xff", reason="Malformed")
                await ask_of_the_market(client)
                await ask_of_documents(client, receiver.url)
                letter = (await good(client, "GET", "dead-letters"))["dead_letters"][-1]["seq"]
                await good(client, "POST", f"dead-letters/{letter}/replay")
                for path in ("status", "gaps", "dead-letters?body=true", "changes"):
                    await good(client, "GET", path)
            assert contract.operations() - contract.asked == ASKED_ELSEWHERE


def rung(n: int, trigger: str = "quick") -> Alert:
    return Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", severity="info", slot=n,
        trigger=trigger, opened_slot=n, event_time_ms=n, mint="M" * 43,
    )  # fmt: skip


async def test_a_filtered_page_is_full_however_far_apart_its_alerts_are(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        for n in range(1_200):
            one = rung(n, "rare" if n % 400 == 0 else "common")
            await store(bus, subjects.alert(one.id), encode(one), {MSG_ID: one.id})
        page = await good(client, "GET", "alerts?trigger=rare&limit=2")
        assert [one["n"] for one in page["alerts"]] == [800, 400]
        before = page["next_before_seq"]
        last = await good(client, "GET", f"alerts?trigger=rare&limit=2&before_seq={before}")
        assert [one["n"] for one in last["alerts"]] == [0]
        assert last["next_before_seq"] is None
        none = await good(client, "GET", "alerts?trigger=never")
        assert (none["alerts"], none["next_before_seq"]) == ([], None)


async def test_a_document_that_nobody_changed_has_an_empty_history(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        for path in ("triggers", "programs"):
            for query in ("", "?before_revision=1", "?limit=1"):
                page = await good(client, "GET", f"{path}/history{query}")
                assert page == {"history": [], "next_before_revision": None}
        revision = (await good(client, "GET", "triggers"))["revision"]
        for _ in range(3):
            change = {"revision": revision, "rules": [RULE]}
            revision = (await good(client, "PUT", "triggers", json=change))["revision"]
        seen, query = [], "?limit=1"
        while query:
            page = await good(client, "GET", f"triggers/history{query}")
            seen += [one["revision"] for one in page["history"]]
            before = page["next_before_revision"]
            query = f"?limit=1&before_revision={before}" if before else ""
        assert seen == [revision, revision - 1, revision - 2]


async def test_alerts_that_cannot_be_read_are_passed_over_a_page_at_a_time(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (broker, bus, client):
        await store(bus, subjects.alert(f"{0:032}"), encode(rung(0)), {MSG_ID: "0"})
        for n in range(1, 600):
            await store(bus, subjects.alert(f"{n:032}"), b'{"type":"alert.v9"}', {MSG_ID: str(n)})
        asked = await api_requests(broker)
        page = await good(client, "GET", "alerts?limit=1")
        assert [one["n"] for one in page["alerts"]] == [0]
        assert await api_requests(broker) - asked < 50


async def api_requests(broker: LocalBroker) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return int(
            (await client.get(f"http://127.0.0.1:{broker.monitor_port}/jsz")).json()["api"]["total"]
        )


async def test_head_of_a_stream_ends_and_gives_its_place_back(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        # More than one client may have open at once.
        for _ in range(10):
            looked = await client.head("/api/v1/alerts/stream")
            assert looked.status_code == 200
            assert looked.headers["content-type"].startswith("text/event-stream")
