"""What every test may ask for: the folder of real transactions.

`PW_CORPUS_DIR` names it (default `../shared/corpus`). Without it such tests skip and
say so. Where it must be there, `PW_REQUIRE_CORPUS=1` turns each such skip into a failure.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Tests are never timed. The gate is a function of the commit; everywhere else cases are new.
settings.register_profile("ours", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("ours")

# A child started while gRPC runs in this process could die in gRPC's fork handlers.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

ROOT = Path(__file__).resolve().parent
CORPUS_DEFAULT = "../shared/corpus"


def corpus_folder() -> Path:
    """Where the real transactions should be; relative paths count from the repository."""
    return (ROOT / os.environ.get("PW_CORPUS_DIR", CORPUS_DEFAULT)).resolve()


def corpus_is_required() -> bool:
    """Whether a test that lacks the corpus has failed."""
    return os.environ.get("PW_REQUIRE_CORPUS", "") not in {"", "0"}


@pytest.fixture(scope="session", autouse=True)
def runs_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands find the `pw up` of a test, and neither a person's nor another worker's."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """The folder of real transactions, or a skip."""
    folder = corpus_folder()
    if not folder.is_dir():
        pytest.skip("PW_CORPUS_DIR names no folder of real transactions (see CONTRIBUTING.md)")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip for want of the corpus is a failure where the corpus is required."""
    report = yield
    needs_corpus = item.get_closest_marker("corpus") is not None
    if report.skipped and not hasattr(report, "wasxfail") and corpus_is_required():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if needs_corpus or "PW_CORPUS_DIR" in reason:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped, but PW_REQUIRE_CORPUS is set: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself while it is collected."""
    report = yield
    if report.skipped and corpus_is_required() and "PW_CORPUS_DIR" in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} skipped itself, but PW_REQUIRE_CORPUS is set"
    return report
