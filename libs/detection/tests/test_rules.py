"""Rules load as they always did, say all that is wrong, and never pass on what is unknown."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from pw_detection.rules.evaluate import evaluate, holds, near
from pw_detection.rules.rules import BadRules, Rule, compile_rule, read_rules, shipped_rules
from pw_detection.state.metrics import Reading

PREDECESSOR = """
- name: concentrated_accumulation
  enabled: true
  conditions:
    - "buy_count_5m >= 20"
    - unique_buyers_5m <= 5
    - buy_volume_sol_5m>=5
- name: sybil_pattern
  enabled: false
  conditions: ["new_wallet_pct_5m > 0.7"]
"""


def rule(*conditions: str, **more: Any) -> Any:
    return compile_rule(Rule(name="one", conditions=conditions, **more))


def reading(value: Any = None, unknown: Any = None, *, least: bool = False) -> Any:
    exact = None if value is None else Fraction(str(value))
    return lambda _name: Reading(exact, unknown, least)


def holds_all(one: Any, read: Any) -> bool:
    return holds(one.cheap_first, read)


def test_the_predecessors_files_load_unchanged() -> None:
    first, second = read_rules(PREDECESSOR)
    assert [one.text for one in compile_rule(first).conditions] == [
        "buy_count_5m >= 20",
        "unique_buyers_5m <= 5",
        "buy_volume_sol_5m >= 5",
    ]
    assert (first.enabled, second.enabled) == (True, False)
    assert read_rules(f"triggers:\n{PREDECESSOR.replace(chr(10), chr(10) + '  ')}")[0] == first


def test_eight_rules_are_shipped_and_two_are_off_with_a_reason() -> None:
    rules = shipped_rules()
    assert len(rules) == 8
    off = [one for one in rules if not one.enabled]
    assert {one.name for one in off} == {"sybil_pattern", "gradual_accumulation"}
    assert all(one.description.startswith("Off, because") for one in off)


def test_everything_that_is_wrong_is_said_at_once_with_what_is_valid() -> None:
    with pytest.raises(BadRules) as caught:
        read_rules(
            """
- {name: a, conditions: ["buy_cuont_5m >= 20", "buy_count_5m ~ 3", "buy_count_5m = 3"]}
- {name: a, conditions: ["buy_count_5m >= many"], cooldown: 5}
- {name: B C, conditions: []}
- nothing
"""
        )
    text = str(caught.value)
    for part in (
        "unknown metric 'buy_cuont_5m' (did you mean 'buy_count_5m'?); valid: avg_buy_size_1h",
        "'buy_count_5m ~ 3' is not `metric operator number`",
        "unknown operator '='; valid: >= > <= < ==",
        "'many' is not a number",
        "unknown field 'cooldown' (did you mean 'cooldown_s'?)",
        "'B C': not a name",
        "no conditions",
        "rules[3]: not a mapping",
        "named 2 times",
    ):
        assert part in text


@pytest.mark.parametrize("text", ["", "a: [", "5", "triggers: 7", "- [" * 50, "x" * 300_000])
def test_garbage_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadRules):
        read_rules(text)


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [(">=", 5, True), (">", 5, False), ("<=", 5, True), ("<", 5, False), ("==", 5, True)],
)
def test_operators_compare_exactly(op: str, value: int, expected: bool) -> None:
    assert holds_all(rule(f"buy_count_5m {op} 5"), reading(value)) is expected
    assert holds_all(rule("avg_buy_size_5m < 0.3"), reading("0.3")) is False


@pytest.mark.parametrize(("op", "expected"), [(">", "holds"), (">=", "holds"), ("<", "fails")])
def test_an_infinite_ratio_is_larger_than_any_number(op: str, expected: str) -> None:
    found = evaluate(rule(f"buy_sell_ratio_5m {op} 10"), reading(None, "no_sells"))
    assert found.verdict == expected
    assert found.conditions[0].value is None


@pytest.mark.parametrize("op", [">", ">=", "<", "<=", "=="])
@pytest.mark.parametrize("unknown", ["no_trades", "cold", "unvalued", "no_supply"])
def test_no_condition_holds_on_what_is_unknown(op: str, unknown: str) -> None:
    one = rule(f"buy_count_5m {op} 0")
    assert evaluate(one, reading(None, unknown)).verdict == "unknown"
    assert not holds_all(one, reading(None, unknown))


def test_a_lower_bound_proves_what_only_grows_and_nothing_else() -> None:
    assert holds_all(rule("buy_count_5m >= 5"), reading(6, least=True))
    assert evaluate(rule("buy_count_5m >= 5"), reading(4, least=True)).verdict == "unknown"
    assert evaluate(rule("unique_buyers_5m <= 5"), reading(3, least=True)).verdict == "unknown"
    assert evaluate(rule("unique_buyers_5m <= 5"), reading(6, least=True)).verdict == "fails"


def test_a_gate_that_is_unknown_blocks_and_says_so() -> None:
    one = rule("buy_count_5m >= 1", gates=("market_cap_sol >= 500",))

    def read(name: str) -> Reading:
        return Reading(9) if name == "buy_count_5m" else Reading(None, "no_supply")

    found = evaluate(one, read)
    assert found.verdict == "holds"
    assert found.blocked == ("gate unknown: market_cap_sol >= 500 (no_supply)",)


def test_what_a_rule_fell_short_by_is_told() -> None:
    one = rule("buy_count_5m >= 20", "avg_buy_size_5m < 0.3")
    values = {"buy_count_5m": Reading(17), "avg_buy_size_5m": Reading(None, "cold")}
    told = near(one, evaluate(one, values.__getitem__))
    assert told.fell_short_by == (
        "buy_count_5m >= 20: is 17, fell short by 3",
        "avg_buy_size_5m < 0.3: unknown (cold)",
    )
