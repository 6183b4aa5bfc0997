"""Rows of Parquet become events in order; what cannot be one is named."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.dated import Dated
from pw_cli.offline.event_slots import slots_of
from pw_cli.parquet.swap_rows import events_of
from pw_common.wire.messages import Swap, TokenCreated

# The least that a swap is.
LEAST = (
    "'s' || {n} AS signature, 't' AS trader, 'buy' AS side, 'm' AS mint, "
    "5::UBIGINT AS base_amount_raw, 6 AS base_decimals, 0 AS ordinal, 1 AS tx_index"
)


def write(path: Path, *rows: str) -> Path:
    """A file of these SELECTs."""
    duckdb.execute(f"COPY ({' UNION ALL BY NAME '.join(rows)}) TO '{path}' (FORMAT parquet)")
    return path


def swap(n: int, more: str) -> str:
    return f"SELECT {LEAST.format(n=n)}, {more}"


def token(slot: int) -> str:
    return (
        f"SELECT 'm{slot}' AS mint, 'n' AS name, 's' AS symbol, 'c' AS creator, NULL AS decimals, "
        f"NULL AS supply_raw, 'p' AS program, 'x{slot}' AS signature, 0 AS ordinal, "
        f"{slot} AS slot, 1 AS tx_index, {slot} * 400 AS event_time_ms"
    )


def read(*files: Path) -> list[Dated]:
    return list(events_of(files))


def test_a_swap_with_the_least_columns_has_the_rest_by_default(tmp_path: Path) -> None:
    [one] = read(write(tmp_path / "a.parquet", swap(1, "7 AS slot")))
    assert one.event == Swap(
        signature="s1", ordinal=0, slot=7, index=1, trader="t", side="buy", mint="m",
        base_amount_raw=5, base_decimals=6, quote_mint=None, quote_amount_raw=None,
        quote_decimals=None,
    )  # fmt: skip
    assert (one.event_time_ms, one.session) == (None, 0)


def test_lists_are_lists_or_text_and_no_list_is_empty(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a.parquet", swap(1, "1 AS slot, 'a b' AS venues, '' AS signers")),
        write(tmp_path / "b.parquet", swap(1, "1 AS slot, ['a', 'b'] AS venues, NULL AS signers")),
    ]
    for path in paths:
        [one] = read(path)
        assert isinstance(one.event, Swap)
        assert (one.event.venues, one.event.signers) == (("a", "b"), ())


@pytest.mark.parametrize("kind", ["UBIGINT", "DECIMAL(20, 0)", "DECIMAL(38, 2)"])
def test_amounts_of_64_bits_stay_whole(tmp_path: Path, kind: str) -> None:
    rows = swap(1, f"1 AS slot, {2**64 - 1}::{kind} AS quote_amount_raw")
    [one] = read(write(tmp_path / "a.parquet", rows))
    assert isinstance(one.event, Swap)
    assert one.event.quote_amount_raw == 2**64 - 1


def test_amounts_of_columns_that_rounded_them_are_refused(tmp_path: Path) -> None:
    rounded = swap(1, "1 AS slot").replace("5::UBIGINT", "9007199254740993::DOUBLE")
    with pytest.raises(BadInput, match=r"base_amount_raw: 9007199254740992\.0 is not exact"):
        read(write(tmp_path / "a.parquet", rounded))


def test_what_filled_a_gap_is_taken_with_the_slots_around_it(tmp_path: Path) -> None:
    """Its blocks have whole seconds, and a token's row does not say that it came later."""
    rows = [
        swap(1, "7 AS slot, 5400 AS event_time_ms, false AS amended"),
        swap(2, "8 AS slot, 5000 AS event_time_ms, true AS amended"),
        swap(3, "9 AS slot, 5800 AS event_time_ms, false AS amended"),
    ]
    paths = [
        write(tmp_path / "swaps.parquet", *rows),
        write(tmp_path / "tokens.parquet", token(8), token(9)),
    ]
    found = list(slots_of(events_of(paths), pytest.fail))
    assert [(one.slot, one.event_time_ms) for one in found] == [(7, 5400), (8, 5400), (9, 5800)]
    assert [len(one.tokens) for one in found] == [0, 1, 1]


def test_events_are_by_session_and_slot_and_a_token_is_of_the_first_that_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pw_cli.parquet.swap_rows.SPAN_SLOTS", 2)
    monkeypatch.setattr("pw_cli.parquet.swap_rows.SPAN_ROWS_MAX", 2)
    at = [(2, 30), (1, 20), (1, 10), (2, 40), (1, 14), (2, 12)]
    swaps = write(
        tmp_path / "swaps.parquet",
        *(swap(n, f"{slot} AS slot, {session} AS session") for n, (session, slot) in enumerate(at)),
    )
    tokens = write(tmp_path / "tokens.parquet", *map(token, (5, 14, 20, 21, 50)))
    found = read(swaps, tokens)
    assert [one.key for one in found] == [
        (1, 5), (1, 10), (1, 14), (1, 14), (1, 20), (1, 20),
        (2, 12), (2, 21), (2, 30), (2, 40), (2, 50),
    ]  # fmt: skip
    made = [one.key for one in found if isinstance(one.event, TokenCreated)]
    assert made == [(1, 5), (1, 14), (1, 20), (2, 21), (2, 50)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("NULL::BIGINT AS slot", "allowed: in each row a whole number"),
        ("-1 AS slot", "allowed: in each row a whole number"),
        ("1.5::DOUBLE AS slot", "allowed: in each row a whole number"),
        ("'7' AS slot", "allowed: in each row a whole number"),
        ("1 AS nothing", "a.parquet: no column slot"),
        ("0 AS slot", "a.parquet: slot 0, swap.v1 s1: slot: 0; allowed: 1 to 1000000000000"),
        ("2 ** 63 AS slot", "allowed: in each row a whole number"),
        (f"{2**64 - 1}::UBIGINT AS slot", f"slot: {2**64 - 1}; allowed: 1 to 1000000000000"),
        ("1 AS slot, NULL::INTEGER AS session", "swaps without a session"),
        ("1 AS slot, -1 AS event_time_ms", "event_time_ms: -1; allowed: 0 to "),
        ("1 AS slot, 'soon' AS event_time_ms", "event_time_ms"),
        ("1 AS slot, 'nan'::DOUBLE AS confidence", "confidence: nan; allowed: 0 to 1"),
        ("1 AS slot, -5 AS quote_amount_raw", "quote_amount_raw: -5; allowed: 0 to "),
        ("1 AS slot, 1.5::DECIMAL(3, 1) AS quote_amount_raw", "quote_amount_raw: "),
        ("1 AS slot, {'a': 1} AS venues", "venues: "),
        ("1 AS slot, 'x'::BLOB AS fee_payer", "fee_payer"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(more: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", swap(1, more))
    with pytest.raises(BadInput) as refused:
        read(path)
    assert said in str(refused.value)


def test_tokens_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no swaps"):
        read(write(tmp_path / "tokens.parquet", token(5)))
