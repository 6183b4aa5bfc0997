"""What `--rpc` and the numbers beside it may be: every command that asks a node says the same."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from pw_cli import backfill, capture, prove

KEY: Final = "d41d8cd98f00b204e9800998ecf8427e"
NODE: Final = "http://127.0.0.1:9"
Run = Callable[..., tuple[int, str]]
COMMANDS: Final[dict[str, tuple[ModuleType, tuple[str, ...]]]] = {
    "capture": (capture, ("--slots", "1-2")),
    "prove": (prove, ("0" * 32,)),
    "check": (prove, ("--check", "/nowhere.json")),
    "backfill": (backfill, ("--gap", "main:1:5-6")),
}


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The exit code of a command, and what it said."""

    def run_it(command: str, *words: str) -> tuple[int, str]:
        module, usual = COMMANDS[command]
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        out = ("--out", str(tmp_path / "z.pb")) if command == "capture" else ()
        code = module.run(parser.parse_args([*usual, *out, *words]))
        said = capsys.readouterr()
        assert said.out == ""
        assert list(tmp_path.iterdir()) == []
        return code, said.err

    return run_it


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("url", "shown", "allowed"),
    [
        (f"http://127.0.0.1:99999/?k={KEY}", "http://127.0.0.1:99999/***", "http:// or https://"),
        (f"http://127.0.0.1:{KEY}/", "http://***", "http:// or https://"),
        (f"https://[bad/?k={KEY}", "https://***", "http:// or https://"),
        ("http://", "http://***", "http:// or https://"),
        ("", "***", "http:// or https://"),
        (f"ws://node.example/{KEY}", "ws://node.example/***", "http:// or https://"),
        (KEY, "***", "http:// or https://"),
        (f"http://node .example/{KEY}", "http://***", "without spaces"),
        (f"http://node.example/ {KEY}", "http://node.example/***", "without spaces"),
        (f"http://node.example/\n{KEY}", "http://node.example/***", "without spaces"),
        (f"http://node.example/\x07{KEY}", "http://node.example/***", "one line"),
        (f"http://1.2.3.999/{KEY}", "http://1.2.3.999/***", "a host that can exist"),
        (f"http://../{KEY}", "http://../***", "a host that can exist"),
        (f"{NODE}/{KEY},{NODE}/{KEY}", f"{NODE}/***,{NODE}/***", "one node only"),
    ],
)
def test_a_url_that_names_no_node_is_one_line_and_nobody_is_asked(
    run: Run, command: str, url: str, shown: str, allowed: str
) -> None:
    code, said = run(command, "--rpc", url)
    assert code == 2, said
    name = "prove" if command == "check" else command
    assert said.startswith(f"pw {name}: --rpc {shown}: ")
    assert allowed in said
    assert said.count("\n") == 1
    assert KEY not in said
