"""The board, the tape and the days, beside a history and a detector that have a market."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce, read_token
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.login import login_url
from pw_common.wire.messages import encode
from support.browsing import browse, chromium_here, dashboard_here
from support.keeping import Kept, kept_market
from support.poll import poll_until
from support.records import store
from support.services import running_service

BROWSED_WITHIN_S = 900.0

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1_500)]


async def ring(kept: Kept) -> tuple[str, str]:
    """Three alerts within the market, for the token that is sold most; its mint, and the day."""
    sold = [(at_ms, one) for at_ms, one in kept.swaps if one.side == "sell"]
    mints = [one.mint for _, one in sold]
    mint = max(set(mints), key=mints.count)
    times = [at_ms for at_ms, one in sold if one.mint == mint][:3]
    for number, at_ms in enumerate(times):
        one = Alert(
            id=f"{number:032}", episode=f"e{number}", n=0, kind="opened", severity="warning",
            trigger="stealth_accumulation", slot=1, opened_slot=1, event_time_ms=at_ms,
            mint=mint, symbol="SOLD",
        )  # fmt: skip
        await store(kept.bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})
    return mint, datetime.fromtimestamp(times[0] / 1_000, UTC).date().isoformat()


async def shown(kept: Kept) -> bool:
    """Whether the detector reports tokens, and history the alerts."""
    tokens = (await kept.client.get("/api/v1/tokens")).json()["tokens"]
    path = "/api/v1/alerts?first_ms=0&trigger=stealth_accumulation"
    alerts = (await kept.client.get(path)).json()
    return bool(tokens) and len(alerts.get("alerts", [])) >= 3


async def test_tokens_swaps_and_days_are_shown_can_be_shared_and_lead_on(
    tmp_path: Path, cache: Path, pictures: Path
) -> None:
    chromium_here()
    dashboard_here()
    async with (
        kept_market(tmp_path) as kept,
        running_service("pw_detector", {"PW_NATS_URL": kept.broker.url}),
    ):
        mint, day = await ring(kept)
        await poll_until(lambda: shown(kept), "tokens and alerts", timeout_s=120)
        own = str(kept.client.base_url).rstrip("/")
        link = login_url(own, read_token(tmp_path / "api-token"), new_nonce(), now_ms())
        asked = {"own": own, "login": link, "folder": str(pictures), "mint": mint, "day": day}
        found = await browse(cache, asked, "board.mjs", within_s=BROWSED_WITHIN_S)
    assert {name: one["axe"] for name, one in found["looks"].items() if one["axe"]} == {}
    assert [name for name, one in found["looks"].items() if one["overflow"] > 0] == []
    assert found["errors"] == []
    assert found["hosts"] == [own.removeprefix("http://")]
    assert " SOL" in found["board"]
    assert found["line"].startswith("last hour: from ")
    assert found["sorted"] == "?by=-cap"
    assert "nothing that is there" in found["none"]
    assert found["mints"] == found["shared"] == [f"/token/{mint}"]
    assert found["filtered"] == f"?side=sell&mint={mint}"
    assert "no address is not an address" in found["wrong"]
    assert found["links"] == ["token", "wallet", "tx"]
    assert "stealth accumulation" in found["day"]
    assert "SOLD" in found["day"]
    assert "not proof that a rule works" in found["day"]
    assert "2026-02-30 is not a day" in found["no_day"]
