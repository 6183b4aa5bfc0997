"""The Python client's notebook and README, run against a real API, broker, history and Parquet."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from pw_history.parquet.exporter import Exporter
from pw_history.parquet.store import StoreSettings, open_store
from support.cells import blocks_of, cells_of, run_pieces
from support.filled_history import hours, opened
from support.keeping import Kept, kept_market
from support.poll import poll_until
from support.records import store
from support.tokens import token_file

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "clients/python"
NOTEBOOK = CLIENT / "notebook.ipynb"
README = CLIENT / "README.md"
HOURS, SWAPS = 2, 20


class World(NamedTuple):
    kept: Kept
    mint: str
    environ: dict[str, str]


def alert(n: int, time_ms: int, mint: str) -> Alert:
    return Alert(
        id=f"{n:032}", episode="e", n=0, kind="opened", trigger="quick", severity="info", slot=n,
        opened_slot=n, event_time_ms=time_ms, mint=mint, title=f"the alert {n}", symbol="SOME",
    )  # fmt: skip


async def fire(bus: Bus, one: Alert) -> None:
    await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """A system with alerts in history, and exported hours beside it."""
    with opened() as connection:
        hours(connection, HOURS, SWAPS)
        Exporter(connection, open_store(StoreSettings(f"{folder}/out")), folder / "tmp").turn(0)
    async with kept_market(folder, minutes=2.5, tps=8) as kept:
        mint = Counter(one.mint for _, one in kept.swaps).most_common(1)[0][0]
        time_ms = next(at_ms for at_ms, one in kept.swaps if one.mint == mint)
        for n in range(1, 4):
            await fire(kept.bus, alert(n, time_ms + n, mint))

        async def known() -> bool:
            answer = await kept.client.get("/api/v1/alerts?first_ms=0")
            return len(answer.json()["alerts"]) == 3

        await poll_until(known, "alerts in history")
        environ = {
            "PW_API_URL": str(kept.client.base_url),
            "PW_API_TOKEN_FILE": str(token_file(folder)),
            "PW_HISTORY_PARQUET_URL": f"{folder}/out",
        }
        yield World(kept, mint, environ)


async def test_the_notebook_and_the_readme_say_what_is_there(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        out = await run_pieces(cells_of(NOTEBOOK), tmp_path, **here.environ)
        token = Path(here.environ["PW_API_TOKEN_FILE"]).read_text().strip()
        assert token not in out
        assert out.startswith("Client('http://127.0.0.1:")
        lines = out.splitlines()
        assert [line.split(" opened ")[1] for line in lines if " opened " in line] == [
            "the alert 3", "the alert 2", "the alert 1",
        ]  # fmt: skip
        assert sum(line.startswith("SOME ") for line in lines) == 3
        last = next(one for _, one in reversed(here.kept.swaps) if one.mint == here.mint)
        traded = [one for _, one in here.kept.swaps if one.trader == last.trader][-20:]
        shown = [line for line in lines if " buy " in line or " sell " in line]
        assert [line.split()[4] for line in shown] == [one.mint for one in reversed(traded)]
        assert "missing: nothing" in lines
        assert "shape: (5, 4)" in out
        buyers = await largest_buyers(here)
        assert [one.split(" SOL, won ")[0] for one in lines if " SOL, won " in one] == [
            f"{trader} spent {spent_sol}" for trader, spent_sol in buyers
        ]
        (tmp_path / "readme").mkdir()
        assert token not in await the_readme(here, tmp_path / "readme")


async def largest_buyers(here: World) -> list[tuple[str, Decimal]]:
    """Five of them, with what they spent in SOL."""
    answer = await here.kept.client.get(f"/api/v1/tokens/{here.mint}/buyers?limit=5")
    found = answer.json()["buyers"]
    assert found
    return [(one["trader"], Decimal(one["spent_raw"]).scaleb(-9)) for one in found]


async def the_readme(here: World, folder: Path) -> str:
    """Its pieces, run in a folder while alerts go on to come."""

    async def keep_firing() -> None:
        for n in range(10, 1_000):
            await fire(here.kept.bus, alert(n, here.kept.swaps[0][0] + n, here.mint))
            # A market's pace; what follows may begin at any time.
            await asyncio.sleep(0.5)

    firing = asyncio.create_task(keep_firing())
    try:
        out = await run_pieces(blocks_of(README, "python"), folder, **here.environ)
    finally:
        firing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(firing, 20)
    assert "quick SOME " in out
    assert "the alert 1" in out
    assert "tokens; nothing missing" in out
    bought = [line.split() for line in out.splitlines() if line.endswith(" won")]
    top = [(trader, Decimal(spent_sol)) for trader, spent_sol, *_ in bought]
    assert top == (await largest_buyers(here))[:3]
    of_mint = sum(one.mint == here.mint for _, one in here.kept.swaps)
    assert pl.read_parquet(folder / "swaps.parquet").height == of_mint
    assert " bytes, 0 times missing" in out
    assert here.mint in out.splitlines()[-2]
    assert out.splitlines()[-1] == f"{HOURS * SWAPS} 5"
    return out


def test_the_notebook_is_stored_without_what_it_showed() -> None:
    stored: dict[str, Any] = json.loads(NOTEBOOK.read_text())
    code = [one for one in stored["cells"] if one["cell_type"] == "code"]
    assert all(one["outputs"] == [] and one["execution_count"] is None for one in code)
    assert NOTEBOOK.stat().st_size < 16_000
    assert (stored["nbformat"], stored["metadata"]["language_info"]) == (4, {"name": "python"})


def test_the_readmes_install_gives_a_package_that_stands_alone(tmp_path: Path) -> None:
    [block] = blocks_of(README, "sh")
    [line] = block.strip().splitlines()
    # As it stands there, but into a folder, and without fetching what is here already.
    environ = {
        **os.environ, "PIP_TARGET": str(tmp_path / "into"), "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", *shlex.split(line)]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    installed = tmp_path / "into/pocketwatcher"
    assert (installed / "py.typed").is_file()
    assert {one.name for one in installed.rglob("*.py")} == {
        one.name for one in (CLIENT / "src/pocketwatcher").rglob("*.py")
    }
    # No other package is imported with it than those that it declares.
    probe = (
        "import sys; sys.path.insert(0, sys.argv[1]); import pocketwatcher; "
        "print(pocketwatcher.__file__); "
        "print([one for one in sys.modules if one.startswith(('pw_', 'polars', 'pandas', 'nats'))])"
    )
    found = subprocess.run(
        [sys.executable, "-c", probe, str(tmp_path / "into")],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert found == [str(installed / "__init__.py"), "[]"]
