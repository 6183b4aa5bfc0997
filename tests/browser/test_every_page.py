"""Every page of the demo at each width in each theme; and that a browser would install them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce
from pw_common.wire.login import login_url
from support.browsing import assert_looks, browse, chromium_here, dashboard_here
from support.running import running

WIDTHS = (360, 1280, 2560)
THEMES = ("light", "dark")
PAGES = {"alerts", "token", "wallet", "transaction", "tokens", "live", "days", "rules", "lists"} | {
    "channels", "system",
}  # fmt: skip
# What the test's browser holds is gone when it ends, so it installs nothing.
OF_THE_TEST = "in-incognito"
# Ten seconds a page on a machine at rest, and several times that beside other work.
ALL_PAGES_S = 900.0

pytestmark = [pytest.mark.browser, pytest.mark.timeout(ALL_PAGES_S + 200)]


async def test_every_page_is_clean_to_axe_and_runs_over_nowhere(
    tmp_path: Path, cache: Path, pictures: Path
) -> None:
    chromium_here()
    dashboard_here()
    async with running(folder=tmp_path) as run:
        token = run.client.headers["authorization"].removeprefix("Bearer ")
        link = login_url(run.api, token, new_nonce(), now_ms())
        asked = {"login": link, "folder": str(pictures)}
        found = await browse(cache, asked, "looks.mjs", within_s=ALL_PAGES_S)
    seen = set(found["looks"])
    assert {f"{page}-{w}-{theme}" for page in PAGES for w in WIDTHS for theme in THEMES} <= seen
    assert_looks(found["looks"])
    assert found["errors"] == []
    assert found["hosts"] == [run.api.removeprefix("http://")]
    assert found["manifest"] == {"path": "/manifest.webmanifest", "errors": []}
    assert set(found["not_installed_for"]) <= {OF_THE_TEST}
