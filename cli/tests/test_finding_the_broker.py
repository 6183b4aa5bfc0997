"""Commands that read the broker find the one that runs here, as those that ask the API do."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
import pytest

from pw_cli.connect.broker import NATS_DEFAULT, BadArgument, add_broker_argument, broker_of
from pw_cli.connect.runs import announce, this_run

API = "http://127.0.0.1:8181"
NATS = "nats://127.0.0.1:41234"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PW_NATS_URL", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "pocketwatcher"


def broker(*words: str) -> str:
    parser = argparse.ArgumentParser()
    add_broker_argument(parser)
    return broker_of(parser.parse_args(list(words)))


def test_without_arguments_the_broker_of_the_running_system_is_used(tmp_path: Path) -> None:
    assert broker() == NATS_DEFAULT
    assert announce(this_run(API, NATS, None), tmp_path / "data") == []
    assert broker() == NATS


def test_an_argument_and_the_environment_come_before_the_running_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(this_run(API, NATS, None), tmp_path / "data")
    monkeypatch.setenv("PW_NATS_URL", "nats://env.example:4222")
    assert broker() == "nats://env.example:4222"
    assert broker("--nats", "nats://word.example:4222") == "nats://word.example:4222"


def test_of_several_systems_none_is_guessed_and_no_password_is_shown(
    tmp_path: Path, own_folder: Path
) -> None:
    run = this_run(API, "nats://user:hunter22@127.0.0.1:41234", None)
    announce(run, tmp_path / "data")
    (own_folder / "another.json").write_bytes(msgspec.json.encode(run))
    with pytest.raises(BadArgument, match="2 systems run here; choose one with --nats") as error:
        broker()
    assert "hunter22" not in str(error.value)
    assert API in str(error.value)
