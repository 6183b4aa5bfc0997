"""Write docs/screenshot.png: `pw up` as it is run, and its first page in a real browser.

For `make screenshot`, which puts `tests` on the path: the browser is driven as the tests drive it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import pytest

from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce
from pw_common.wire.login import login_url
from support.browsing import browse, dashboard_here
from support.running import running

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "screenshot.png"
CACHE = ROOT / ".pytest_cache" / "browser"
ALERTS = 4


async def picture() -> None:
    dashboard_here()
    with tempfile.TemporaryDirectory() as folder:
        async with running(folder=Path(folder)) as run:
            token = run.client.headers["authorization"].removeprefix("Bearer ")
            link = login_url(run.api, token, new_nonce(), now_ms())
            wanted = {"login": link, "file": str(PICTURE), "alerts": ALERTS}
            await browse(CACHE, wanted, "picture.mjs")


def main() -> int:
    try:
        asyncio.run(picture())
    except pytest.skip.Exception as why:
        sys.stderr.write(f"no screenshot: {why}\n")
        return 1
    print(f"wrote {PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
