"""Which subscription is asked for after a refusal, and when the wider one is asked for again."""

from __future__ import annotations

import pytest

from pw_ingest.core.subscription.ladder import Ladder, refuses_filter
from pw_ingest.core.subscription.programs import MODES, Program, ladder

PUMP = Program("pumpfun", "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P")
NOT_ANY = "failed to create filter: Subscribe on full stream with `any` is not allowed"
RETRY_S = 100.0


def names(mode: str, *, with_failed: bool = False) -> list[str]:
    rungs = ladder(mode=mode, programs=[PUMP], commitment="confirmed", with_failed=with_failed)
    return [one.filter for one in rungs]


def of(mode: str = "successful") -> Ladder:
    return Ladder(ladder(mode=mode, programs=[PUMP], commitment="confirmed"), RETRY_S)


def test_each_subscription_is_followed_by_the_narrower_ones_in_their_order() -> None:
    for at, mode in enumerate(MODES):
        assert names(mode) == list(MODES[at:])


def test_with_failed_no_step_leaves_failures_out() -> None:
    expected = ["all-non-vote", "token-programs+failed", "programs+failed"]
    assert names("successful", with_failed=True) == expected
    assert names("all", with_failed=True) == ["all", *expected]
    for mode in MODES:
        rungs = ladder(mode=mode, programs=[PUMP], commitment="confirmed", with_failed=True)
        for rung in rungs:
            assert not any(one.HasField("failed") for one in rung.request.transactions.values())


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        ("INVALID_ARGUMENT", NOT_ANY, True),
        ("INVALID_ARGUMENT", "in words of its own", True),
        ("PERMISSION_DENIED", "your plan does not include this", True),
        ("RESOURCE_EXHAUSTED", "Max amount of Pubkeys reached, only 10 allowed", True),
        ("RESOURCE_EXHAUSTED", "too many streams", False),
        ("RESOURCE_EXHAUSTED", "Received message larger than max", False),
        ("INVALID_ARGUMENT", "from_slot is not supported", False),
        ("OUT_OF_RANGE", "broadcast from 5 is not available", False),
        ("UNAUTHENTICATED", "No valid auth token", False),
        ("UNAVAILABLE", "", False),
        ("INTERNAL", "lagged to send an update", False),
    ],
)
def test_a_refusal_of_the_filter_is_told_from_every_other_end(
    code: str, details: str, expected: bool
) -> None:
    assert refuses_filter(code, details) is expected


def test_what_is_narrowed_says_what_is_seen_in_place_of_what_and_why() -> None:
    found = of()
    assert found.narrowed == ""
    assert found.refused("INVALID_ARGUMENT", NOT_ANY, 0.0)
    assert found.narrowed.startswith("sees only token-programs, not successful: INVALID_ARGUMENT")
    assert NOT_ANY in found.narrowed


def test_where_all_are_refused_the_configured_one_is_asked_for_again() -> None:
    found = of()
    answers = [found.refused("PERMISSION_DENIED", "", 0.0) for _ in range(3)]
    assert answers == [True, True, False]
    assert found.now.filter == "successful"
    assert found.narrowed == ""
    assert not of("programs").refused("PERMISSION_DENIED", "", 0.0)


def test_a_wider_one_is_asked_for_again_after_a_time_and_not_before() -> None:
    found = of()
    found.refused("INVALID_ARGUMENT", NOT_ANY, 10.0)
    found.refused("INVALID_ARGUMENT", NOT_ANY, 10.0)
    found.opens(10.0 + RETRY_S - 1)
    assert found.now.filter == "programs"
    assert [one.filter for one in found.wider(10.0 + RETRY_S)] == ["successful", "token-programs"]
    assert not found.is_due(11.0 + RETRY_S)
    found.taken(found.wider(10.0 + 2 * RETRY_S)[1])
    assert found.now.filter == "token-programs"
    found.opens(10.0 + 4 * RETRY_S)
    assert found.now.filter == "successful"
