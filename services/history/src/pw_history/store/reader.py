"""Reading: each question is one consistent look at the file, on a cursor of its own.

What is not derived yet is derived while reading: the open minutes and the open hours, from their
swaps, by the same queries (`derived.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from pw_common.wire.history import (
    HOLES_MAX,
    ROWS_MAX,
    TIME_MS_MAX,
    BuyersAsked,
    Candle,
    CandlesAsked,
    ExportAsked,
    HistoryHead,
    HistorySwap,
    Hole,
    SwapsAsked,
    TokenBuyer,
    WalletAsked,
    WalletToken,
)
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_history.core.fifo import Trade, profit_of
from pw_history.store.derived import HOUR, minutes_of, wallet_hours_of
from pw_history.store.schema import HOUR_MS, MINUTE_MS

FETCHED: Final = 1_000
SWAP: Final = """
    session, slot, event_time_ms, tx_index AS index, signature, ordinal, trader, side, mint,
    base_amount_raw, base_decimals, quote_mint, quote_amount_raw, quote_decimals, venues,
    route_hops, confidence, reasons, fee_payer, signers, amended
"""
PLACE: Final = "(slot, tx_index, signature, ordinal)"
SUMMED: Final = """
    sum(buys)::BIGINT AS buys, sum(sells)::BIGINT AS sells, sum(bought_raw) AS bought_raw,
    sum(sold_raw) AS sold_raw, sum(spent_raw) AS spent_raw, sum(received_raw) AS received_raw,
    min(first_ms) AS first_ms, max(last_ms) AS last_ms
"""


class Reader:
    """Answers from one snapshot; `close` it, which ends what it still reads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._cursor = connection.cursor()
        self._cursor.begin()
        position = self._cursor.execute("SELECT slot, event_time_ms FROM position").fetchone()
        kept = self._cursor.execute("FROM kept").fetchone()
        self.slot, self.event_time_ms = position or (0, 0)
        # Before these nothing is kept.
        self.swaps_since_ms, self.minutes_since_ms = kept or (0, 0)

    def close(self) -> None:
        """Give the snapshot up."""
        self._cursor.close()

    def interrupt(self) -> None:
        """End what is being read, from another thread: it raises duckdb.InterruptException."""
        self._cursor.interrupt()

    def head(self, asked: object = None, behind_s: float = 0.0) -> HistoryHead:
        """How far the file has come, and what is missing in the time that is asked about."""
        execute = self._cursor.execute
        oldest = execute("SELECT min(event_time_ms), count(*) FROM swaps").fetchone()
        minute = execute("SELECT min(minute_ms) FROM minutes").fetchone()
        return HistoryHead(
            slot=self.slot,
            event_time_ms=self.event_time_ms,
            swaps_since_ms=oldest[0] if oldest else None,
            minutes_since_ms=minute[0] if minute else None,
            holes=tuple(self._holes(*_span(asked))),
            behind_s=behind_s,
            swaps=oldest[1] if oldest else 0,
        )

    def _holes(self, first_ms: int, end_ms: int) -> Iterator[Hole]:
        """Newest first; a gap's times are those of the slots around it that are known."""
        rows = self.rows(
            f"""
            WITH found AS (
                SELECT why, '' AS gap, first_slot, last_slot, first_ms, last_ms FROM holes
                UNION ALL
                SELECT why, id, first_slot, last_slot,
                    (SELECT max(event_time_ms) FROM clock WHERE slot < gaps.first_slot),
                    (SELECT min(event_time_ms) FROM clock WHERE slot > gaps.last_slot)
                FROM gaps WHERE NOT filled
            )
            FROM found WHERE coalesce(first_ms, 0) < $end_ms
            AND coalesce(last_ms, $end_ms) >= $first_ms
            ORDER BY first_slot DESC, why LIMIT {HOLES_MAX}
            """,
            {"first_ms": first_ms, "end_ms": end_ms},
        )
        for why, gap, first_slot, last_slot, begin_ms, last_ms in rows:
            yield Hole(
                first_ms=begin_ms, last_ms=last_ms, why=why, gap=gap, first_slot=first_slot,
                last_slot=last_slot,
            )  # fmt: skip

    def candles(self, asked: CandlesAsked) -> Iterator[Candle]:
        """Oldest first."""
        bounds = {
            "mint": asked.mint,
            "quote_mint": asked.quote_mint,
            "first_ms": asked.first_ms,
            "end_ms": asked.end_ms,
        }
        of_pair = "mint = $mint AND quote_mint = $quote_mint"
        live = minutes_of(f"{of_pair} AND {self.open_minutes()}")
        step = asked.step_ms
        one = step == MINUTE_MS
        wallets = "any_value(buyers), any_value(sellers)" if one else "NULL, NULL"
        rows = self.rows(
            f"""
            WITH parts AS (
                SELECT * FROM minutes WHERE {of_pair}
                AND minute_ms NOT IN (SELECT minute_ms FROM open_minutes)
                UNION ALL {live}
            )
            SELECT
                minute_ms // {step} * {step} AS begin_ms,
                arg_min(open, minute_ms), max(high), min(low), arg_max(close, minute_ms),
                sum(trades)::BIGINT, sum(buys)::BIGINT, sum(bought_raw), sum(sold_raw),
                sum(spent_raw), sum(received_raw), {wallets}
            FROM parts WHERE minute_ms >= $first_ms AND minute_ms < $end_ms
            GROUP BY begin_ms ORDER BY begin_ms LIMIT {min(asked.limit, ROWS_MAX)}
            """,
            bounds,
        )
        for row in rows:
            yield Candle(
                begin_ms=row[0], open=row[1], high=row[2], low=row[3], close=row[4],
                trades=row[5], buys=row[6], bought_raw=row[7], sold_raw=row[8], spent_raw=row[9],
                received_raw=row[10], buyers=row[11], sellers=row[12],
            )  # fmt: skip

    def swaps(self, asked: SwapsAsked) -> Iterator[HistorySwap]:
        """Newest first."""
        where, values = swaps_where(asked)
        if asked.wallet is not None:
            # A signer is looked for as text first, which is much quicker.
            where += """ AND ($wallet IN (trader, fee_payer) OR (contains(signers, $wallet)
                AND list_contains(string_split(signers, ' '), $wallet)))"""
            values["wallet"] = asked.wallet
        if asked.before is not None:
            rest = "(tx_index, signature, ordinal) < ($index, $signature, $ordinal)"
            where += f" AND (slot < $slot OR (slot = $slot AND {rest}))"
            values |= msgspec.structs.asdict(asked.before)
        limit = min(asked.limit, ROWS_MAX)
        # Found by slots alone, the rest is read of a few rows only: many times quicker.
        slots = f"SELECT slot FROM swaps WHERE {where} ORDER BY slot DESC LIMIT {limit}"
        [(least,)] = self.rows(f"SELECT coalesce(min(slot), 0) FROM ({slots})", values)
        rows = self.rows(
            f"""
            SELECT {SWAP} FROM swaps WHERE slot >= {int(least)} AND {where}
            ORDER BY slot DESC, tx_index DESC, signature DESC, ordinal DESC LIMIT {limit}
            """,
            values,
        )
        for row in rows:
            yield _swap(row)

    def wallet(self, asked: WalletAsked) -> Iterator[WalletToken]:
        """By token, what was traded last first."""
        values: dict[str, Any] = {"trader": asked.trader}
        of = "trader = $trader"
        if asked.mint is not None:
            of += " AND mint = $mint"
            values["mint"] = asked.mint
        behind = "true"
        if asked.before is not None:
            behind = "(-max(last_ms), mint, coalesce(quote_mint, '')) > (-$last_ms, $m, $q)"
            before = asked.before
            values |= {"last_ms": before.last_ms, "m": before.mint, "q": before.quote_mint or ""}
        rows = self.rows(
            f"""
            SELECT mint, quote_mint, {SUMMED} FROM ({self.hours(of)})
            GROUP BY mint, quote_mint HAVING {behind}
            ORDER BY last_ms DESC, mint, coalesce(quote_mint, '')
            LIMIT {min(asked.limit, ROWS_MAX)}
            """,
            values,
        )
        found = [_wallet_token(row) for row in rows]
        for one in found:
            yield one if asked.mint is None else self._with_profit(asked.trader, one)

    def buyers(self, asked: BuyersAsked) -> Iterator[TokenBuyer]:
        """Those who spent most first."""
        values: dict[str, Any] = {"mint": asked.mint, "quote_mint": asked.quote_mint}
        behind = "true"
        if asked.before is not None:
            behind = "(-sum(spent_raw), trader) > (-$spent_raw::HUGEINT, $trader)"
            values |= msgspec.structs.asdict(asked.before)
        rows = self.rows(
            f"""
            SELECT trader, {SUMMED}
            FROM ({self.hours("mint = $mint AND quote_mint = $quote_mint")})
            GROUP BY trader HAVING sum(buys) > 0 AND {behind}
            ORDER BY spent_raw DESC, trader LIMIT {min(asked.limit, ROWS_MAX)}
            """,
            values,
        )
        for row in rows:
            yield TokenBuyer(
                trader=row[0], buys=row[1], sells=row[2], bought_raw=row[3], sold_raw=row[4],
                spent_raw=row[5], received_raw=row[6], first_ms=row[7], last_ms=row[8],
            )  # fmt: skip

    def _with_profit(self, trader: str, one: WalletToken) -> WalletToken:
        rows = self.rows(
            f"""
            SELECT side, base_amount_raw, quote_amount_raw FROM swaps
            WHERE trader = $trader AND mint = $mint AND quote_mint IS NOT DISTINCT FROM $quote_mint
            AND confidence >= {CONFIDENCE_MIN}
            ORDER BY slot, tx_index, signature, ordinal
            """,
            {"trader": trader, "mint": one.mint, "quote_mint": one.quote_mint},
        )
        profit = profit_of(Trade(*row) for row in rows)
        return msgspec.structs.replace(
            one,
            realized_raw=profit.realized_raw,
            unknown_sold_raw=profit.unknown_sold_raw,
            held_raw=profit.held_raw,
            held_cost_raw=profit.held_cost_raw,
        )

    def open_minutes(self) -> str:
        """The condition on swaps that no row of `minutes` counts yet."""
        found = self._cursor.execute("FROM open_minutes ORDER BY 1").fetchall()
        return within([int(one) for (one,) in found], MINUTE_MS)

    def hours(self, where: str) -> str:
        """Wallets' hours that this condition names, closed and open ones."""
        found = self._cursor.execute(f"SELECT DISTINCT {HOUR} FROM open_swaps ORDER BY 1")
        open_hours = [int(one) for (one,) in found.fetchall()]
        listed = ", ".join(map(str, open_hours)) or "-1"
        live = wallet_hours_of(f"{where} AND {within(open_hours, HOUR_MS)}")
        return f"""
            SELECT * FROM wallet_hours WHERE {where} AND hour_ms NOT IN ({listed})
            UNION ALL {live}
        """

    def copy(self, query: str, values: dict[str, Any], path: Path, how: str) -> None:
        """Write what a query gives to a file, by DuckDB's own COPY."""
        named = str(path).replace("'", "''")
        self._cursor.execute(f"COPY ({query}) TO '{named}' ({how})", values)

    def rows(self, query: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        """What a query gives, a part at a time: read it whole before the next query."""
        found = self._cursor.execute(query, values)
        while rows := found.fetchmany(FETCHED):
            yield from rows


def swaps_where(asked: SwapsAsked | ExportAsked) -> tuple[str, dict[str, Any]]:
    """The condition on swaps by token, trader and time, and its values."""
    where = ["event_time_ms >= $first_ms", "event_time_ms < $end_ms"]
    values: dict[str, Any] = {"first_ms": asked.first_ms, "end_ms": asked.end_ms}
    for name, value in (("mint", asked.mint), ("trader", asked.trader)):
        if value is not None:
            where.append(f"{name} = ${name}")
            values[name] = value
    return " AND ".join(where), values


def within(begins: list[int], step_ms: int) -> str:
    """That a swap is in one of these steps."""
    each = [f"event_time_ms >= {one} AND event_time_ms < {one + step_ms}" for one in begins]
    return "(" + (" OR ".join(each) or "false") + ")"


def _span(asked: object) -> tuple[int, int]:
    """The time that a question is about; all of it where it names none."""
    return getattr(asked, "first_ms", 0), getattr(asked, "end_ms", TIME_MS_MAX)


def _swap(row: tuple[Any, ...]) -> HistorySwap:
    fields = dict(zip(HistorySwap.__struct_fields__, row, strict=True))
    for name in ("venues", "reasons", "signers"):
        fields[name] = fields[name].split()
    return HistorySwap(**fields)


def _wallet_token(row: tuple[Any, ...]) -> WalletToken:
    return WalletToken(
        mint=row[0], quote_mint=row[1], buys=row[2], sells=row[3], bought_raw=row[4],
        sold_raw=row[5], spent_raw=row[6], received_raw=row[7], net_raw=row[4] - row[5],
        first_ms=row[8], last_ms=row[9],
    )  # fmt: skip
