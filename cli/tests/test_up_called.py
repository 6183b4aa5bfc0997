"""The page shows commands that can be typed where the run was started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pw_cli.up.options.plan import api_spec
from pw_cli.up.processes.called import pw_command


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        (".venv/bin/pw", ".venv/bin/pw"),
        ("my tools/pw", "'my tools/pw'"),
        ("/opt/pw/bin/pw", "/opt/pw/bin/pw"),
    ],
)
def test_it_is_shown_as_it_was_called(
    called: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [called, "up"])
    assert pw_command() == shown


def test_it_is_pw_alone_where_the_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "pw"
    installed.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(installed), "up"])
    assert pw_command() == "pw"


def test_of_a_run_that_was_started_as_a_module_it_lies_beside_the_interpreter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["main.py", "up"])
    monkeypatch.setattr(sys, "executable", "/opt/pw/bin/python3")
    assert pw_command() == "/opt/pw/bin/pw"


def test_the_api_is_told_by_the_run_alone() -> None:
    spec = api_spec("nats://b:1", 1, None, pw_command=".venv/bin/pw")
    assert spec.env["PW_API_PW_COMMAND"] == ".venv/bin/pw"
    # Also where it is not known: nobody else's word is taken for it.
    assert api_spec("nats://b:1", 1, None).env["PW_API_PW_COMMAND"] == ""
