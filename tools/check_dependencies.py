"""Fail where a member imports what it does not declare, or declares what it does not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from workspace import members


def main() -> int:
    wrong = 0
    deptry = Path(sys.executable).with_name("deptry")
    for member in members().values():
        done = subprocess.run(
            [str(deptry), "--no-ansi", "src"],
            cwd=member.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            wrong += 1
            sys.stderr.write(f"{member.name}: change its pyproject.toml, then `make lock`\n")
            sys.stderr.write(done.stdout + done.stderr)
    if not wrong:
        print("dependencies: each member declares what it imports")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
