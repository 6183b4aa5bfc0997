"""The same events as typed lines and as Parquet, for commands that read files."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import msgspec
import zstandard

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap, TokenCreated, encode

SWAP_COLUMNS = """session INTEGER, slot UBIGINT, event_time_ms BIGINT, tx_index UINTEGER,
    signature VARCHAR, ordinal UINTEGER, trader VARCHAR, side VARCHAR, mint VARCHAR,
    base_amount_raw UBIGINT, base_decimals UTINYINT, quote_mint VARCHAR, quote_amount_raw UBIGINT,
    quote_decimals UTINYINT, venues VARCHAR, route_hops UINTEGER, confidence DOUBLE,
    reasons VARCHAR, fee_payer VARCHAR, signers VARCHAR, amended BOOLEAN"""
TOKEN_COLUMNS = """mint VARCHAR, name VARCHAR, symbol VARCHAR, creator VARCHAR, decimals UTINYINT,
    supply_raw UBIGINT, program VARCHAR, signature VARCHAR, ordinal UINTEGER, slot UBIGINT,
    tx_index UINTEGER, event_time_ms BIGINT"""
LISTS = ("venues", "reasons", "signers")


def write_lines(path: Path, lines: Iterable[bytes]) -> Path:
    body = b"".join(line + b"\n" for line in lines)
    if path.suffix == ".gz":
        body = gzip.compress(body)
    elif path.suffix == ".zst":
        body = zstandard.compress(body)
    path.write_bytes(body)
    return path


def lines_of(slots: Iterable[ClosedSlot], *, with_session: bool = False) -> list[bytes]:
    """Swaps and tokens with the time of their slot, as history exports them."""
    found, session = [], 0
    for one in slots:
        session += one.reset
        beside: dict[str, int] = {"event_time_ms": one.event_time_ms}
        if with_session:
            beside["session"] = session
        found += [
            msgspec.json.encode({**msgspec.json.decode(encode(event)), **beside})
            for event in (*one.tokens, *one.swaps)
        ]
    return found


def write_parquet(
    folder: Path, slots: Sequence[ClosedSlot], *, as_lists: bool = False, parts: int = 1
) -> list[Path]:
    """Files as history's columns are, sorted by mint; made by DuckDB alone."""
    folder.mkdir(parents=True, exist_ok=True)
    swaps, tokens, session = [], [], 0
    for one in slots:
        session += one.reset
        swaps += [_swap_row(swap, one, session) for swap in one.swaps]
        tokens += [_token_row(token, one) for token in one.tokens]
    connection = duckdb.connect(":memory:")
    connection.execute(f"CREATE TABLE swaps ({SWAP_COLUMNS})")
    connection.execute(f"CREATE TABLE tokens ({TOKEN_COLUMNS})")
    for table, rows in (("swaps", swaps), ("tokens", tokens)):
        if rows:
            columns = [list(one) for one in zip(*rows, strict=True)]
            marks = ", ".join(["unnest(?)"] * len(columns))
            connection.execute(f"INSERT INTO {table} SELECT {marks}", columns)
    shown = "*"
    if as_lists:
        split = ", ".join(
            f"CASE {one} WHEN '' THEN [] ELSE string_split({one}, ' ') END AS {one}"
            for one in LISTS
        )
        shown = f"* REPLACE ({split})"
    files = []
    for part in range(parts):
        files.append(folder / f"swaps-{part}.parquet")
        connection.execute(
            f"COPY (SELECT {shown} FROM swaps WHERE slot % {parts} = {part} ORDER BY mint, slot) "
            f"TO '{files[-1]}' (FORMAT parquet)"
        )
    files.append(folder / "tokens-0.parquet")
    connection.execute(f"COPY tokens TO '{files[-1]}' (FORMAT parquet)")
    connection.close()
    return files


def _swap_row(swap: Swap, one: ClosedSlot, session: int) -> list[object]:
    return [
        session, one.slot, one.event_time_ms, swap.index, swap.signature, swap.ordinal,
        swap.trader, swap.side, swap.mint, swap.base_amount_raw, swap.base_decimals,
        swap.quote_mint, swap.quote_amount_raw, swap.quote_decimals, " ".join(swap.venues),
        swap.route_hops, swap.confidence, " ".join(swap.reasons), swap.fee_payer,
        " ".join(swap.signers), False,
    ]  # fmt: skip


def _token_row(token: TokenCreated, one: ClosedSlot) -> list[object]:
    return [
        token.mint, token.name, token.symbol, token.creator, token.decimals, token.supply_raw,
        token.program, token.signature, token.ordinal, one.slot, token.index, one.event_time_ms,
    ]  # fmt: skip
