"""`pw up` ends when it is told to: at any moment, without its broker, and at once if told twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import pytest

from support.poll import poll_until
from support.terminal_run import Up, is_gone, up

STOPS_WITHIN_S = 10.0


async def nothing_is_left(children: dict[int, str], folder: Path) -> None:
    async def gone() -> bool:
        return all(map(is_gone, children))

    await poll_until(gone, f"the end of {children}", timeout_s=10)
    assert not list(folder.glob("pw-up-*"))
    assert not list(folder.glob("pocketwatcher/*.json"))


def assert_clean(run: Up) -> None:
    assert "Traceback" not in run.text, run.text
    assert "never retrieved" not in run.text
    assert run.text.rstrip().endswith("stopped"), run.text


# What it imports once Ctrl-C is its own affair: the first of all, and one of the last.
@pytest.mark.parametrize("imported", ["msgspec", "uvloop"])
async def test_ctrl_c_while_it_still_imports_ends_it_cleanly(imported: str, tmp_path: Path) -> None:
    async with up(folder=tmp_path) as run:
        maps = Path(f"/proc/{run.process.pid}/maps")

        async def reached() -> bool:
            return f"/{imported}/" in maps.read_text()

        await poll_until(reached, f"the import of {imported}", timeout_s=60, every_s=0.002)
        children = run.children()
        run.interrupt()
        code, took_s = await run.end()
    assert code in {0, 130}
    assert took_s < STOPS_WITHIN_S
    await nothing_is_left(children, tmp_path)
    assert_clean(run)


# As little as can be stopped.
SMALL = ("--detectors", "0", "--minutes", "0.5")
# What is started, in this order; the market begins with ingest.
PHASES = ("nats-server", "pw_provision", "pw_parser", "pw_ingest")


@pytest.mark.parametrize("phase", PHASES)
async def test_ctrl_c_in_each_phase_of_the_start_ends_it_and_leaves_the_seed_of_a_market_not_begun(
    phase: str, tmp_path: Path
) -> None:
    # One run starts everything that there is; the phases after it differ by little.
    few = SMALL[2:] if phase == "pw_parser" else SMALL
    async with up("--data", "data", "--seed", "5", *few, folder=tmp_path) as run:

        async def reached() -> bool:
            lines = " ".join(run.children().values())
            return any(one in lines for one in PHASES[PHASES.index(phase) :])

        await poll_until(reached, phase, timeout_s=60, every_s=0.02)
        children = run.children()
        run.interrupt()
        code, took_s = await run.end()
    begun = phase == "pw_ingest"
    assert code in ({0, 130} if begun else {130})
    assert took_s < STOPS_WITHIN_S
    await nothing_is_left(children, tmp_path)
    assert_clean(run)
    noted = msgspec.json.decode((tmp_path / "data/seeds.json").read_bytes())
    assert noted == ([5] if begun else [])


@pytest.mark.timeout(180)
async def test_a_second_ctrl_c_ends_everything_at_once(tmp_path: Path) -> None:
    async with up(*SMALL, folder=tmp_path) as run:
        await run.until("Pocketwatcher is running")
        children = run.children()
        # What does not answer any more cannot hold it up.
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        run.interrupt()
        await run.until("stopping", 10)
        run.interrupt()
        code, took_s = await run.end()
    assert code == 130
    assert took_s < 2
    await nothing_is_left(children, tmp_path)
    assert "Traceback" not in run.text
    assert "stopped at once" in run.text


@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_without_its_broker_it_stops_within_ten_seconds(
    how: signal.Signals, tmp_path: Path
) -> None:
    # Every service waits for a broker that is frozen: the harder one has them all.
    few = SMALL[2:] if how == signal.SIGSTOP else SMALL
    async with up(*few, folder=tmp_path) as run:
        await run.until("Pocketwatcher is running")
        children = run.children()
        os.kill(run.broker(), how)
        run.interrupt()
        code, took_s = await run.end()
    assert took_s < STOPS_WITHIN_S
    # What waits in the queue was not emptied, and that is said.
    assert code == 1
    assert "the broker does not answer" in run.text
    await nothing_is_left(children, tmp_path)
    assert_clean(run)


@pytest.mark.timeout(240)
async def test_a_broker_that_is_killed_is_started_again_and_everything_goes_on(
    tmp_path: Path,
) -> None:
    async with up(folder=tmp_path) as run:
        await run.until("running  ")
        assert len(run.children()) >= 6
        for _ in range(2):
            before, said = run.broker(), run.text.count("the broker runs again")
            os.kill(before, signal.SIGKILL)

            async def again(said: int = said) -> bool:
                return run.text.count("the broker runs again") > said

            await poll_until(again, "a broker again", timeout_s=30)
            assert run.broker() != before
            lines = len(run.said)

            async def goes_on(lines: int = lines) -> bool:
                later = "".join(run.said[lines:])
                return "running  " in later and "parsed 0 tx/s" not in later.splitlines()[-1]

            await poll_until(goes_on, "figures of a running system", timeout_s=60)
        children = run.children()
        run.interrupt()
        code, _ = await run.end()
    assert code == 0, run.text
    await nothing_is_left(children, tmp_path)
    assert "finishing the work in progress" in run.text
    assert "exit code -9: starting it again" in run.text
    # Each service loses its broker twice, and says of each kind of error only so much.
    assert sum("broker_error" in line for line in run.said) < 60
    assert_clean(run)
