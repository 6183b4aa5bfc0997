"""A copy of this checkout, and the project's own checks run on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(sys.executable).parent.parent


def copied(folder: Path) -> Path:
    """What git has of this checkout, as a repository of its own with all of it staged."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    return folder


def make(copy: Path, *verb: str) -> tuple[int, str]:
    """Run one verb of the Makefile on the copy, with the tools that are set up here."""
    return run(copy, "make", "--no-print-directory", "-o", "setup", *verb, f"VENV={VENV}")


def run(copy: Path, *command: str) -> tuple[int, str]:
    """Run a command in the copy, with the copy's own sources before those that are installed."""
    sources = [
        *copy.glob("libs/*/src"),
        *copy.glob("services/*/src"),
        copy / "cli/src",
        copy / "clients/python/src",
    ]
    done = subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources))},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
