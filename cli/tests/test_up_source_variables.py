"""Which source is played, the flags say: a variable cannot put another one in its place."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pw_cli.up.options.arguments import BadUsage, UpOptions, add_arguments, options
from pw_cli.up.options.checks import SOURCES, check


def chosen(*words: str) -> UpOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return options(parser.parse_args(list(words)))


@pytest.fixture
def sources(tmp_path: Path) -> list[tuple[str, ...]]:
    capture = tmp_path / "a.pb"
    capture.touch()
    return [(), ("--capture", str(capture)), ("--endpoint", "https://h.example")]


@pytest.mark.parametrize(
    ("name", "value", "flag"),
    [
        ("PW_REPLAY_CAPTURES", "/a.pb", "--capture"),
        ("PW_REPLAY_MARKET_SEED", "7", "--seed"),
        ("PW_REPLAY_MARKET_MINUTES", "3", "--minutes"),
    ],
)
def test_a_variable_of_another_source_is_refused_with_its_flag(
    name: str, value: str, flag: str, sources: list[tuple[str, ...]]
) -> None:
    assert name in SOURCES
    for words in sources:
        with pytest.raises(BadUsage) as error:
            check(chosen(*words), {name: value})
        assert str(error.value) == (
            f"{name} is set, but pw up must set it itself: unset it, and say it with {flag}"
        )


@pytest.mark.parametrize("value", ["nonsense", "any,drop_after=5", "accounts-"])
def test_what_a_plan_cannot_refuse_is_named_as_it_was_typed(value: str) -> None:
    with pytest.raises(BadUsage) as error:
        check(chosen("--refuse", value, "--faults", "drop_after=5"), {})
    assert str(error.value).startswith(f"--refuse {value}: allowed: any, ")
    assert "--faults" not in str(error.value)
