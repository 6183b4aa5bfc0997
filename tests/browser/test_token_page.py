"""From an alert to the transactions behind it, in a real browser over a running system."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce
from pw_common.wire.login import login_url
from support.browsing import browse, chromium_here, dashboard_here
from support.running import running

STRANGER = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]


async def test_an_alert_is_followed_to_its_token_chart_rules_swaps_wallet_and_transaction(
    tmp_path: Path, cache: Path
) -> None:
    chromium_here()
    dashboard_here()
    async with running(folder=tmp_path) as run:
        token = run.client.headers["authorization"].removeprefix("Bearer ")
        link = login_url(run.api, token, new_nonce(), now_ms())
        found = await browse(cache, {"login": link, "stranger": STRANGER}, "token.mjs")
    alert = found["alert"]
    for word in (alert["name"], alert["symbol"], alert["mint"]):
        assert word in found["head"]
    assert "stealth accumulation" in found["why"]
    assert found["drawn"]
    shares = [float(one.removesuffix(" %")) for one in found["shares"]]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 101
    # The swaps of a candle are those of its minute, and as many as it counts.
    assert found["within"]
    assert found["counted"]
    [watched] = found["watched"]
    assert (watched["address"], watched["of"], watched["label"]) == (alert["mint"], "token", "mine")
    assert found["signature"] in found["transaction"]
    for word in ("fee payer", "confidence", "UTC", "made up"):
        assert word in found["transaction"]
    assert "SOL" in found["wallet"]
    assert any(alert["name"] in one for one in found["results"])
    assert found["searched"].startswith("/token/")
    # A token that nobody knows is said to be unknown, by each part of the page.
    assert "No rule has rung for it." in found["stranger"]
    assert found["errors"] == []
    assert found["hosts"] == [run.api.removeprefix("http://")]
