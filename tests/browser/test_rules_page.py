"""Rules, channels and lists changed from their pages: what is right takes effect, or is refused.

Beside an API with a broker, a detector and a notifier, and a receiver for the channel's message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from pw_cli.offline.offline import batches
from pw_common.jetstream.bus import Bus
from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce, read_token
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.login import login_url
from pw_common.wire.messages import Batch, encode
from support.apis import running_api
from support.browsing import assert_looks, browse, chromium_here, dashboard_here
from support.keeping import publish
from support.market import market, write_capture
from support.poll import poll_until
from support.receiver import receiving
from support.records import store
from support.services import running_service

MARKUP = "<img src=x onerror=pwned=1>"
DESCRIPTION = f"Small pieces. {MARKUP}"
WALLET = "7YttLkHDoNj9wyDur5pM1ejNaAvT9X4eqaYcHQqtj2G5"
OTHER = "2AQdpHJ2JpcEgPiATUXjQxA8QmafFegfQwSLWSprPicm"
MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"
# What fired once, of a token whose name is hostile.
ALERT = Alert(
    id="1" * 32, episode="e1", n=0, kind="opened", severity="warning", slot=1,
    trigger="stealth_accumulation", opened_slot=1, event_time_ms=1, mint=MINT, symbol=MARKUP,
)  # fmt: skip
LATER = 20
PATIENCE_MS = 120_000
WITHIN_S = 900.0

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1_200)]


async def look(
    client: httpx.AsyncClient, folder: Path, pictures: Path, cache: Path, script: str, **more: str
) -> dict[str, Any]:
    """Run a script as somebody who is logged in; what it saw, without any error of the page."""
    own = str(client.base_url).rstrip("/")
    link = login_url(own, read_token(folder / "api-token"), new_nonce(), now_ms())
    wanted = {"login": link, "folder": str(pictures), "patience_ms": PATIENCE_MS, **more}
    found = await browse(cache, wanted, script, within_s=WITHIN_S)
    print({name: one for name, one in found.items() if name != "looks"})
    assert_looks(found["looks"])
    assert found["errors"] == []
    assert found["hosts"] == [own.removeprefix("http://")]
    assert not found["ran"]
    assert found["made"] == 0
    return found


async def traded(bus: Bus, client: httpx.AsyncClient, made: list[Batch]) -> str:
    """Give a detector a market; one of its tokens, once it has folded some of it."""
    for batch in made:
        await publish(bus, batch)

    async def there() -> str:
        found = (await client.get("/api/v1/tokens?limit=1")).json()["tokens"]
        return str(found[0]["mint"]) if found else ""

    return await poll_until(there, "tokens of the detector", timeout_s=120)


async def test_a_rule_edited_takes_effect_and_an_invalid_one_is_refused(
    tmp_path: Path, cache: Path, pictures: Path
) -> None:
    chromium_here()
    dashboard_here()
    capture = write_capture(tmp_path / "market.pb.zst", market(seed=3, minutes=0.4, tps=30))
    made = list(batches([capture]))
    async with running_api(tmp_path) as (broker, bus, client):
        async with running_service("pw_detector", {"PW_NATS_URL": broker.url}):
            mint = await traded(bus, client, made[:-LATER])
            await store(bus, subjects.alert(ALERT.id), encode(ALERT), {"Nats-Msg-Id": ALERT.id})
            found = await look(
                client, tmp_path, pictures, cache, "rules.mjs", description=DESCRIPTION
            )
            # A rule holds from the next slot on.
            for batch in made[-LATER:]:
                await publish(bus, batch)

            async def by_the_new_rule() -> bool:
                rows = (await client.get(f"/api/v1/tokens/{mint}/why")).json()
                texts = [one["text"] for row in rows for one in row["conditions"]]
                return "buy_volume_sol_5m >= 0.25" in texts

            await poll_until(by_the_new_rule, "the detector goes by the new rule", timeout_s=60)
        rules = {one["name"]: one for one in (await client.get("/api/v1/triggers")).json()["rules"]}
    assert rules["stealth_accumulation"]["description"] == DESCRIPTION
    # Mine was kept over theirs, whole: what they changed is mine again.
    mine = rules["whale_concentration"]
    assert mine["conditions"][0] == "top_3_buyers_volume_share_5m >= 0.75"
    assert mine["cooldown_s"] == 900
    assert not rules["extreme_ratio"]["enabled"]
    assert found["by_keys"]
    assert found["focus"] == "editor-head"
    assert "Allowed: digits" in found["number"]
    assert "one line without control characters" in found["refused"]
    assert found["shut"]
    assert "median" in found["spread"]
    assert "all conditions hold for" in found["holds_now"]
    assert found["focus_back"] == "Edit stealth accumulation"
    assert found["meanwhile"] == 200
    assert "cooldown is 60 s, was 15 min" in found["conflict"]
    assert "≥ 75 %, was ≥ 80 %" in found["conflict"]
    assert "changed whale concentration: cooldown is 60 s, was 15 min" in found["history"][2]
    assert found["history"][-1].endswith("“tried by the page”changed stealth accumulation")
    assert "turned on" in found["restore"]
    assert "of the last hour" in found["dry_run"]
    assert int(found["median"]) >= 1
    assert found["kept"] == "busy"
    assert "would have opened" in found["tried"]
    assert {"token", "tx"} == set(found["tried_links"])
    [fired] = [one for one in found["cards"] if one.startswith("stealth accumulation")]
    assert "1 alert since" in fired
    assert MARKUP[:20] in fired


async def test_a_channel_is_added_and_tried_and_lists_are_kept(
    tmp_path: Path, cache: Path, pictures: Path
) -> None:
    chromium_here()
    dashboard_here()
    with receiving() as receiver:
        receiver.know_only_ours()
        async with (
            running_api(tmp_path) as (broker, bus, client),
            running_service("pw_notifier", {"PW_NATS_URL": broker.url}),
        ):
            found = await look(
                client, tmp_path, pictures, cache, "lists.mjs", receiver=receiver.url,
                wallet=WALLET, other=OTHER, mint=MINT, label=MARKUP,
            )  # fmt: skip
            stored = (await client.get("/api/v1/channels")).json()["entries"][0]
            watched = (await client.get("/api/v1/watchlists")).json()["entries"]
            mutes = (await client.get("/api/v1/mutes")).json()["entries"]
            [program] = (await client.get("/api/v1/programs")).json()["entries"]
            assert (await bus.kv_get(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS)) is not None
    assert "No channel is set" in found["none"]
    assert "http:// or https://" in found["refused"]
    assert "The receiver took it" in found["tested"]
    assert len(receiver.taken) >= 1
    assert found["kept"] == "kept as it is"
    assert (stored["secret"], stored["url"], stored["late_after_s"]) == ("(kept)", "(kept)", 300)
    assert MARKUP in found["watched"]
    assert "1 new" in found["plan"]
    assert "1 with another label" in found["plan"]
    assert f'{OTHER},"from, a file",wallet' in found["csv"]
    assert {one["address"]: one["label"] for one in watched} == {
        WALLET: "another label", OTHER: "from, a file",
    }  # fmt: skip
    assert [(one["address"], one["of"], one["reason"]) for one in mutes] == [
        (MINT, "token", "too loud")
    ]
    assert abs(mutes[0]["until_ms"] - now_ms() - 3_600_000) < WITHIN_S * 1_000
    assert "must not begin with" in found["program"]
    assert (program["id"], program["name"], program["users"]) == (MINT, "my_dex", {"*": [0]})
    assert any("shipped" in one for one in found["mutes"])
