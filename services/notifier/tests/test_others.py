"""Whose dead letters they are."""

from __future__ import annotations

from pw_notifier.core.others import Others


def test_letters_of_any_notifier_are_no_updates_that_could_not_be_read() -> None:
    others = Others()
    assert others.of(10, 4, 0) == 10
    # Two of another notifier, one of ours, and one of a parser.
    assert others.of(14, 7, 1) == 11
    assert others.of(15, 7, 1) == 12


def test_old_letters_that_are_deleted_change_nothing() -> None:
    others = Others()
    assert others.of(10, 4, 0) == 10
    assert others.of(10, 0, 0) == 10
    # One of ours comes while an older one goes.
    assert others.of(11, 0, 1) == 10
    assert others.of(12, 1, 1) == 10
