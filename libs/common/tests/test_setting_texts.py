"""Which texts are which values, for every type that a setting may have."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.service.settings import look, setting

REFUSED: Final = {
    int: "allowed: a whole number",
    float: "allowed: a number",
    bool: "allowed: true or false",
}
NO: Final = object()
# One line a text: what it is as a whole number, as a number and as true or false.
TEXTS: Final[tuple[tuple[str, Any, Any, Any], ...]] = (
    ("0", 0, 0.0, False),
    ("1", 1, 1.0, True),
    ("2", 2, 2.0, NO),
    ("-5", -5, -5.0, NO),
    ("+5", 5, 5.0, NO),
    ("-0", 0, -0.0, NO),
    ("005", 5, 5.0, NO),
    (" 5 ", 5, 5.0, NO),
    ("5\n", 5, 5.0, NO),
    ("1_000", 1000, 1000.0, NO),
    ("\u0665", 5, 5.0, NO),
    ("1" * 30, int("1" * 30), float("1" * 30), NO),
    ("9" * 5000, NO, math.inf, NO),
    ("1e3", NO, 1000.0, NO),
    ("5.0", NO, 5.0, NO),
    ("5.", NO, 5.0, NO),
    (".5", NO, 0.5, NO),
    ("0.25", NO, 0.25, NO),
    ("1e400", NO, math.inf, NO),
    ("-Infinity", NO, -math.inf, NO),
    ("0x10", NO, NO, NO),
    ("1__0", NO, NO, NO),
    ("- 5", NO, NO, NO),
    ("5s", NO, NO, NO),
    ("1,000", NO, NO, NO),
    ("true", NO, NO, True),
    ("TRUE", NO, NO, True),
    ("yes", NO, NO, True),
    ("On", NO, NO, True),
    ("false", NO, NO, False),
    ("No", NO, NO, False),
    ("off", NO, NO, False),
    (" true", NO, NO, NO),
    ("t", NO, NO, NO),
    ("y", NO, NO, NO),
    ("null", NO, NO, NO),
    ("none", NO, NO, NO),
    (" ", NO, NO, NO),
    ("[5]", NO, NO, NO),
    ('"5"', NO, NO, NO),
)
NUMBERS: Final = st.text(alphabet="0123456789 +-_.eEinfa\n\u0665", min_size=1, max_size=12)


def read(text: str, hint: Any) -> Any:
    """The value that a setting of this type has by this text, or the words of its refusal."""
    declared = ("value", hint, setting("PW_X", "what"))
    found, problems = look(dataclasses.make_dataclass("Example", [declared]), {"PW_X": text})
    if found is None:
        [problem] = problems
        assert problem.env == "PW_X"
        assert problem.shown
        return problem.why
    return found.value


@pytest.mark.parametrize(
    ("text", "whole", "number", "truth"), TEXTS, ids=[repr(text)[:12] for text, *_ in TEXTS]
)
def test_each_text_is_the_value_that_it_always_was(
    text: str, whole: Any, number: Any, truth: Any
) -> None:
    for kind, value in ((int, whole), (float, number), (bool, truth)):
        found = read(text, kind)
        expected = REFUSED[kind] if value is NO else value
        # By their letters: -0.0 is not 0.0, and True is not 1.
        assert repr(found) == repr(expected), kind


@given(NUMBERS | st.text(min_size=1))
def test_numbers_are_read_as_python_reads_them(text: str) -> None:
    for kind in (int, float):
        try:
            expected: Any = kind(text)
        except ValueError:
            expected = REFUSED[kind]
        assert repr(read(text, kind)) == repr(expected)


@given(st.text(min_size=1))
def test_words_and_paths_are_kept_to_the_letter(text: str) -> None:
    assert read(text, str) == text
    assert read(text, Path) == Path(text)


@pytest.mark.parametrize("kind", [str, int, float, bool, Path])
@pytest.mark.parametrize("text", ["7", "0", "off", "null", "/a"])
def test_a_setting_that_may_be_none_is_read_as_its_type_is(kind: Any, text: str) -> None:
    for hint in (kind | None, None | kind):
        assert repr(read(text, hint)) == repr(read(text, kind)), hint


@pytest.mark.parametrize("hint", [list[int], tuple[Path, ...], int | str, Literal["a"], None])
def test_a_type_that_no_text_is_read_as_is_refused_whatever_is_set(hint: Any) -> None:
    declared = ("value", hint, setting("PW_X", "what", default=None))
    for environ in ({}, {"PW_X": "a"}):
        with pytest.raises(TypeError, match="PW_X"):
            look(dataclasses.make_dataclass("Example", [declared]), environ)
