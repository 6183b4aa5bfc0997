"""Every command of the README does what the README says."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from support.poll import poll_until
from support.running import running

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands() -> list[str]:
    """Every line of the README's shell blocks, without its comment."""
    blocks = BLOCK.findall((ROOT / "README.md").read_text())
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


async def shell(line: str, folder: Path, **more: str) -> tuple[int, str]:
    """Run a README line as a shell would, with `pw` of this environment."""
    pw = f"{shlex.quote(sys.executable)} -m pw_cli.main"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PW_")} | more
    process = await asyncio.create_subprocess_shell(
        line.replace(".venv/bin/pw", pw),
        cwd=folder,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 100.0)
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.timeout(480)
async def test_the_readmes_captures_are_made_parsed_and_played(tmp_path: Path) -> None:
    ours = [line for line in commands() if re.search(r"pw (simulate|parse|up|backtest)", line)]
    assert len(ours) == 5
    for line in ours:
        free = f"{line} --port 0" if " up " in line else line
        code, out = await shell(free, tmp_path)
        assert code == 0, out
    swaps = (tmp_path / "swaps.jsonl").read_text().splitlines()
    report = msgspec.json.decode((tmp_path / "r.json").read_bytes())
    assert report["swaps"] == len(swaps) > 100


@pytest.mark.timeout(480)
async def test_the_readmes_questions_are_answered_by_a_running_system(tmp_path: Path) -> None:
    asked = [line for line in commands() if re.search(r"pw (status|dlq|tail)", line)]
    assert len(asked) == 3
    async with running(folder=tmp_path) as run:

        async def is_running() -> bool:
            return bool((await run.status())["mode"] == "running")

        await poll_until(is_running, "mode running")
        for line in asked:
            code, out = await shell(line, tmp_path, PW_API_URL=run.api, PW_NATS_URL=run.broker_url)
            assert code == 0, f"{line}: {out}"
        assert await run.stop() == 0


def test_the_readmes_make_targets_exist() -> None:
    make = shutil.which("make")
    assert make is not None
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for line in commands() if line.startswith("make ")}
    assert named == {"up", "test"}
    assert named <= targets
