"""Who changed what when, of every document, as one list that holds no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pw_common.topology import subjects
from support.apis import running_api

WALLET = "Vote111111111111111111111111111111111111111"
PROGRAM = "So11111111111111111111111111111111111111112"
SECRET = "s3cret" * 4
HOOK = {"name": "hook", "kind": "webhook", "url": f"https://x.example/{SECRET}", "secret": SECRET}


async def test_changes_of_all_documents_are_one_list_newest_first_without_what_they_hold(
    tmp_path: Path,
) -> None:
    wallet = {"address": WALLET, "of": "wallet"}
    entries: dict[str, dict[str, Any]] = {
        "watchlists": {"address": WALLET, "label": "me"},
        "channels": HOOK,
        "mutes": wallet,
        "programs": {"id": PROGRAM, "name": "mine", "kind": "venue"},
        "programs/acknowledged": {"program": "pump_amm", "tag": "ab"},
    }
    async with running_api(tmp_path) as (_, bus, client):
        assert (await client.get("/api/v1/changes")).json() == {"changes": []}
        for path, entry in entries.items():
            change = {"revision": 0, "who": "ana", "note": path, "entries": [entry]}
            assert (await client.put(f"/api/v1/{path}", json=change)).status_code == 200, path
        revision = (await client.get("/api/v1/mutes")).json()["revision"]
        change = {"revision": revision, "who": "bo", "entries": []}
        assert (await client.put("/api/v1/mutes", json=change)).status_code == 200
        await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_TRIGGERS, b"no document")
        answer = await client.get("/api/v1/changes")
        newest = (await client.get("/api/v1/changes?limit=1")).json()["changes"]
    found = answer.json()["changes"]
    assert SECRET not in answer.text
    assert [one["of"] for one in found] == [
        "triggers", "mutes", "acknowledged", "programs", "mutes", "channels", "watchlists",
    ]  # fmt: skip
    assert newest == found[:1]
    assert "unusable" in found[0]
    assert (found[1]["who"], found[1]["diff"]["removed"]) == ("bo", [f"{WALLET} wallet"])
    assert [one["diff"]["added"] for one in found[2:]] == [
        ["pump_amm ab"], [PROGRAM], [f"{WALLET} wallet"], ["hook"], [f"{WALLET} wallet"],
    ]  # fmt: skip
    assert {(one["who"], one["note"]) for one in found[2:]} == {("ana", path) for path in entries}
    assert all(one["at_ms"] > 0 for one in found[1:])


async def test_what_a_revision_changed_is_not_known_without_the_one_before(tmp_path: Path) -> None:
    address = {"address": WALLET, "of": "wallet"}

    def body(label: str) -> bytes:
        return msgspec.json.encode({"entries": [{**address, "label": label}]})

    async with running_api(tmp_path) as (_, bus, client):
        for n in range(40):
            await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_WATCHLISTS, body(str(n)))
        full = (await client.get("/api/v1/changes?limit=50")).json()["changes"]
        await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_WATCHLISTS, b"no document")
        for label in ("a", "b"):
            await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_WATCHLISTS, body(label))
        newest = (await client.get("/api/v1/changes?limit=4")).json()["changes"]
    changed = {"added": [], "removed": [], "changed": [f"{WALLET} wallet"]}
    assert [one["diff"] for one in full] == [changed] * 31 + [None]
    assert [one["diff"] for one in newest] == [changed, None, None, changed]
    assert "unusable" in newest[2]
