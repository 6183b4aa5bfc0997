"""The guards of `make check` and of the gate catch what they are there for."""

from __future__ import annotations

from pathlib import Path

import check_hosts
import pytest
import workspace

ROOT = Path(__file__).resolve().parents[2]

CORPUS_TEST = """
import pytest

@pytest.mark.corpus
def test_of_real_transactions() -> None:
    pytest.skip("no corpus here")
"""

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("line", ["-e file:///somewhere", "--index-url https://host/simple"])
def test_a_lock_that_names_a_host_or_a_file_is_refused(line: str) -> None:
    assert check_hosts.in_requirements(f"msgspec==0.22.0\n{line}\n") == [(2, line)]


def test_an_npm_lock_that_says_where_it_was_fetched_is_refused() -> None:
    lock = '{"packages": {"": {}, "node_modules/x": {"resolved": "https://host/x.tgz"}}}'
    assert check_hosts.in_npm_lock(lock) == ["node_modules/x"]


@pytest.mark.parametrize("top", ["home", "Users", "root"])
def test_a_path_of_one_machine_is_found_and_an_image_path_is_not(top: str) -> None:
    assert check_hosts.machine_paths(f"see /opt/app\nopen /{top}/someone/x") == [
        (2, f"/{top}/someone")
    ]


def test_every_lock_of_an_image_agrees_with_the_union() -> None:
    union = set(_pins("dev"))
    for member in workspace.services():
        assert set(_pins(member.folder.name)) <= union, member.name


@pytest.mark.parametrize(("required", "outcome"), [("", "skipped"), ("1", "failed")])
def test_a_test_without_the_corpus_fails_only_where_the_corpus_must_be(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, required: str, outcome: str
) -> None:
    monkeypatch.setenv("PW_REQUIRE_CORPUS", required)
    pytester.makeini("[pytest]\nmarkers = corpus: real transactions\n")
    pytester.makeconftest((ROOT / "conftest.py").read_text())
    pytester.makepyfile(CORPUS_TEST)
    pytester.runpytest_inprocess("-p", "no:asyncio").assert_outcomes(**{outcome: 1})


def _pins(lock: str) -> list[str]:
    text = (ROOT / f"requirements/{lock}.txt").read_text()
    return [line.split()[0] for line in text.splitlines() if line[:1].isalnum()]
