"""Each image runs its own service's tests: on its Python, as its user, with what it installs.

The gate itself tests on the oldest Python that is supported; images have a newer one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pw_common.process.version import VERSION
from support.composed import ROOT, SERVICES

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("PW_DOCKER"), reason="PW_DOCKER is not set: see make e2e-docker"
    ),
    pytest.mark.timeout(600),
]
# Tests start children of their own there.
SCRATCH = "/tmp:exec"  # noqa: S108 - inside the container
TESTED = [name for name in SERVICES if (ROOT / f"services/{name}/tests").is_dir()]
COPIED = (
    # The program with which a stranger verifies what history exports.
    "docs/history.md",
    "conftest.py",
    "pyproject.toml",
    "requirements",
    "tests/support",
    "tools",
)


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def open_to_all(folder: Path) -> None:
    """The image's user is nobody of this machine."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644 | (path.stat().st_mode & 0o111))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tests, and beside them what they need and an image has not: pytest and a broker."""
    folder = tmp_path_factory.mktemp("image-tests")
    for name in (*COPIED, *(f"services/{one}/tests" for one in TESTED)):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    docker(
        *("run", "--rm", "-v", f"{folder}:/src"),
        os.environ.get("PYTHON_IMAGE", "python:3.13-slim"),
        *("pip", "install", "--quiet", "--no-cache-dir", "--root-user-action=ignore"),
        *("--require-hashes", "--target", "/src/site", "-r", "/src/requirements/test.txt"),
    )
    open_to_all(folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("service", TESTED)
def test_an_image_passes_its_services_tests(service: str, source: Path) -> None:
    out = docker(
        *("run", "--rm", "--read-only", "--tmpfs", SCRATCH, "-v", f"{source}:/src:ro"),
        *("-w", "/src", "-e", "PYTHONPATH=/src/site", "-e", "PATH=/opt/app/bin:/src/site/bin:/bin"),
        # The gate's cases, which keep no record of what failed before.
        *("-e", "CI=1"),
        *("--entrypoint", "/opt/app/bin/python"),
        f"pocketwatcher-{service.replace('_', '-')}:{VERSION}",
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not node"),
        f"services/{service}/tests",
    )
    assert " passed" in out


def test_the_image_of_the_api_holds_the_pages() -> None:
    out = docker(
        *("run", "--rm", "--entrypoint", "/opt/app/bin/python", f"pocketwatcher-api:{VERSION}"),
        *("-c", "from pw_api.http.site import BUILT; print((BUILT / 'index.html').is_file())"),
    )
    assert out.strip() == "True"
