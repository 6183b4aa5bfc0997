"""Rules, lists, mutes and channels entry by entry: POST adds, DELETE takes away, by revision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_detection.rules.lists import shipped_mutes
from support.apis import running_api

WALLET = "So11111111111111111111111111111111111111112"
OTHER = "Vote111111111111111111111111111111111111111"
SHIPPED = shipped_mutes().entries[0].address
RULE = {"name": "mine", "conditions": ["buy_count_5m >= 3"]}
HOOK = {
    "name": "hook", "kind": "webhook", "url": "https://example.org/in/t0ken", "secret": "s" * 24,
}  # fmt: skip
# Path -> an entry, what it is called in a DELETE, and a second one.
KINDS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "triggers": (RULE, "mine", RULE | {"name": "second"}),
    "watchlists": (
        {"address": WALLET, "label": "a friend"},
        WALLET,
        {"address": OTHER, "of": "token"},
    ),
    "mutes": ({"address": WALLET, "of": "token"}, WALLET, {"address": OTHER, "of": "wallet"}),
    "channels": (HOOK, "hook", HOOK | {"name": "second"}),
}


def names(path: str, told: dict[str, Any]) -> list[str]:
    entries = told["rules" if path == "triggers" else "entries"]
    return [one.get("name") or one["address"] for one in entries]


async def shown(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/v1/{path}")).json()
    return found


async def added(
    client: httpx.AsyncClient, path: str, entry: dict[str, Any], revision: int, **more: Any
) -> int:
    answer = await client.post(
        f"/api/v1/{path}", json={"revision": revision, "entry": entry, **more}
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["revision"])


async def stored(bus: Bus, key: str) -> dict[str, Any]:
    entry = await bus.kv_get(subjects.BUCKET_CONFIG, key)
    assert entry is not None
    value: dict[str, Any] = msgspec.json.decode(entry[0])
    return value


@pytest.mark.parametrize("path", KINDS)
async def test_entries_are_added_and_taken_away_beside_the_others(
    tmp_path: Path, path: str
) -> None:
    entry, name, second = KINDS[path]
    async with running_api(tmp_path) as (_, bus, client):
        before = names(path, await shown(client, path))
        first = await added(client, path, entry, 0, who="ann", note="why")
        assert ((await stored(bus, path))["who"], (await stored(bus, path))["note"]) == (
            "ann",
            "why",
        )
        newest = await added(client, path, second, first)
        assert names(path, await shown(client, path)) == [
            *before,
            name,
            second.get("name") or second["address"],
        ]
        # Somebody was faster: nothing is overwritten, by either verb.
        late = await client.post(f"/api/v1/{path}", json={"revision": first, "entry": second})
        gone = await client.delete(f"/api/v1/{path}/{name}", params={"revision": first})
        for answer in (late, gone):
            assert answer.status_code == 409
            assert f"{newest} is" in answer.json()["detail"]
        unnamed = await client.delete(f"/api/v1/{path}/{name}")
        assert unnamed.status_code == 422
        assert unnamed.json()["errors"][0]["where"] == "revision"
        removed = await client.delete(
            f"/api/v1/{path}/{name}", params={"revision": newest, "who": "ben", "note": "done"}
        )
        assert removed.status_code == 200, removed.text
        assert (await stored(bus, path))["who"] == "ben"
        assert name not in names(path, await shown(client, path))
        again = await client.delete(
            f"/api/v1/{path}/{name}", params={"revision": removed.json()["revision"]}
        )
        assert again.status_code == 404
        assert f"'{name}'; there are: " in again.json()["detail"]


@pytest.mark.parametrize("path", KINDS)
async def test_an_entry_that_is_there_is_replaced_only_on_request(
    tmp_path: Path, path: str
) -> None:
    entry, _, second = KINDS[path]
    async with running_api(tmp_path) as (_, _bus, client):
        revision = await added(client, path, second, await added(client, path, entry, 0))
        body = {"revision": revision, "entry": entry}
        answer = await client.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 409
        assert "replace" in answer.json()["detail"]
        before = names(path, await shown(client, path))
        await added(client, path, entry, revision, replace=True)
        assert names(path, await shown(client, path)) == before


@pytest.mark.parametrize("path", KINDS)
async def test_the_revision_may_stand_in_if_match_as_get_tags_it(tmp_path: Path, path: str) -> None:
    entry, _, second = KINDS[path]
    async with running_api(tmp_path) as (_, _bus, client):
        url = f"/api/v1/{path}"
        tag = (await client.get(url)).headers["etag"]
        assert tag == '"0"'
        made = await client.post(url, json={"entry": entry}, headers={"If-Match": tag})
        assert made.status_code == 200, made.text
        stale = await client.post(url, json={"entry": second}, headers={"If-Match": tag})
        assert stale.status_code == 409
        tag = (await client.get(url)).headers["etag"]
        both = await client.post(
            url, json={"entry": second, "revision": 0}, headers={"If-Match": tag}
        )
        assert both.status_code == 422
        whole = {"rules" if path == "triggers" else "entries": [second]}
        put = await client.put(url, json=whole, headers={"If-Match": tag})
        assert put.status_code == 200, put.text
        tag = (await client.get(url)).headers["etag"]
        gone = await client.delete(f"{url}/{names(path, whole)[0]}", headers={"If-Match": tag})
        assert gone.status_code == 200, gone.text


@pytest.mark.parametrize(
    ("path", "entry", "where"),
    [
        ("triggers", RULE | {"name": "bad", "conditions": ["nothing > 1"]}, "entry"),
        ("triggers", 5, "entry"),
        ("watchlists", {"address": "x"}, "entry.address"),
        ("mutes", {"address": WALLET, "of": "creator"}, "entry.of"),
        ("channels", HOOK | {"name": "bad", "url": "ftp://x"}, "entry"),
        ("channels", HOOK | {"secret": "(kept)", "name": "new"}, "entry"),
    ],
)
async def test_an_entry_that_cannot_be_used_is_refused_by_its_own_path_and_changes_nothing(
    tmp_path: Path, path: str, entry: Any, where: str
) -> None:
    good, _, _ = KINDS[path]
    async with running_api(tmp_path) as (_, _bus, client):
        revision = await added(client, path, good, 0)
        body = {"revision": revision, "entry": entry}
        answer = await client.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["where"].startswith(where), answer.text
        assert (await shown(client, path))["revision"] == revision


async def test_a_shipped_mute_is_shown_below_and_taken_away_by_name(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        first = await shown(client, "mutes")
        assert (first["entries"], first["shipped"][0]["address"]) == ([], SHIPPED)
        revision = await added(client, "mutes", {"address": WALLET, "of": "wallet"}, 0)
        gone = await client.delete(f"/api/v1/mutes/{SHIPPED}", params={"revision": revision})
        assert gone.status_code == 200, gone.text
        entries = (await shown(client, "mutes"))["entries"]
        assert {one["address"]: one.get("muted", True) for one in entries} == {
            WALLET: True,
            SHIPPED: False,
        }
        revision = gone.json()["revision"]
        again = await client.delete(f"/api/v1/mutes/{SHIPPED}", params={"revision": revision})
        assert again.status_code == 404
        back = {"address": SHIPPED, "of": "wallet", "reason": "mine"}
        revision = await added(client, "mutes", back, revision)
        # Nor does taking one's own away bring the shipped one back.
        await client.delete(f"/api/v1/mutes/{SHIPPED}", params={"revision": revision})
        entries = (await shown(client, "mutes"))["entries"]
        assert {one["address"]: one.get("muted", True) for one in entries}[SHIPPED] is False


async def test_an_address_that_is_watched_twice_is_taken_away_as_what_is_named(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        revision = 0
        for of in ("wallet", "creator"):
            revision = await added(client, "watchlists", {"address": WALLET, "of": of}, revision)
        gone = await client.delete(
            f"/api/v1/watchlists/{WALLET}", params={"revision": revision, "of": "creator"}
        )
        assert gone.status_code == 200
        assert [one["of"] for one in (await shown(client, "watchlists"))["entries"]] == ["wallet"]


async def test_a_channel_that_is_replaced_keeps_its_secrets_and_never_shows_them(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        revision = await added(client, "channels", HOOK, 0)
        (entry,) = (await shown(client, "channels"))["entries"]
        revision = await added(
            client, "channels", entry | {"enabled": False}, revision, replace=True
        )
        (kept,) = (await stored(bus, "channels"))["entries"]
        assert (kept["secret"], kept["enabled"]) == ("s" * 24, False)
        assert "t0ken" not in (await client.get("/api/v1/channels")).text


async def test_the_first_revision_names_only_what_it_changed_of_the_shipped_rules(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        rule = (await shown(client, "triggers"))["rules"][1]
        await added(client, "triggers", rule | {"cooldown_s": 60}, 0, replace=True)
        [first] = (await shown(client, "triggers/history"))["history"]
    assert first["diff"] == {"added": [], "removed": [], "changed": [rule["name"]]}
