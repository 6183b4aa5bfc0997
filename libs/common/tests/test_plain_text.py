"""What others wrote is shown as one line without anything invisible, and as little as fits."""

from __future__ import annotations

import sys
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.text.plain_text import (
    CUT,
    MARKS_MAX,
    NAME_CHARS_MAX,
    STAND_IN,
    is_plain,
    plain_json,
    plain_text,
)

# Any code point at all, and those that do harm much more often than chance would have them.
HARMFUL = st.sampled_from(
    "\n\r\t\x00\x1b\x7f\x9b\u00ad\u061c\u180e\u200b\u200d\u202e\u2066\u2069\u2028\u2029\ufeff"
    "\ue000\U000e0041\U000f0000\u0301\u0489\u20dd\u3164\u2800\ud800 <>&@[](){}*_~`|\\:/#-+.!\"'"
)
ANY_TEXT = st.text(st.one_of(HARMFUL, st.characters(exclude_categories=()), st.characters()))
SHOWN_NEVER = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


@given(ANY_TEXT, st.integers(1, 64))
def test_what_is_shown_is_one_bounded_line_without_controls(text: str, chars_max: int) -> None:
    shown = plain_text(text, chars_max)
    assert len(shown) <= chars_max
    assert len(shown.encode()) <= 4 * chars_max
    assert not {unicodedata.category(char) for char in shown} & SHOWN_NEVER
    assert len(shown.splitlines()) <= 1
    assert plain_text(shown, chars_max) == shown


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=NAME_CHARS_MAX))
def test_ordinary_names_are_shown_as_they_are(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    "text", ["BONK", "Größe", "猫コイン", "Кот", "ciência", "🐕", "❤\ufe0f", "tiế"]
)
def test_names_of_every_script_are_ordinary(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A\n[critical]", f"A{STAND_IN}[critical]"),
        ("\u202eNOP", f"{STAND_IN}NOP"),
        ("\u200b\u200b", STAND_IN * 2),
        ("\x1b[2J", f"{STAND_IN}[2J"),
        ("x" * 300, "x" * (NAME_CHARS_MAX - 1) + CUT),
        ("a\u3000b", "a b"),
        ("\u0301a", f"{STAND_IN}a"),
        ("a" + "\u0301" * 9, "a" + "\u0301" * MARKS_MAX + STAND_IN * (9 - MARKS_MAX)),
        ("U\U000e0053\U000e0041", f"U{STAND_IN}{STAND_IN}"),
        ("", ""),
    ],
)
def test_each_kind_of_hostile_name_gets_its_stand_in(text: str, shown: str) -> None:
    assert plain_text(text) == shown


def test_the_fixed_table_covers_what_this_python_knows_of() -> None:
    missed = [
        f"U+{number:04X}"
        for number in range(sys.maxunicode + 1)
        if unicodedata.category(chr(number)) in SHOWN_NEVER and is_plain(chr(number))
    ]
    assert missed == []


@given(st.text(st.one_of(HARMFUL.filter(lambda c: c != "\ud800"), st.characters(codec="utf-8"))))
def test_json_says_the_same_and_does_nothing_to_a_terminal(text: str) -> None:
    body = plain_json(msgspec.json.encode({text: [text]}))
    assert msgspec.json.decode(body) == {text: [text]}
    assert not {unicodedata.category(char) for char in body.decode()} & SHOWN_NEVER
