"""A tab that somebody leaves open for hours does not grow: its hours pass in minutes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce
from pw_common.wire.login import login_url
from support.browsing import browse, chromium_here, dashboard_here
from support.running import running

PATHS = ("/", "/tokens", "/live", "/token/MINT")
# A day's worth of hours is measured with PW_TEST_TAB_HOURS=24 PW_TEST_TAB_HOUR_S=3600.
HOURS = int(os.environ.get("PW_TEST_TAB_HOURS", "2"))
HOUR_S = int(os.environ.get("PW_TEST_TAB_HOUR_S", "600"))
ALERT_EVERY_S = 1
# What garbage collection and compiled code move by; a list that is not bounded grows more.
GROWN_BYTES_MAX = 1_500_000
GROWN_NODES_MAX = 2_000
WITHIN_S = 600 + HOURS * HOUR_S / 4

pytestmark = [pytest.mark.browser, pytest.mark.timeout(WITHIN_S + 120)]


async def test_a_tab_that_is_left_open_for_hours_does_not_grow(tmp_path: Path, cache: Path) -> None:
    chromium_here()
    dashboard_here()
    async with running(folder=tmp_path) as run:
        token = run.client.headers["authorization"].removeprefix("Bearer ")
        link = login_url(run.api, token, new_nonce(), now_ms())
        asked = {
            "login": link,
            "paths": PATHS,
            "hours": HOURS,
            "hourS": HOUR_S,
            "alertEveryS": ALERT_EVERY_S,
        }
        found = await browse(cache, asked, "hours.mjs", within_s=WITHIN_S)
    for path in PATHS:
        hours = found[path]["hours"]
        print(path, hours)
        filled, last = hours[0], hours[-1]
        assert last["bytes"] - filled["bytes"] <= GROWN_BYTES_MAX, (path, hours)
        assert last["nodes"] - filled["nodes"] <= GROWN_NODES_MAX, (path, hours)
        assert last["timers"] <= filled["timers"] + 2, (path, hours)
        assert found[path]["errors"] == []
