"""What a person sees who runs `pw up` and opens its link: a market, an alert, and why it fired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pw_cli.up.processes.called import pw_command
from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce
from pw_common.wire.login import login_url
from support.browsing import assert_looks, browse, chromium_here, dashboard_here
from support.command import pw
from support.running import running

FIRST_ALERT_S = 15.0
SHOWN_S = 5.0
FIRST_PAGE_BYTES = 150_000

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]


async def test_the_demo_fires_within_seconds_says_why_and_shows_what_dies(
    tmp_path: Path, cache: Path, pictures: Path
) -> None:
    chromium_here()
    dashboard_here()
    async with running(folder=tmp_path) as run:
        token = run.client.headers["authorization"].removeprefix("Bearer ")
        link = login_url(run.api, token, new_nonce(), now_ms())
        found = await browse(cache, {"login": link, "folder": str(pictures)}, "demo.mjs")
        alerts = (await run.client.get(f"{run.api}/api/v1/alerts?limit=100")).json()["alerts"]
        first = alerts[-1]
        proof = await pw("prove", first["id"], PW_NATS_URL=run.broker_url)
    print({name: one for name, one in found.items() if name.endswith("_s") or "cost" in name})
    assert found["first_alert_s"] <= FIRST_ALERT_S
    # How fast it is painted is tried beside a system at rest: see the empty page.
    assert found["cost"]["bytes"] <= FIRST_PAGE_BYTES
    assert_the_story(found, first)
    # What the banner says proves it does.
    assert proof.code == 0
    assert proof.out.startswith(f"same: {first['id']}")
    assert "blocks missing in 5 min, 1 h" in found["gapped"]
    assert "older than what is shown here" in found["looked"]
    kept = ("closed", "focus_stays", "arrows", "hot_focus", "looked_back", "theme_kept")
    assert {name: found[name] for name in kept} == dict.fromkeys(kept, True)
    assert_looks(found["looks"])
    assert found["errors"] == []
    assert found["hosts"] == [run.api.removeprefix("http://")]
    assert found["killed_shown_s"] <= SHOWN_S
    assert found["away_s"] <= SHOWN_S
    assert "No answer" in found["away"]
    assert found["kept_while_away"]


def assert_the_story(found: dict[str, Any], first: dict[str, Any]) -> None:
    """The banner names the token, the rule, what held, and the commands."""
    banner = found["banner"]
    assert first["name"] == "Quiet Otter"
    for word in ("This is a demo", first["name"], "stealth accumulation", "average buy"):
        assert word in banner
    # As the run was started, so that it can be typed.
    assert f"{pw_command()} why {first['mint']}" in banner
    assert f"pw prove {first['id'][:10]}" in banner
    assert first["symbol"] in found["first"]
    assert "stealth accumulation" in found["why"]
    assert "whale concentration" in found["why"]
