"""The nats-server that somebody installed comes before the bundled one, if it is new enough."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pw_common.dev.local_broker import NoBroker, find_binary, find_server

BESIDE = Path(sys.executable).parent


def installed(folder: Path, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nats-server"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bundled() -> Path:
    path = BESIDE / "nats-server"
    if not path.is_file():
        pytest.skip("this environment has no bundled nats-server")
    return path


def test_one_on_path_comes_before_the_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = installed(tmp_path, "nats-server: v2.11.4")
    # An active virtual environment comes first on PATH, and is nobody's choice of a broker.
    monkeypatch.setenv("PATH", os.pathsep.join((str(BESIDE), str(tmp_path))))
    found = find_server()
    assert (found.path, found.version, found.bundled) == (str(own), "2.11.4", False)
    assert find_binary() == str(own)


@pytest.mark.parametrize("says", ["nats-server: v2.9.25", "something else", ""])
def test_one_that_is_too_old_or_no_nats_server_is_passed_over_and_named(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundled: Path
) -> None:
    own = installed(tmp_path, says)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_server()
    assert (found.path, found.bundled) == (str(bundled), True)
    assert str(own) in found.passed_over


def test_the_bundled_one_on_path_by_another_name_is_still_the_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundled: Path
) -> None:
    (tmp_path / "nats-server").symlink_to(bundled)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server().bundled


def test_where_there_is_none_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(
        NoBroker, match=r"install nats-server 2\.10\.0 or newer, or point PW_NATS_URL"
    ):
        find_server()
