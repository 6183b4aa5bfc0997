"""A service is added with a few files outside its folder, and leaves nothing when it goes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import workspace

from support import toy_service as toy
from support.copied import ROOT, copied, make, run

pytestmark = pytest.mark.timeout(900)
# What CONTRIBUTING.md promises.
BY_HAND_MAX = 6
# The tests that know services.
CHECKS = (
    "tests/deploy/test_declared_services.py", "tests/deploy/test_services_file.py",
    "tests/deploy/test_compose_file.py", "tests/deploy/test_deploy.py",
    "tests/deploy/test_memory.py", "tests/deploy/test_observability.py",
    "tests/guards/test_documents.py", "tests/guards/test_guards.py",
    "libs/common/tests/test_metrics.py", "services/toy/tests",
)  # fmt: skip
# Which of them finds that a file was forgotten.
KNOWS_SERVICES = "test_the_architecture_knows_every_service_library_and_command"
FOUND_BY = {"ARCHITECTURE.md": f"tests/guards/test_documents.py::{KNOWS_SERVICES}"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(tmp_path_factory.mktemp("copy"))
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *author, "commit", "-qm", "as it was"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def with_toy(copy: Path) -> Iterator[Path]:
    """The copy with the service, as its author would leave it."""
    toy.add_folder(copy)
    toy.add_by_hand(copy)
    by_hand = changed(copy)
    assert by_hand == set(toy.BY_HAND)
    assert len(by_hand) <= BY_HAND_MAX
    toy.add_lock(copy)
    code, said = make(copy, "services")
    assert code == 0, said
    yield copy
    remove(copy)


def changed(copy: Path) -> set[str]:
    """Files outside the service's folder that differ from what was copied."""
    listed = subprocess.run(
        ["git", "status", "--porcelain", "-z", "--untracked-files=all"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    found = {one[3:] for one in listed if one}
    return {one for one in found if not one.startswith((f"services/{toy.NAME}/", ".mypy_cache/"))}


def outcome(copy: Path, *files: str) -> tuple[int, str]:
    without = (f"-pno:{plugin}" for plugin in ("cacheprovider", "xdist", "cov", "anyio"))
    return run(copy, sys.executable, "-m", "pytest", "-q", "-x", *without, *files)


def remove(copy: Path) -> None:
    """The opposite: what was written by hand, and the lock, are taken back by hand."""
    shutil.rmtree(copy / "services" / toy.NAME)
    for name in (*toy.BY_HAND, "requirements/toy.txt"):
        restore(copy, name)
    make(copy, "services")


def restore(copy: Path, name: str) -> None:
    """A file as it was before the service came."""
    if name in toy.NEW:
        (copy / name).unlink()
    else:
        subprocess.run(["git", "checkout", "-q", "HEAD", "--", name], cwd=copy, check=True)


def test_the_lock_of_a_service_that_needs_common_alone_is_the_one_that_is_copied() -> None:
    members = workspace.members()
    provision, common = members["pw-provision"], members["pw-common"]
    assert set(provision.dependencies) <= {"pw-common", *common.dependencies}


def test_everything_else_that_differs_was_written_by_the_projects_tools(with_toy: Path) -> None:
    assert changed(with_toy) == {*toy.BY_HAND, *toy.WRITTEN}


@pytest.mark.parametrize(
    "verb", ["format-check", "lint", "imports", "drift", "guards", "k8s-render"]
)
def test_with_a_new_service_the_checks_pass(with_toy: Path, verb: str) -> None:
    subprocess.run(["git", "add", "-N", "."], cwd=with_toy, check=True)
    code, said = make(with_toy, verb)
    assert code == 0, said


def test_its_types_are_found_and_checked(with_toy: Path) -> None:
    code, said = run(with_toy, sys.executable, "-m", "mypy", f"services/{toy.NAME}")
    assert code == 0, said


def test_with_a_new_service_the_tests_that_know_services_pass(with_toy: Path) -> None:
    code, said = outcome(with_toy, *CHECKS)
    assert code == 0, said[-3_000:]


@pytest.mark.parametrize("name", [*toy.BY_HAND, *toy.WRITTEN])
def test_none_of_its_files_can_be_forgotten(with_toy: Path, name: str) -> None:
    before = (with_toy / name).read_text()
    restore(with_toy, name)
    try:
        code, said = outcome(with_toy, FOUND_BY.get(name, "tests/deploy/test_declared_services.py"))
    finally:
        (with_toy / name).write_text(before)
    assert code != 0, f"without {name} all passes: {said[-500:]}"


def test_a_service_that_is_removed_leaves_nothing(with_toy: Path) -> None:
    remove(with_toy)
    subprocess.run(["git", "add", "-A"], cwd=with_toy, check=True)
    try:
        found = subprocess.run(
            ["git", "grep", "-lE", "pw_toy|pocketwatcher-toy|services/toy", "--", ":!tests"],
            cwd=with_toy, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert found.stdout == ""
        assert changed(with_toy) == set()
    finally:
        toy.add_folder(with_toy)
        toy.add_by_hand(with_toy)
        toy.add_lock(with_toy)
