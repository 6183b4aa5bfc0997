"""What `--rpc` and the numbers beside it may be: every command that asks a node says the same."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from pw_cli.commands.broker import backfill
from pw_cli.commands.captures import capture
from pw_cli.commands.watching import prove

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
        out = ("--out", str(tmp_path / "z.pb")) if command == "capture" else ()
        code = module.run(parsed(module, *usual, *out, *words))
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
        (f"http://xn--/{KEY}", "http://xn--/***", "a host that can exist"),
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


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", ["nan", "inf", "-0.5"])
def test_no_number_is_without_end_or_negative(run: Run, command: str, number: str) -> None:
    code, said = run(command, "--rpc", NODE, f"--patience={number}")
    assert (code, said.count("\n")) == (2, 1)
    assert f"--patience {number}; allowed: a number of seconds, 0 or more" in said
    if command == "backfill":
        return
    code, said = run(command, "--rpc", NODE, f"--rpc-rate={number}")
    assert (code, said.count("\n")) == (2, 1)
    assert f"--rpc-rate {number}; allowed: above 0, at most 1000" in said


@pytest.mark.parametrize("number", ["nan", "inf", "-0.5"])
def test_a_capture_ends_after_a_number_of_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    words = ("--out", str(tmp_path / "z.pb"), f"--seconds={number}")
    assert capture.run(parsed(capture, *words)) == 2
    said = capsys.readouterr().err
    assert f"--seconds {number}; allowed: a number of seconds, 0 or more" in said


@pytest.mark.parametrize(
    ("module", "words", "why"),
    [
        (capture, ("--rpc", NODE, "--slots", "1-2", "--seconds", "0"), "--seconds does not go"),
        (capture, ("--rpc", NODE, "--slots", "1-2", "--programs", "all"), "--programs does not go"),
        (capture, ("--rpc", NODE, "--slots", "1-2", "--nats", NODE), "--nats does not go"),
        (capture, ("--rpc", NODE, "--x-token-file", "f"), "--x-token-file does not go"),
        (capture, ("--endpoint", NODE, "--nats", NODE), "--nats does not go"),
        (capture, ("--slots", "1-2"), "--slots needs --rpc"),
        (capture, ("--allow-missing",), "--allow-missing needs --rpc"),
        (capture, ("--patience", "3"), "--patience needs --rpc"),
        (capture, ("--endpoint", NODE, "--rpc-rate", "4"), "--rpc-rate needs --rpc"),
        (capture, ("--programs", "all"), "--programs needs --endpoint"),
        (prove, ("--check", "f", "--rpc", NODE, "--out", "g"), "--out does not go with --check"),
        (prove, ("--check", "f", "--rpc", NODE, "--minutes", "5"), "--minutes does not go"),
        (prove, ("--check", "f", "--rpc", NODE, "--nats", NODE), "--nats does not go"),
        (prove, ("x", "--out", "g"), "--out needs --rpc"),
        (prove, ("x", "--archive", "c.pb", "--minutes", "5"), "--minutes needs --rpc"),
        (prove, ("x", "--patience", "5"), "--patience needs --rpc"),
        (backfill, ("--rpc", NODE), "--rpc needs --gap"),
        (backfill, ("--capture", "c.pb"), "--capture needs --gap"),
        (
            backfill,
            ("--gap", "g", "--capture", "c.pb", "--patience", "5"),
            "--patience needs --rpc",
        ),
        (backfill, ("--gap", "g"), "give --capture FILE"),
    ],
)
def test_an_option_that_would_be_passed_over_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    module: ModuleType,
    words: tuple[str, ...],
    why: str,
) -> None:
    out = ("--out", str(tmp_path / "z.pb")) if module is capture else ()
    assert module.run(parsed(module, *out, *words)) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


def test_a_broker_that_the_environment_names_is_no_option(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PW_NATS_URL", "nats://127.0.0.1:9")
    code, said = run("check", "--rpc", NODE)
    assert code == 2
    assert "/nowhere.json" in said


def parsed(module: ModuleType, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(words)
