"""What a person reads is what was moved, digit for digit, by names that nobody can borrow."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_cli.offline.programs_file import programs_of
from pw_cli.terminal.render_amounts import QUOTE_NAMES, in_decimals, name_of, price_of
from pw_common.documents.programs import BadPrograms

RAW = st.integers(-(2**64), 2**64)
DECIMALS = st.integers(0, 255)


@given(raw=RAW, decimals=DECIMALS)
def test_an_amount_is_shown_with_every_digit(raw: int, decimals: int) -> None:
    shown = Fraction(in_decimals(raw, decimals).replace(",", ""))
    assert shown == Fraction(raw, 10**decimals)


def test_an_amount_beyond_what_a_float_holds_keeps_its_last_digit() -> None:
    assert in_decimals(57_886_551_891_123_424, 9) == "57,886,551.891123424"


def test_a_mint_that_begins_like_a_dollar_is_not_called_one() -> None:
    for mint, name in QUOTE_NAMES.items():
        assert name_of(mint) == name
        assert name_of(mint[:-1] + ("a" if mint[-1] != "a" else "b")) == mint[:8]


@given(
    quote_raw=st.integers(1, 2**63), base_raw=st.integers(1, 2**63),
    quote_decimals=st.integers(0, 12), base_decimals=st.integers(0, 12),
)  # fmt: skip
def test_a_price_is_right_to_six_digits(
    quote_raw: int, base_raw: int, quote_decimals: int, base_decimals: int
) -> None:
    exact = Fraction(quote_raw, 10**quote_decimals) / Fraction(base_raw, 10**base_decimals)
    told = price_of((quote_raw, quote_decimals), (base_raw, base_decimals))
    assert told is not None
    shown = Fraction(told.replace(",", ""))
    assert shown <= exact
    assert exact - shown <= exact / 10**6


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_a_file_without_a_program_is_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(body)
    with pytest.raises(BadPrograms, match="no program in it"):
        programs_of(path)
