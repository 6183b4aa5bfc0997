"""The system that is meant: one that runs here, or one that is named; tokens stay with theirs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketwatcher import BadSetting, Client, NoSystem
from pocketwatcher.here import live_runs, target


def announce(folder: Path, name: str, **more: Any) -> dict[str, str]:
    """A run of this process, as `pw up` tells of itself."""
    where = folder / "pocketwatcher"
    where.mkdir(exist_ok=True)
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    run = {"api": "http://127.0.0.1:9", "nats": "", "pid": os.getpid(), "started": started}
    (where / f"{name}.json").write_text(json.dumps(run | more))
    return {"XDG_STATE_HOME": str(folder)}


def test_the_only_run_here_is_meant_with_its_token(tmp_path: Path) -> None:
    environ = announce(tmp_path, "1", token_file="/a/token", fresh=[1])
    assert target(environ) == ("http://127.0.0.1:9", Path("/a/token"))
    assert target(environ | {"PW_API_TOKEN_FILE": "/b"}).token_file == Path("/b")
    # The same run is listed in both folders.
    both = environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert target(both).url == "http://127.0.0.1:9"


def test_a_token_goes_to_its_own_address_and_to_no_other(tmp_path: Path) -> None:
    environ = announce(tmp_path, "1", token_file="/a/token")
    elsewhere = environ | {"PW_API_URL": "https://pw.example.org"}
    assert target(elsewhere) == ("https://pw.example.org", None)
    for same in ("http://localhost:9", "http://127.0.0.1:9/"):
        assert target(environ | {"PW_API_URL": same}) == (same, Path("/a/token"))


def test_no_run_and_several_runs_say_what_to_do(tmp_path: Path) -> None:
    nothing = {"XDG_STATE_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "none")}
    with pytest.raises(NoSystem, match="start one with `pw up`"):
        Client.here(nothing)
    announce(tmp_path, "1")
    environ = announce(tmp_path, "2", api="http://127.0.0.1:10")
    with pytest.raises(NoSystem, match="2 systems run here; choose one with PW_API_URL"):
        Client.here(environ)
    assert target(environ | {"PW_API_URL": "http://127.0.0.1:10"}).url == "http://127.0.0.1:10"
    missing = environ | {
        "PW_API_URL": "http://127.0.0.1:9",
        "PW_API_TOKEN_FILE": str(tmp_path / "t"),
    }
    with pytest.raises(BadSetting, match="cannot be read"):
        Client.here(missing)


def test_a_run_that_ended_is_none_and_its_file_stays_for_others_to_remove(tmp_path: Path) -> None:
    for name, more in (("1", {"pid": 2**22 + 1}), ("2", {"started": 1}), ("3", {"pid": 0})):
        announce(tmp_path, name, **more)
    assert live_runs({"XDG_STATE_HOME": str(tmp_path)}) == []
    assert len(list(tmp_path.glob("pocketwatcher/*.json"))) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["api", "pid", "started", "token_file", "x"]),
        st.none() | st.integers() | st.text() | st.just(os.getpid()),
    ).map(lambda one: json.dumps(one).encode())
)
def test_garbage_in_a_run_file_is_no_run(tmp_path: Path, body: bytes) -> None:
    where = tmp_path / "pocketwatcher"
    where.mkdir(exist_ok=True)
    (where / "1.json").write_bytes(body)
    assert live_runs({"XDG_STATE_HOME": str(tmp_path)}) == []
