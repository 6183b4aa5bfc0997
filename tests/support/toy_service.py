"""A service that does nothing, put into a copy of the repository as CONTRIBUTING.md says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

NAME: Final = "toy"
# What a person writes outside the service's own folder.
BY_HAND: Final = (
    "services.toml",
    "compose.yaml",
    "pyproject.toml",
    "ARCHITECTURE.md",
    "k8s/base/toy.yaml",
)
# What `make lock` and `make services` write.
WRITTEN: Final = (
    "requirements/toy.txt",
    "deploy/otel-collector.yaml",
    "k8s/base/kustomization.yaml",
    "k8s/site.example/kustomization.yaml",
)
# Of both, those that were not there before.
NEW: Final = ("k8s/base/toy.yaml", "requirements/toy.txt")
OWN: Final = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "pw-toy"
version = "0.1.0"
description = "Does nothing, and is well"
license = "Apache-2.0"
requires-python = ">=3.11"
dependencies = ["pw-common"]

[tool.hatch.build.targets.wheel]
packages = ["src/pw_toy"]
""",
    "README.md": "# toy\n\nDoes nothing.\n\n## Takes and gives\nNothing.\n\n"
    "## Settings\nWhat every service reads.\n\n## When something fails\nNothing can.\n",
    "src/pw_toy/__init__.py": '"""A service that does nothing."""\n',
    "src/pw_toy/__main__.py": '"""`python -m pw_toy`."""\n\nimport sys\n\n'
    "from pw_toy.main import main\n\nsys.exit(main())\n",
    "src/pw_toy/config.py": '''"""The toy's settings: what every service reads."""

from __future__ import annotations

from dataclasses import dataclass

from pw_common.service.run import CommonSettings


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Read once at start by `pw_common.service.settings.load`."""
''',
    "src/pw_toy/main.py": '''"""Wire: settings and runtime."""

from __future__ import annotations

from pw_common.service.run import Runtime, run_service
from pw_common.service.settings import load_or_exit
from pw_toy.config import Settings
from pw_toy.core.nothing import nothing


def main() -> int:
    """Run the toy; returns the exit code."""

    async def body(runtime: Runtime) -> None:
        runtime.set_ready()
        await runtime.stop.wait()
        nothing()

    return run_service("toy", load_or_exit(Settings), body)
''',
    "src/pw_toy/core/__init__.py": '"""What the toy decides."""\n',
    "src/pw_toy/core/nothing.py": '"""Nothing."""\n\nfrom __future__ import annotations\n\n\n'
    'def nothing() -> None:\n    """Nothing at all."""\n',
    "tests/test_toy.py": "from __future__ import annotations\n\n"
    "from pw_toy.core.nothing import nothing\n\n\n"
    "def test_nothing_is_done() -> None:\n    nothing()\n",
}
DECLARATION: Final = """
[toy]
about = "Does nothing, and is well"
memory_mib = 128
peak_mib = 33
measured_by = "ru_maxrss after `import pw_toy.main`"
scales = "one"
compose = "runs"
writes = ["pw_instances"]
"""
COMPOSED: Final = """\
  toy:
    <<: *service
    build:
      <<: *build
      args: {<<: *args, SERVICE: toy, ABOUT: "Does nothing, and is well"}
    image: ${PW_IMAGE_PREFIX:-}pocketwatcher-toy:0.1.0
    environment: *environment
    depends_on: *after-provision
    deploy: {resources: {limits: {memory: 128M}}}

"""


def add_folder(copy: Path) -> None:
    """The service's own folder."""
    for name, text in OWN.items():
        path = copy / "services" / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def add_by_hand(copy: Path) -> None:
    """The five files outside it."""
    _edit(copy / "services.toml", "", DECLARATION)
    _edit(copy / "compose.yaml", "  # Scrapes every container by its service's name", COMPOSED)
    rules = copy / "pyproject.toml"
    text = rules.read_text()
    for now, more in (
        ('"pw_replay", "pw_provision", "pw_lag_adapter",', ' "pw_toy",'),
        ("| pw_lag_adapter", " | pw_toy"),
        ('"pw_lag_adapter.core",', ' "pw_toy.core",'),
        ("services/lag_adapter/src:", "services/toy/src:"),
    ):
        assert now in text
        text = text.replace(now, now + more)
    rules.write_text(text)
    _edit(
        copy / "ARCHITECTURE.md",
        "| `libs/common`",
        "| `services/toy` | none | none | one |\n",
    )
    nearest = (copy / "k8s/base/notifier.yaml").read_text()
    mine = nearest.replace("notifier", NAME).replace("memory: 256Mi", "memory: 128Mi")
    (copy / "k8s/base/toy.yaml").write_text(mine)


def add_lock(copy: Path) -> None:
    """What `make lock` writes: provision needs pw-common alone as well, so it is the same."""
    shutil.copy(copy / "requirements/provision.txt", copy / "requirements/toy.txt")


def _edit(path: Path, before: str, more: str) -> None:
    """Put text before a line, or at the end."""
    text = path.read_text()
    assert before in text, path
    path.write_text(text.replace(before, more + before, 1) if before else text + more)
