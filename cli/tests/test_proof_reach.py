"""A rule that holds only because its blocks begin late is not taken for one that holds anyway."""

from __future__ import annotations

from typing import Literal

import pytest

from pw_cli.audit.proof.proof_reach import Reach, is_part, parts, rests_on_more
from pw_common.documents.proofs import ProvenRule
from pw_common.wire.alerts import Alert, Condition, Unknown

NOTHING = Reach()
FIVE = Reach(windows=frozenset({"5m"}))
HOURS = Reach(windows=frozenset({"5m", "1h"}), wallets=frozenset({"5m"}), created=True)


def rule(*conditions: str, gates: tuple[str, ...] = ()) -> ProvenRule:
    return ProvenRule(name="x", revision=0, conditions=conditions, gates=gates)


def alert(kind: Literal["opened", "escalated", "closed"], *conditions: Condition) -> Alert:
    return Alert(
        id="a",
        episode="e",
        n=0,
        kind=kind,
        trigger="x",
        severity="warning",
        slot=9,
        opened_slot=9,
        event_time_ms=9_000,
        mint="M",
        conditions=conditions,
    )


def reading(
    verdict: Literal["holds", "fails", "unknown"], value: float | None, unknown: Unknown | None
) -> Condition:
    return Condition(text="", metric="", value=value, unknown=unknown, verdict=verdict)


def test_a_metric_is_of_a_part_where_its_window_was_not_seen_whole() -> None:
    assert is_part("buy_count_5m", NOTHING)
    assert not is_part("buy_count_5m", FIVE)
    assert is_part("watched_buyers_1h", FIVE)
    assert is_part("new_wallet_pct_5m", FIVE)
    assert not is_part("new_wallet_pct_5m", HOURS)
    assert is_part("price_sol", NOTHING)
    assert not is_part("supply", NOTHING)
    assert parts(HOURS) == ("new_wallet_pct_1h",)


@pytest.mark.parametrize(
    ("condition", "reach", "rests"),
    [
        ("buy_volume_sol_5m >= 10", NOTHING, False),
        ("watched_buyers_5m > 0", NOTHING, False),
        ("watched_buyers_5m < 3", NOTHING, True),
        ("unique_buyers_5m <= 5", NOTHING, True),
        ("unique_buyers_5m <= 5", FIVE, False),
        # Without a sell it is infinite, also where the sells lie before the blocks.
        ("buy_sell_ratio_5m > 10", NOTHING, True),
        ("buy_sell_ratio_5m > 10", FIVE, False),
        ("buy_sell_ratio_1h > 10", FIVE, True),
        ("new_wallet_pct_5m > 0.7", FIVE, True),
        ("new_wallet_pct_5m > 0.7", HOURS, False),
        # Who created a token is seen where it was created.
        ("watched_creator < 1", FIVE, True),
        ("watched_creator < 1", HOURS, False),
        ("watched_creator > 0", FIVE, False),
        ("market_cap_sol < 100", FIVE, True),
        ("price_sol > 1", NOTHING, True),
        ("price_sol > 1", FIVE, False),
        ("watched_token > 0", NOTHING, False),
    ],
)
def test_a_condition_rests_on_more_where_earlier_blocks_could_turn_it(
    condition: str, reach: Reach, rests: bool
) -> None:
    found = rests_on_more(rule("buy_count_5m > 1", condition), alert("opened"), reach)
    assert found == ((condition,) if rests else ())


def test_a_gate_is_judged_as_a_condition_is() -> None:
    one = rule("buy_count_5m > 1", gates=("buy_sell_ratio_5m > 10",))
    assert rests_on_more(one, alert("escalated"), NOTHING) == ("buy_sell_ratio_5m > 10",)
    assert rests_on_more(one, alert("escalated"), FIVE) == ()


def test_an_end_rests_on_one_condition_that_surely_fails() -> None:
    one = rule("buy_count_5m > 10", "unique_buyers_5m <= 3")
    few = reading("fails", 2.0, None)
    less_is_known = reading("unknown", 2.0, "cold")
    many = reading("fails", 9.0, "cold")
    held = reading("holds", 99.0, None)
    assert rests_on_more(one, alert("closed", few, held), FIVE) == ()
    assert rests_on_more(one, alert("closed", held, many), NOTHING) == ()
    assert rests_on_more(one, alert("closed", less_is_known, held), NOTHING) == (
        "buy_count_5m > 10",
    )
