"""What the version before wrote is read, gone on with and proven by this one.

The version before is a commit of this repository: it is taken out of its history and run.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from pw_cli.up.options.arguments import DEFAULT_TPS
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.process.log import Log
from pw_common.topology.subjects import STREAM_ALERT
from pw_common.wire.alerts import Alert, decode_alert
from pw_replay.market.slots import SLOT_MS, START_SLOT, START_TIME_S
from support.poll import poll_until
from support.running import run_to_end, running

ROOT = Path(__file__).resolve().parents[2]
# The last one before modules were moved into rooms.
BEFORE = "287211459af38a732ac41f5c840deebb73e147f2"
# Its first alerts come within seconds.
MARKET = ("--preset", "demo", "--minutes", "0.5")
LATER = (
    *("--start-slot", str(START_SLOT + 90_000)),
    *("--start-time", str(START_TIME_S + 90_000 * SLOT_MS // 1_000)),
)

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What PYTHONPATH must be for every process to run the version before."""
    packed = subprocess.run(
        ["git", "archive", BEFORE, "libs", "services", "cli"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        pytest.skip("no history here (a shallow clone?): the version before was NOT run")
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    sources = [*folder.glob("libs/*/src"), *folder.glob("services/*/src"), folder / "cli/src"]
    return os.pathsep.join(map(str, sources))


def pw(*words: str, folder: Path, **environ: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-m", "pw_cli.main", *words],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PW_")} | environ,
        capture_output=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("seed", ["5", "11"])
def test_a_capture_that_it_wrote_gives_the_same_swaps_byte_for_byte(
    before: str, seed: str, tmp_path: Path
) -> None:
    words = ("--seed", seed, "--minutes", "1", "--tps", "60", "--out")
    pw("simulate", *words, "then.pb.zst", folder=tmp_path, PYTHONPATH=before)
    pw("simulate", *words, "now.pb.zst", folder=tmp_path)
    then = pw("parse", "then.pb.zst", folder=tmp_path, PYTHONPATH=before)
    assert then.count(b"\n") > 100
    assert pw("parse", "then.pb.zst", folder=tmp_path) == then
    assert pw("parse", "now.pb.zst", folder=tmp_path) == then


async def told(bus: Bus) -> list[Alert]:
    return [decode_alert(one.data) async for one in stored_messages(bus, STREAM_ALERT)]


async def test_a_data_folder_that_it_filled_is_gone_on_with_as_it_would_have_itself(
    before: str, tmp_path: Path
) -> None:
    ours, its = tmp_path / "ours", tmp_path / "its"
    ours.mkdir()
    kept = ("--data", "data", "--rate", "max")
    first = await run_to_end(*kept, *MARKET, "--seed", "5", folder=ours, PYTHONPATH=before)
    assert first["alerts"] >= 2
    shutil.copytree(ours, its)
    # At other slots: of a second market at the same ones the version before lost blocks.
    second = tmp_path / "second.pb.zst"
    words = ("--seed", "11", "--tps", str(DEFAULT_TPS), "--out", str(second), *LATER)
    pw("simulate", *MARKET, *words, folder=tmp_path)
    here = await run_to_end(*kept, "--capture", str(second), folder=ours)
    there = await run_to_end(*kept, "--capture", str(second), folder=its, PYTHONPATH=before)
    assert here["alerts"] > first["alerts"]
    same = ("alerts", "alert_digest", "swaps", "swap_digest", "late", "dead_letters", "gaps")
    assert {name: here[name] for name in same} == {name: there[name] for name in same}
    assert (here["late"], here["dead_letters"]) == (0, 0)


async def test_what_it_left_half_done_is_finished_and_all_of_it_is_proven(
    before: str, tmp_path: Path
) -> None:
    kept = ("--data", "data", *MARKET)
    async with running(
        *kept, "--seed", "5", "--rate", "150", folder=tmp_path, PYTHONPATH=before
    ) as run:
        bus = await connect(run.broker_url, "test", Log("test"))

        async def some() -> list[Alert]:
            found = await told(bus)
            return found if len(found) >= 2 else []

        fired = await poll_until(some, "alerts of the version before", timeout_s=120)
        await bus.close()
        await run.stop()
    async with running(*kept, "--seed", "11", "--rate", "150", folder=tmp_path) as run:
        bus = await connect(run.broker_url, "test", Log("test"))

        async def more() -> bool:
            return len(await told(bus)) > len(fired) + 1

        await poll_until(more, "alerts of this version", timeout_s=120)
        words = ("verify", "--nats", run.broker_url)
        # Its exit code says whether all of it holds.
        await asyncio.to_thread(lambda: pw(*words, folder=tmp_path))
        found = await told(bus)
        await bus.close()
    ids = [one.id for one in found]
    assert len(ids) == len(set(ids))
    assert {one.id for one in fired} <= set(ids)
