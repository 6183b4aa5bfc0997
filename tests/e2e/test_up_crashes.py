"""What nobody expected in `pw up` is seen: with its traceback, after the screen is closed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

# `pw up` as it is, with one function in it that fails.
BROKEN = """
import sys
import {module} as module

def broken(*_args, **_kwargs):
    raise ValueError("a bug of a test")

module.{name} = broken
from pw_cli.main import main
sys.argv = ["pw", "up", "--port", "0", "--parsers", "1", "--rate", "20", "--timeout", "4"]
sys.exit(main())
"""


async def broken(module: str, name: str, folder: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BROKEN.format(module=module, name=name)),
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PW_")}
        | {"XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 90.0)
    assert process.returncode is not None
    return process.returncode, err.decode()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("pw_cli.up.run", "data_folder"),
        ("pw_cli.up.run", "with_seed"),
        ("pw_cli.up.run", "provision_spec"),
        # In the middle of the end: the screen is still open.
        ("pw_cli.up.run", "end_tasks"),
    ],
)
async def test_a_bug_ends_it_with_its_traceback_on_stderr(
    module: str, name: str, tmp_path: Path
) -> None:
    code, said = await broken(module, name, tmp_path)
    assert code == 1
    assert "Traceback" in said
    assert "ValueError: a bug of a test" in said
    assert not list(tmp_path.glob("pw-up-*"))


@pytest.mark.timeout(120)
async def test_a_bug_in_what_only_shows_is_said_and_ends_nothing(tmp_path: Path) -> None:
    code, said = await broken("pw_cli.up.processes.relay", "Fold.due", tmp_path)
    assert code == 0, said
    assert "fold_ended_early" in said
    assert "ValueError: a bug of a test" in said
