"""Fail on what ties the repository to one machine: registry hosts, file URLs, absolute paths.

Locks must install from whatever index the reader's pip is set to, and no committed file
may name a folder of the machine it was written on.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# Home folders of any user and scratch space. Paths inside our images (/opt/app, /data)
# are the project's own and stay allowed.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|Users|root|work)/[\w.-]+")
TEXT_BYTES_MAX = 2_000_000


def tracked() -> list[Path]:
    """Every file that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in sorted(set(listed.split("\0"))) if name]


def in_requirements(text: str) -> list[tuple[int, str]]:
    """Lines of a lock that name a host or a file."""
    return [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if "://" in line or "file:" in line
    ]


def in_npm_lock(text: str) -> list[str]:
    """Packages of an npm lock that say where they were fetched from."""
    packages: dict[str, Any] = json.loads(text).get("packages", {})
    return [name for name, entry in packages.items() if "resolved" in entry]


def machine_paths(text: str) -> list[tuple[int, str]]:
    """Absolute paths of somebody's machine, with their lines."""
    return [
        (number, match.group())
        for number, line in enumerate(text.splitlines(), 1)
        for match in MACHINE_PATH.finditer(line)
    ]


def problems_of(path: Path) -> list[str]:
    """What is wrong in one file, a line each."""
    name = path.relative_to(ROOT).as_posix()
    if not path.is_file() or path.stat().st_size > TEXT_BYTES_MAX:
        return []
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return []
    found = []
    if name.startswith("requirements/"):
        found += [
            f"{name}:{n}: names a host or a file: {line}" for n, line in in_requirements(text)
        ]
    if path.name in {"package-lock.json", "npm-shrinkwrap.json"}:
        found += [f"{name}: `resolved` of {one!r} names a host" for one in in_npm_lock(text)]
    found += [f"{name}:{n}: a path of one machine: {one}" for n, one in machine_paths(text)]
    return found


def main() -> int:
    found = [one for path in tracked() for one in problems_of(path)]
    for one in found:
        sys.stderr.write(one + "\n")
    if found:
        sys.stderr.write("locks come from `make lock`; npm: `omit-lockfile-registry-resolved`\n")
        return 1
    print("hosts: none named")
    return 0


if __name__ == "__main__":
    sys.exit(main())
