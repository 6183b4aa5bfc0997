"""A kind of channel is two entries: what it needs, and what is sent to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from pw_common.documents.channels import NEEDS, Channel, Channels, Kind, problems
from pw_notifier.core import kinds

# The kind of a channel, and not of an alert.
ASKS = re.compile(r"(?:channel\.|(?<![.\w]))kind (?:==|!=|in|not in) ")


def test_every_kind_has_what_it_needs_and_a_way() -> None:
    assert set(get_args(Kind)) == set(NEEDS) == set(kinds.WAYS)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_field_that_a_kind_needs_is_missed_by_name(kind: Kind) -> None:
    found = problems(Channels(entries=(Channel(name="c", kind=kind),)))
    assert [one.split(": ")[1] for one in found] == list(NEEDS[kind])


def test_only_the_table_of_kinds_knows_one_from_another() -> None:
    folder = Path(kinds.__file__).parents[1]
    for path in folder.rglob("*.py"):
        text = path.read_text()
        named = [one for one in get_args(Kind) if f'"{one}"' in text]
        if path.name == "kinds.py":
            assert set(named) == set(NEEDS)
            continue
        # Alerts go to the console while there is no channel, and an answer is read as a webhook's
        # where nothing is said of whose it is. No code asks which kind it has.
        assert set(named) <= {"console", "webhook"}, path
        assert not ASKS.search(text), path
