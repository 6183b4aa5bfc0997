"""What the page decides by itself, tried in plain node: dashboard/test says what it promises."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"


@pytest.mark.node
def test_the_logic_of_the_page_keeps_its_promises() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here: the logic of the page was NOT tried")
    if not (DASHBOARD / "node_modules" / "esbuild").is_dir():
        pytest.skip("no packages of the dashboard (make dashboard): its logic was NOT tried")
    done = subprocess.run(
        [node, "test/run.mjs", "--test-reporter=spec"],
        cwd=DASHBOARD,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-2_000:]
    # Where no test was found, node says that all is well too.
    assert "pass 0" not in done.stdout
