"""What drives the browser is whole for every test that uses it, whichever begins first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.browsing import SCRIPT, installed

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


async def test_several_that_begin_at_once_find_it_whole(tmp_path: Path) -> None:
    async def one() -> bool:
        folder = await installed(tmp_path)
        return (folder / "node_modules/playwright-core/index.js").is_file() and all(
            (folder / path.name).read_bytes() == path.read_bytes() for path in SCRIPT.glob("*.mjs")
        )

    assert await asyncio.gather(*(one() for _ in range(3))) == [True] * 3
