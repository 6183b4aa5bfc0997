"""Answers become values: amounts are whole numbers, and what is new or strange breaks nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketwatcher import Alert, AlertAnswer, BadAnswer, Candle, PastAlert, Swap
from pocketwatcher.models import decoded, whole

SWAP: dict[str, Any] = {
    "slot": 1, "event_time_ms": 2, "signature": "s", "ordinal": 0, "trader": "t", "side": "buy",
    "mint": "m", "base_amount_raw": "18446744073709551615", "base_decimals": 6,
    "quote_mint": "q", "quote_amount_raw": "1500000000", "quote_decimals": 9,
    "price": "0.00000002824599",
}  # fmt: skip
ALERT: dict[str, Any] = {
    "type": "alert.v1", "id": "a", "kind": "opened", "trigger": "quick", "severity": "info",
    "slot": 1, "event_time_ms": 2,
}  # fmt: skip
KINDS = (Alert, AlertAnswer, Candle, PastAlert, Swap)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=10,
)


def test_amounts_come_as_text_and_are_whole_numbers() -> None:
    swap = decoded(json.dumps(SWAP), Swap)
    assert swap.base_amount_raw == 2**64 - 1
    assert swap.base_amount_raw + 1 == 2**64
    assert swap.base_amount == Decimal("18446744073709.551615")
    assert swap.quote_amount == Decimal("1.5")
    assert swap.price == Decimal("0.00000002824599")
    unvalued = SWAP | {"quote_mint": None, "quote_amount_raw": None, "quote_decimals": None}
    swap = decoded(json.dumps(unvalued | {"price": None}), Swap)
    assert (swap.quote_amount, swap.price) == (None, None)


@pytest.mark.parametrize("amount", [f"{2**128}", f"-{2**128}", "0", 7])
def test_sums_beyond_64_bits_keep_every_digit(amount: str | int) -> None:
    assert decoded(json.dumps(SWAP | {"base_amount_raw": amount}), Swap).base_amount_raw == int(
        amount
    )


@pytest.mark.parametrize(
    "amount", ["", "-", "1.5", "1e3", "+1", " 1", "1_0", "٣", "0x1", "9" * 41, 1.5, True, None, []]
)
def test_what_is_no_amount_is_refused_by_name_and_not_guessed(amount: Any) -> None:
    with pytest.raises(BadAnswer, match="base_amount_raw"):
        decoded(json.dumps(SWAP | {"base_amount_raw": amount}), Swap)


def test_fields_and_words_of_a_newer_server_break_nothing() -> None:
    newer = ALERT | {"kind": "foretold", "severity": "grave", "fresh": {"a": [1]}, "seq": 4}
    alert = decoded(json.dumps(newer), Alert)
    assert (alert.kind, alert.severity, alert.seq) == ("foretold", "grave", 4)
    swap = decoded(json.dumps(SWAP | {"side": "mint", "fresh": 1}), Swap)
    assert swap.side == "mint"


def test_an_alert_of_an_earlier_version_that_lacks_fields_is_read() -> None:
    alert = decoded(json.dumps(ALERT), Alert)
    assert (alert.mint, alert.supply_raw, alert.conditions, alert.ended) == ("", None, (), ())
    assert decoded(json.dumps({"alert": ALERT}), AlertAnswer).after is None


@given(st.integers(-(2**130), 2**130), st.integers(0, 30))
def test_whole_units_are_exact(raw: int, decimals: int) -> None:
    assert str(whole(0, decimals)) == "0"
    shown = whole(raw, decimals)
    assert int(f"{shown:.{decimals}f}".replace(".", "")) == raw


@given(st.binary() | values.map(lambda one: json.dumps(one).encode()), st.sampled_from(KINDS))
def test_garbage_is_a_bad_answer_and_never_a_fault(body: bytes, kind: type[object]) -> None:
    try:
        decoded(body, kind)
    except BadAnswer as error:
        assert str(error)
    else:
        pytest.fail("garbage was taken for an answer")


@given(st.sampled_from(sorted(SWAP)), values)
def test_a_wrong_field_is_a_bad_answer_and_never_a_fault(name: str, value: Any) -> None:
    try:
        swap = decoded(json.dumps(SWAP | {name: value}), Swap)
    except BadAnswer as error:
        assert name in str(error) or "JSON" in str(error) or "float" in str(error)
    else:
        assert swap.slot >= 0 or name == "slot"


def test_nesting_without_end_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        decoded(b'{"fresh":' + b"[" * 200_000, Swap)
