"""`make up` runs where the pages cannot be built, and says so; what checks or releases fails.

The verbs of the Makefile are run in a copied tree. What they would start is written down instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Some seconds on a machine at rest; npm left to itself takes minutes.
WITHIN_S = 60.0
NOBODY = "http://127.0.0.1:9"
NEEDED = (
    "sh", "env", "make", "awk", "touch", "dirname", "find", "sort", "xargs", "cat", "cksum",
    "mktemp", "rm", "cmp", "cp", "mv", "sed", "tail", "tr",
)  # fmt: skip
PACKAGES = ROOT / "dashboard" / "node_modules"

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None or shutil.which("node") is None, reason="no node and npm here"
)
needs_packages = pytest.mark.skipif(
    not (PACKAGES / "vite").is_dir() or shutil.which("node") is None,
    reason="no packages of the dashboard (make dashboard): nothing was built here",
)


class Tree(NamedTuple):
    """A copy of what the verbs read; `bin` is a PATH with what any system has, and no node."""

    root: Path
    bin: Path

    @property
    def site(self) -> Path:
        return self.root / "services/api/src/pw_api/site"

    def make(self, *words: str, path: str, **environ: str) -> subprocess.CompletedProcess[str]:
        begun = time.monotonic()
        done = subprocess.run(
            ["make", "--no-print-directory", *words, "VENV=venv"],
            cwd=self.root,
            env={"HOME": str(self.root), "PATH": path, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=4 * WITHIN_S,
        )
        assert time.monotonic() - begun < WITHIN_S
        return done


@pytest.fixture
def tree(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A checkout that is set up but for its pages; none of its packages can be had."""
    ignore = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / "dashboard", tmp_path / "dashboard", ignore=ignore)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "services/api/src/pw_api").mkdir(parents=True)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/node.txt").write_text("nothing==1 --hash=sha256:" + "0" * 64)
    tools = tmp_path / "venv/bin"
    tools.mkdir(parents=True)
    executable(tools / "pw", 'echo "started: $*"')
    # Stands for every tool of the checks, which pass; pip alone cannot install a node.
    for name in ("python", "lint-imports", "codespell"):
        executable(tools / name, 'case "$*" in *pip*) exit 1 ;; esac')
    (tmp_path / "venv/.set-up").touch()
    bare = tmp_path_factory.mktemp("bin")
    for name in NEEDED:
        found = shutil.which(name)
        assert found is not None
        (bare / name).symlink_to(found)
    return Tree(tmp_path, bare)


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def built_before(tree: Tree) -> None:
    """Pages of an earlier state of the sources."""
    (tree.site / "assets").mkdir(parents=True)
    (tree.site / "index.html").write_text("the last build")


def with_packages(tree: Tree) -> None:
    """The packages of this checkout, as they are; nothing is written to them but a folder."""
    packages = tree.root / "dashboard/node_modules"
    packages.mkdir()
    for one in PACKAGES.iterdir():
        (packages / one.name).symlink_to(one)
    for kind in ("run", "types"):
        (packages / f".installed-{kind}").unlink(missing_ok=True)
        shutil.copy(ROOT / "dashboard/package-lock.json", packages / f".installed-{kind}")


def assert_runs_and_says(done: subprocess.CompletedProcess[str], *said: str) -> None:
    """It was started, and one line says what is missing, why, and what to do."""
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "started: up --rate 5"
    line = done.stderr.strip().splitlines()[-1]
    for words in ("the pages were NOT built", "run `make dashboard`", *said):
        assert words in line


def test_without_any_node_it_runs_with_the_plain_page(tree: Tree) -> None:
    done = tree.make("up", "ARGS=--rate 5", path=str(tree.bin))
    assert_runs_and_says(done, "there is no node on PATH", "its plain status page")
    assert not tree.site.exists()


def test_the_pages_of_the_last_build_are_shown_where_there_are_some(tree: Tree) -> None:
    built_before(tree)
    done = tree.make("up", "ARGS=--rate 5", path=str(tree.bin))
    assert_runs_and_says(done, "the pages of the last build")
    assert (tree.site / "index.html").read_text() == "the last build"


def test_a_node_that_is_too_old_is_named(tree: Tree) -> None:
    executable(tree.bin / "node", 'case "$1" in --version) echo v18.19.0 ;; *) exit 1 ;; esac')
    executable(tree.bin / "npm", "exit 1")
    done = tree.make("up", "ARGS=--rate 5", path=str(tree.bin))
    assert_runs_and_says(done, "v18.19.0", "20.19.0 or newer")


@needs_npm
def test_with_a_registry_that_nobody_reaches_it_runs_within_seconds(tree: Tree) -> None:
    built_before(tree)
    done = tree.make(
        "up", "ARGS=--rate 5", path=os.environ["PATH"],
        npm_config_registry=NOBODY, npm_config_cache=str(tree.root / "cache"),
    )  # fmt: skip
    assert_runs_and_says(done, "npm reaches no registry (ECONNREFUSED)", "the last build")


@needs_npm
def test_packages_that_are_installed_outlive_an_npm_that_reaches_nobody(tree: Tree) -> None:
    packages = tree.root / "dashboard/node_modules"
    packages.mkdir()
    (packages / "kept").touch()
    tree.make(
        "up", path=os.environ["PATH"],
        npm_config_registry=NOBODY, npm_config_cache=str(tree.root / "cache"),
    )  # fmt: skip
    assert (packages / "kept").exists()


@needs_packages
def test_sources_that_do_not_build_leave_the_last_pages_and_show_the_error(tree: Tree) -> None:
    built_before(tree)
    with_packages(tree)
    (tree.root / "dashboard/src/main.tsx").write_text("const = ;")
    done = tree.make("up", "ARGS=--rate 5", path=os.environ["PATH"])
    assert_runs_and_says(done, "do not build", "the pages of the last build")
    assert "main.tsx:1" in done.stderr
    assert (tree.site / "index.html").read_text() == "the last build"
    assert tree.make("pages", path=os.environ["PATH"]).returncode != 0


@needs_packages
def test_a_build_takes_the_place_of_the_last_one_whole(tree: Tree) -> None:
    built_before(tree)
    (tree.site / "assets/old.js").touch()
    with_packages(tree)
    # A wrong type is ours to mend: `make types` refuses it, and it keeps nobody from running.
    (tree.root / "dashboard/src/main.tsx").write_text("export const n: number = 'one';")
    done = tree.make("up", path=os.environ["PATH"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "<title>Pocketwatcher</title>" in (tree.site / "index.html").read_text()
    assert not (tree.site / "assets/old.js").exists()
    assert (tree.site / ".built-from").is_file()
    if (PACKAGES / "typescript").is_dir():
        checked = tree.make("types", path=os.environ["PATH"])
        assert checked.returncode != 0
        assert "main.tsx" in checked.stdout


@pytest.mark.parametrize("verb", ["check", "pages", "dashboard", "types"])
def test_what_checks_fails_without_pages_and_says_why(tree: Tree, verb: str) -> None:
    built_before(tree)
    done = tree.make(verb, path=str(tree.bin))
    assert done.returncode != 0
    assert "there is no node on PATH" in done.stderr
