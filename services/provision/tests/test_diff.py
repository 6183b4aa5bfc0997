"""What provision calls a difference, and which ones it refuses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_provision.core.diff import differences, refused

FIELDS = st.sampled_from(["max_bytes", "max_age", "retention", "storage", "discard"])
VALUES = st.one_of(st.integers(0, 3), st.booleans(), st.sampled_from(["", "file", "memory"]))
CONFIGS = st.dictionaries(FIELDS, VALUES)


@given(CONFIGS)
def test_what_is_as_declared_has_no_difference(declared: dict[str, object]) -> None:
    assert differences(declared, declared) == []


@given(CONFIGS)
def test_zeros_that_the_broker_leaves_out_are_no_difference(declared: dict[str, object]) -> None:
    told = {field: value for field, value in declared.items() if value}
    assert differences(declared, told) == []


@given(CONFIGS, CONFIGS)
def test_every_declared_field_that_is_otherwise_is_named(
    declared: dict[str, object], live: dict[str, object]
) -> None:
    named = {one.field for one in differences(declared, live)}
    assert named == {
        field for field, wanted in declared.items() if (live.get(field) or None) != (wanted or None)
    }


@given(CONFIGS, CONFIGS, st.frozensets(FIELDS))
def test_only_what_may_change_is_ever_changed(
    declared: dict[str, object], live: dict[str, object], may_change: frozenset[str]
) -> None:
    found = differences(declared, live)
    kept = refused(found, may_change)
    assert {one.field for one in kept} == {one.field for one in found} - may_change


def test_a_difference_says_what_is_declared_and_what_is_there() -> None:
    (only,) = differences({"storage": "file"}, {"storage": "memory"})
    assert str(only) == "storage: declared 'file', live 'memory'"
