"""Prove that each service stands alone: install only it, import it, run its own tests there.

For every service: an empty virtual environment, the service's own hash-locked
requirements, the libraries that it declares, itself, and what tests need. Then its
entry point must import, no other service may be importable, and its tests must pass.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from workspace import ROOT, Member, members, own, services

LOCKS = ROOT / "requirements"
# Two at a time: unpacking waits on the disk while tests keep a core busy.
AT_ONCE = 2
NO_TESTS_COLLECTED = 5

PROBE = """
import importlib, importlib.util, sys
module, *others = sys.argv[1:]
importlib.import_module(module + ".main")
present = [one for one in others if importlib.util.find_spec(one) is not None]
sys.exit(f"importable beside {module}: {present}" if present else 0)
"""


class StepFailed(Exception):
    """A command said no; the message is its output."""


@dataclass(frozen=True)
class Report:
    """What became of one service."""

    member: Member
    ok: bool
    text: str
    elapsed_s: float


def run(*command: str, allowed: tuple[int, ...] = (0,)) -> str:
    """Run a command from the repository's root; return its output.

    Raises:
        StepFailed: if it ends with another code than `allowed`.
    """
    environ = {**os.environ, "PYTHONPATH": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode not in allowed:
        raise StepFailed(f"$ {' '.join(command[:6])} ...\n{done.stdout}")
    return done.stdout


def install(python: Path, member: Member) -> None:
    """Fill the environment: locks by hash, then the libraries and the service as they are."""
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
    locks = ("build", member.folder.name, "test")
    hashed = [flag for name in locks for flag in ("-r", str(LOCKS / f"{name}.txt"))]
    run(*pip, "--require-hashes", "--no-compile", *hashed)
    local = [str(one.folder) for one in (*own(member, members()), member)]
    run(*pip, "--no-deps", "--no-build-isolation", "--no-index", *local)


def prove(member: Member) -> Report:
    """Install one service alone and put it to the test."""
    started = time.monotonic()
    tests = member.folder / "tests"
    with tempfile.TemporaryDirectory(prefix=f"{member.name}-") as scratch:
        folder = Path(scratch)
        venv.create(folder / "venv", with_pip=False)
        python = folder / "venv/bin/python"
        others = [one.module for one in members().values() if one.folder.parent == ROOT / "cli"]
        others += [one.module for one in services() if one != member]
        try:
            install(python, member)
            run(str(python), "-c", PROBE, member.module, *others)
            output = (
                "no tests of its own"
                if not tests.is_dir()
                else run(
                    str(python),
                    *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not node"),
                    # Of its own: whoever else runs pytest here clears the shared one at its end.
                    *("--basetemp", str(folder / "tmp")),
                    str(tests),
                    allowed=(0, NO_TESTS_COLLECTED),
                )
            )
        except StepFailed as failed:
            return Report(member, ok=False, text=str(failed), elapsed_s=time.monotonic() - started)
    last = output.strip().splitlines()[-1]
    return Report(member, ok=True, text=last, elapsed_s=time.monotonic() - started)


def main() -> int:
    wanted = set(sys.argv[1:])
    chosen = [one for one in services() if not wanted or one.folder.name in wanted]
    if wanted - {one.folder.name for one in chosen}:
        sys.exit(f"no such service; there are {[one.folder.name for one in services()]}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reports = list(pool.map(prove, chosen))
    for report in reports:
        word = "alone: ok" if report.ok else "alone: FAILED"
        print(f"{report.member.name:<14} {word} ({report.elapsed_s:.0f} s)  {report.text}")
    return 0 if all(report.ok for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
