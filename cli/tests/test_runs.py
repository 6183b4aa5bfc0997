"""Run files lead commands to the system that runs here, and to no other."""

from __future__ import annotations

import argparse
import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pw_cli.connect.api import add_api_arguments, target_of
from pw_cli.connect.broker import BadArgument
from pw_cli.connect.runs import Run, announce, live_runs, this_run, withdraw
from pw_common.process.token_file import make_token, read_token

API = "http://127.0.0.1:8181"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PW_API_URL", "PW_API_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "pocketwatcher"


def target(*words: str) -> tuple[str, str | None]:
    parser = argparse.ArgumentParser()
    add_api_arguments(parser)
    found = target_of(parser.parse_args(list(words)))
    return found.base, found.token


def running_here(tmp_path: Path, api: str = API) -> str:
    path = tmp_path / "data" / "api-token"
    make_token(path)
    assert announce(this_run(api, "nats://127.0.0.1:1", path), tmp_path / "data") == []
    return read_token(path)


def test_every_file_is_for_its_owner_only_and_holds_no_token(
    tmp_path: Path, own_folder: Path
) -> None:
    token = running_here(tmp_path)
    shared = tmp_path / "state/pocketwatcher"
    files = [
        tmp_path / "data/run.json",
        *(folder / f"{os.getpid()}.json" for folder in (own_folder, shared)),
    ]
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert token not in path.read_text()
    assert {stat.S_IMODE(one.stat().st_mode) for one in (own_folder, shared)} == {0o700}
    withdraw(tmp_path / "data")
    assert not any(path.exists() for path in files)


def test_without_arguments_the_running_system_and_its_token_are_meant(tmp_path: Path) -> None:
    assert target() == ("http://127.0.0.1:8080", None)
    token = running_here(tmp_path)
    assert target() == (API, token)
    assert target("--api", "http://LOCALHOST:8181/") == ("http://LOCALHOST:8181/", token)


def test_another_address_is_not_given_the_token(tmp_path: Path) -> None:
    running_here(tmp_path)
    for other in ("http://127.0.0.1:8182", "https://127.0.0.1:8181", "http://pw.example:8181"):
        assert target("--api", other) == (other, None)


def test_a_token_file_of_ones_own_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_here(tmp_path)
    mine = tmp_path / "mine"
    mine.write_text("my-own-token-of-tests\n")
    assert target("--api-token-file", str(mine)) == (API, "my-own-token-of-tests")
    monkeypatch.setenv("PW_API_TOKEN_FILE", str(mine))
    assert target("--api", "http://x:1") == ("http://x:1", "my-own-token-of-tests")
    with pytest.raises(BadArgument, match="--api-token-file"):
        target("--api-token-file", str(tmp_path / "none"))


def test_of_several_systems_one_must_be_chosen(tmp_path: Path, own_folder: Path) -> None:
    token = running_here(tmp_path)
    other = this_run("http://127.0.0.1:9191", "", None)
    (own_folder / "other.json").write_bytes(msgspec.json.encode(other))
    with pytest.raises(BadArgument, match=r"choose one with --api: http://127\.0\.0\.1:8181, http"):
        target()
    assert target("--api", API) == (API, token)
    assert target("--api", "http://127.0.0.1:9191") == ("http://127.0.0.1:9191", None)


def test_a_run_whose_process_is_gone_is_not_believed_and_is_removed(own_folder: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    own_folder.mkdir()
    gone = Run(api=API, nats="", pid=ended.pid, token_file="/somewhere")
    # The same pid, and another process by now.
    reused = Run(api=API, nats="", pid=os.getpid(), started=1, token_file="/somewhere")
    for name, body in (
        ("gone", msgspec.json.encode(gone)),
        ("reused", msgspec.json.encode(reused)),
        ("broken", b"{"),
    ):
        (own_folder / f"{name}.json").write_bytes(body)
    assert live_runs() == []
    assert list(own_folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pocketwatcher").touch()
    run = this_run(API, "", None)
    # Commands look in both places, so that one of them is enough.
    assert announce(run, tmp_path / "data") == []
    assert live_runs() == [run]
    withdraw(tmp_path / "data")
    (tmp_path / "state/pocketwatcher").rmdir()
    (tmp_path / "state/pocketwatcher").touch()
    problems = announce(run, tmp_path / "data")
    assert [one.startswith("no run file at") for one in problems] == [True, True]
    assert live_runs() == []


def test_a_shell_without_a_runtime_folder_finds_the_run_and_another_finds_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = running_here(tmp_path)
    assert len(live_runs()) == 1
    # As in cron and after `su`.
    with monkeypatch.context() as environ:
        environ.delenv("XDG_RUNTIME_DIR")
        assert target() == (API, token)
    # And the other way round: it was started where there was none.
    withdraw(tmp_path / "data")
    with monkeypatch.context() as environ:
        environ.delenv("XDG_RUNTIME_DIR")
        running_here(tmp_path)
    assert target() == (API, token)


def test_a_file_that_could_not_be_written_leaves_nothing_behind(
    tmp_path: Path, own_folder: Path
) -> None:
    # In the place of the file: a folder that it cannot replace.
    (own_folder / f"{os.getpid()}.json/full").mkdir(parents=True)
    assert announce(this_run(API, "", None), tmp_path / "data") == []
    assert [one.name for one in own_folder.iterdir()] == [f"{os.getpid()}.json"]
