"""A verb has one name in all commands; an earlier name of it goes on working."""

from __future__ import annotations

import pytest

from pw_cli.main import COMMANDS
from pw_cli.parser import parser_of


@pytest.mark.parametrize("noun", ["rules", "watch", "mutes", "channels", "programs"])
def test_what_is_taken_away_is_taken_away_by_rm(noun: str) -> None:
    found = parser_of(COMMANDS, {noun}).parse_args([noun, "rm", "x"])
    assert found.verb == "rm"


def test_programs_are_removed_by_the_earlier_name_too() -> None:
    parser = parser_of(COMMANDS, {"programs"})
    for verb in ("rm", "remove"):
        assert parser.parse_args(["programs", verb, "a", "b"]).programs == ["a", "b"]
