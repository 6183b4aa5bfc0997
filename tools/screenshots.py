"""Write docs/pictures: `pw up` as it is run, and some of its pages in a real browser.

Which pages is said by tests/browser/pages.mjs. For `make screenshots`, which puts `tests` on the
path: the browser is driven as the tests drive it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
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
PICTURES = ROOT / "docs" / "pictures"
CACHE = ROOT / ".pytest_cache" / "browser"
LOOK = {"width": 1180, "height": 720, "theme": "light"}
# The same market each time.
SEED = 1
# Every clone carries them.
PICTURE_BYTES_MAX = 150_000


async def pictures() -> list[Path]:
    """Those pages once, in docs/pictures; skips where there is no browser or no build."""
    dashboard_here()
    PICTURES.mkdir(exist_ok=True)
    # The pages then say `pw`, and no path of this machine.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # What the run says at its end is for tests.
    quiet = contextlib.redirect_stdout(io.StringIO())
    with tempfile.TemporaryDirectory() as folder, quiet:
        async with running("--seed", str(SEED), folder=Path(folder), PATH=path) as run:
            token = run.client.headers["authorization"].removeprefix("Bearer ")
            link = login_url(run.api, token, new_nonce(), now_ms())
            wanted = {"login": link, "folder": str(PICTURES), **LOOK}
            names = (await browse(CACHE, wanted, "pictures.mjs"))["names"]
    return [PICTURES / f"{name}.png" for name in names]


def main() -> int:
    try:
        written = asyncio.run(pictures())
    except pytest.skip.Exception as why:
        sys.stderr.write(f"no screenshots: {why}\n")
        return 1
    for one in written:
        print(f"wrote {one.relative_to(ROOT)}: {one.stat().st_size} bytes")
    large = [one.name for one in written if one.stat().st_size > PICTURE_BYTES_MAX]
    if large:
        sys.stderr.write(f"larger than {PICTURE_BYTES_MAX} bytes: {', '.join(large)}\n")
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())
