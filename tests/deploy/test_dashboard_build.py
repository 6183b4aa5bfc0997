"""The pages are built where they can be; where not, that is said and nothing else stops."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = (
    "sh",
    "dirname",
    "find",
    "sort",
    "xargs",
    "cat",
    "cksum",
    "mktemp",
    "rm",
    "cmp",
    "cp",
    "mv",
    "sed",
    "tail",
    "tr",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository as far as the build reads it, without what earlier builds left."""
    ignore = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / "dashboard", tmp_path / "dashboard", ignore=ignore)
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "dashboard.sh", tmp_path / "tools")
    (tmp_path / "requirements").mkdir()
    # No package either: none has this hash.
    (tmp_path / "requirements" / "node.txt").write_text("nothing==1 --hash=sha256:" + "0" * 64)
    (tmp_path / "services/api/src/pw_api").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with what any system has, and no node."""
    folder = tmp_path_factory.mktemp("bin")
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


def build(copy: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "tools/dashboard.sh", *words],
        cwd=copy,
        env={"VENV": "no-venv", "HOME": str(copy), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_without_node_setup_goes_on_and_says_what_is_missing(copy: Path, bare: str) -> None:
    done = build(copy, PATH=bare)
    assert done.returncode == 0
    assert "NOT built" in done.stderr
    assert "node" in done.stderr
    assert not (copy / "services/api/src/pw_api/site").exists()


def test_who_asks_for_the_build_alone_is_not_told_that_it_went_well(copy: Path, bare: str) -> None:
    assert build(copy, "--must", PATH=bare).returncode == 1


def test_what_is_built_of_the_same_sources_is_not_built_again(copy: Path, bare: str) -> None:
    site = copy / "services/api/src/pw_api/site"
    site.mkdir()
    (site / "index.html").write_text("built")
    files = "find dashboard -type f ! -path '*/node_modules/*'"
    listed = subprocess.run(
        ["sh", "-c", f"{files} | LC_ALL=C sort | xargs cat | cksum"],
        cwd=copy,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    (site / ".built-from").write_text(listed.stdout)
    done = build(copy, PATH=bare)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (copy / "dashboard" / "src" / "text.ts").write_text("export {};")
    assert "NOT built" in build(copy, PATH=bare).stderr


def test_an_image_without_its_pages_is_not_built_unless_asked_for(copy: Path, bare: str) -> None:
    """The image's own build runs the same script over all that it needs."""
    dockerfile = (ROOT / "deploy/service.Dockerfile").read_text()
    assert "ARG PAGES=must\n" in dockerfile
    run = '/src/tools/dashboard.sh "--$PAGES"'
    assert dockerfile.index(run) < dockerfile.index("pip wheel")
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"!dashboard", "!tools/dashboard.sh", "!requirements/*.txt"} <= set(allowed)
    assert build(copy, "--must", PATH=bare).returncode == 1
    assert build(copy, "--optional", PATH=bare).returncode == 0
