"""Numbers as traders write them, and rows of signs: right to three digits, whatever comes."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_cli.terminal.sparkline import ASCII, BLOCKS, merged, sparkline
from pw_cli.terminal.trader_numbers import (
    amount,
    clock,
    compact,
    percent,
    quote_amount,
    sol,
    utc,
    when,
)
from pw_common.wire.history import SOL_MINT, TIME_MS_MAX

LETTERS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
floats = st.floats(allow_nan=False, allow_infinity=False)
values = st.lists(st.none() | floats, max_size=70)


def read(shown: str) -> Decimal:
    number, letter = (shown[:-1], shown[-1]) if shown[-1] in LETTERS else (shown, "")
    return Decimal(number.replace(",", "")) * LETTERS.get(letter, 1)


@given(floats | st.integers(-(2**200), 2**200).map(Decimal))
def test_a_number_is_right_to_three_digits_and_has_no_exponent(value: float | Decimal) -> None:
    shown = compact(value)
    assert "e" not in shown.lower()
    assert abs(read(shown) - Decimal(value)) <= abs(Decimal(value)) * Decimal("0.00501")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"), (4.72e-8, "0.0000000472"), (999.4, "999"), (1_234.0, "1,230"),
        (9_994.0, "9,990"), (9_996.0, "10K"), (12_345.0, "12.3K"), (999_900.0, "1M"),
        (1.5e9, "1.5B"), (2e12, "2T"), (5e18, "5,000,000T"), (-12_345.0, "-12.3K"),
    ],
)  # fmt: skip
def test_thousands_and_more_have_a_letter(value: float, shown: str) -> None:
    assert compact(value) == shown


def test_each_number_has_its_unit_and_what_is_unknown_is_said() -> None:
    assert sol(None) == "unknown"
    assert sol(12_345.0) == "12.3K SOL"
    assert percent(Decimal("0.4567")) == "45.7 %"
    assert percent(0.12, signed=True) == "+12 %"
    assert percent(-0.5, signed=True) == "-50 %"
    assert quote_amount(1_250_000_000, SOL_MINT) == "1.25 SOL"
    # What SOL has as decimals is not left to an answer.
    assert quote_amount(1_250_000_000, SOL_MINT, 0) == "1.25 SOL"
    assert quote_amount(5, None) == "unknown"
    assert quote_amount(None, SOL_MINT) == "unknown"
    assert amount(1_500, 3) == "1.5"
    assert amount(1_500, None) == amount(1_500, 10**9) == amount(1_500, -1) == "1,500 raw units"


@given(st.integers())
def test_any_time_is_shown_or_said_to_be_unknown(time_ms: int) -> None:
    is_time = 0 <= time_ms <= TIME_MS_MAX
    assert (utc(time_ms) == "unknown time") is not is_time
    assert (clock(time_ms) == "unknown time") is not is_time
    assert when(time_ms, 0)


def test_a_recent_time_is_an_age_and_an_old_one_a_date() -> None:
    assert when(1_790_000_000_000, 1_790_000_012_000) == "12 s ago"
    assert when(1_790_000_000_000, 1_789_999_999_000) == "0 s ago"
    assert when(1_767_225_600_000, 1_790_000_000_000) == "2026-01-01 00:00:00 UTC"
    assert when(None, 1) == "unknown"


@given(values, st.booleans(), st.booleans())
def test_a_row_of_signs_has_a_sign_for_each_value_and_keeps_their_order(
    row: list[float | None], ascii_only: bool, from_zero: bool
) -> None:
    shown = sparkline(row, ascii_only=ascii_only, from_zero=from_zero)
    signs = ASCII if ascii_only else BLOCKS
    assert len(shown) == len(row)
    assert shown.isascii() or not ascii_only
    levels = [None if sign == " " else signs.index(sign) for sign in shown]
    assert [one is None for one in levels] == [one is None for one in row]
    known = sorted(
        (value, level)
        for value, level in zip(row, levels, strict=True)
        if value is not None and level is not None
    )
    assert [level for _, level in known] == sorted(level for _, level in known)


def test_the_lowest_and_the_highest_are_the_ends() -> None:
    assert sparkline([1.0, None, 2.0, 3.0]) == "▁ ▅█"
    assert sparkline([0.0, 1e308, -1e308]) == "▅█▁"
    assert sparkline([7.0, 7.0]) == "▄▄"
    assert sparkline([2.0, 1.0], ascii_only=True, from_zero=True) == "#+"
    assert sparkline([]) == ""


@given(values, st.integers(-1, 80))
def test_merged_values_fit_and_none_is_lost(row: list[float | None], most: int) -> None:
    found, size = merged(row, most, lambda group: math.fsum(1.0 for _ in group))
    assert len(found) <= max(1, most)
    assert len(found) == math.ceil(len(row) / size)
    assert sum(one or 0.0 for one in found) == sum(one is not None for one in row)
