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
    Candle,
    CandlesAsked,
    ExportAsked,
    HistoryHead,
    HistorySwap,
    Hole,
    SwapsAsked,
)
from pw_history.core.rows import SEPARATOR
from pw_history.store.derived import hash_of, minutes_of, wallet_hours_of
from pw_history.store.schema import HOUR_MS, MINUTE_MS

FETCHED: Final = 1_000
# With more matches than this many pages, times are read first and whole rows only of one page.
MANY: Final = 4
ORDER: Final = "event_time_ms, slot, tx_index, signature, ordinal"
# A place in that order, from the values of a `SwapPlace`.
PLACE: Final = "($event_time_ms, $slot, $index, $signature, $ordinal)"
SWAP: Final = """
    session, slot, event_time_ms, tx_index AS index, signature, ordinal, trader, side, mint,
    base_amount_raw, base_decimals, quote_mint, quote_amount_raw, quote_decimals, venues,
    route_hops, confidence, reasons, fee_payer, signers, amended
"""


class Reader:
    """Answers from one snapshot; `close` it, which ends what it still reads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._cursor = connection.cursor()
        self._is_over = False
        self._cursor.begin()
        position = self._cursor.execute("SELECT slot, event_time_ms FROM position").fetchone()
        kept = self._cursor.execute("FROM kept").fetchone() or (0, 0, None)
        self.slot, self.event_time_ms = position or (0, 0)
        # Before these nothing is kept; the last is the time of the oldest swap ever.
        self.swaps_since_ms, self.minutes_since_ms, self._oldest_ms = kept
        self.open_hours = self._begins("open_hours")

    @property
    def has_forgotten(self) -> bool:
        """Whether there were swaps of which only sums are kept."""
        return self._oldest_ms is not None and self._oldest_ms < self.swaps_since_ms

    def close(self) -> None:
        """Give the snapshot up."""
        self._cursor.close()

    def interrupt(self) -> None:
        """End what is being read, from another thread: it raises duckdb.InterruptException."""
        self._is_over = True
        self._cursor.interrupt()

    def head(self, asked: object = None, behind_s: float = 0.0) -> HistoryHead:
        """How far the file has come, and what is missing in the time that is asked about."""
        oldest_ms = self._oldest_ms
        kept = self._cursor.execute(
            "SELECT coalesce(sum(swaps), 0)::BIGINT FROM closed_hours "
            "WHERE hour_ms >= ? AND hour_ms NOT IN (FROM open_hours)",
            [self.swaps_since_ms],
        ).fetchone()
        still_open = self._cursor.execute(
            f"SELECT count(*) FROM swaps WHERE {within(self.open_hours, HOUR_MS)}"
        ).fetchone()
        return HistoryHead(
            slot=self.slot,
            event_time_ms=self.event_time_ms,
            swaps_since_ms=None if oldest_ms is None else max(oldest_ms, self.swaps_since_ms),
            minutes_since_ms=None if oldest_ms is None else max(oldest_ms, self.minutes_since_ms),
            holes=tuple(self._holes(*_span(asked))),
            behind_s=behind_s,
            swaps=(kept[0] if kept else 0) + (still_open[0] if still_open else 0),
        )

    def _holes(self, first_ms: int, end_ms: int) -> Iterator[Hole]:
        """Newest first; a gap's times are those of the slots around it that are known."""
        rows = self.rows(
            f"""
            WITH found AS (
                SELECT why, '' AS gap, first_slot, last_slot, first_ms, last_ms FROM holes
                UNION ALL
                SELECT why, id, first_slot, last_slot, before.event_time_ms, later.event_time_ms
                FROM (FROM gaps WHERE NOT filled) AS gap
                ASOF LEFT JOIN clock AS before ON gap.first_slot > before.slot
                ASOF LEFT JOIN clock AS later ON gap.last_slot < later.slot
                UNION ALL SELECT why, '', slot, NULL, event_time_ms, NULL FROM missing
                UNION ALL SELECT missed, '', slot, NULL, event_time_ms, NULL FROM alerts_read
                WHERE missed <> ''
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
        """Newest first. Spans of hours are looked at one after the other until it is enough."""
        where, values = swaps_where(asked)
        if asked.wallet is not None:
            # A signer is looked for as text first, which is much quicker.
            where += f""" AND ($wallet IN (trader, fee_payer) OR (contains(signers, $wallet)
                AND list_contains(string_split(signers, '{SEPARATOR}'), $wallet)))"""
            values["wallet"] = asked.wallet
        if asked.signature is not None:
            where += f" AND signature_hash = {hash_of(asked.signature)} AND signature = $signed"
            values["signed"] = asked.signature
        before = asked.before
        end_ms = TIME_MS_MAX
        if before is not None:
            rest = "(slot, tx_index, signature, ordinal) < ($slot, $index, $signature, $ordinal)"
            time_ms = "event_time_ms"
            where += f" AND ({time_ms} < ${time_ms} OR ({time_ms} = ${time_ms} AND {rest}))"
            values |= msgspec.structs.asdict(before)
            end_ms = before.event_time_ms + 1
        left = min(asked.limit, ROWS_MAX)
        for first_ms, last_ms, is_long in self._spans(asked, end_ms):
            these = f"{where} AND event_time_ms < {last_ms}"
            least_ms: int | None = first_ms
            if is_long:
                # Found by times alone, the rest is read of a few rows only: many times quicker.
                times = f"""
                    SELECT event_time_ms FROM swaps WHERE {these} AND event_time_ms >= {first_ms}
                    ORDER BY event_time_ms DESC LIMIT {left}
                """
                [(least_ms,)] = self.rows(f"SELECT min(event_time_ms) FROM ({times})", values)
            if least_ms is None:
                continue
            rows = self.rows(
                f"""
                SELECT {SWAP} FROM swaps WHERE {these} AND event_time_ms >= {least_ms}
                ORDER BY {", ".join(f"{name} DESC" for name in ORDER.split(", "))}
                LIMIT {left}
                """,
                values,
            )
            for row in list(rows):
                left -= 1
                yield _swap(row)
            if left <= 0:
                return

    def _spans(self, asked: SwapsAsked, end_ms: int) -> Iterator[tuple[int, int, bool]]:
        """Spans of time from `end_ms` back to the oldest swap, and whether one may have many."""
        oldest_ms = 0 if self._oldest_ms is None else max(self._oldest_ms, self.swaps_since_ms)
        last_ms = min(end_ms, self._newest_ms())
        if asked.trader is not None:
            yield from self._spans_of_trader(asked.trader, oldest_ms, last_ms, asked.limit)
            return
        hours = 1
        while last_ms > oldest_ms:
            first_ms = max(oldest_ms, (last_ms - 1) // HOUR_MS * HOUR_MS - (hours - 1) * HOUR_MS)
            yield first_ms, last_ms, True
            last_ms, hours = first_ms, hours * 3

    def _spans_of_trader(
        self, trader: str, oldest_ms: int, last_ms: int, limit: int
    ) -> Iterator[tuple[int, int, bool]]:
        """Closed hours know how many swaps it made: join hours until they fill a page."""
        query = f"""
            SELECT hour_ms, greatest(sum(buys + sells), count(*))::BIGINT FROM wallet_hours
            WHERE trader = $trader AND hour_ms >= {oldest_ms // HOUR_MS * HOUR_MS}
            AND hour_ms < {last_ms} GROUP BY hour_ms
        """
        counts = dict(self.rows(query, {"trader": trader}))
        found = 0
        for hour_ms in sorted({*counts, *self.open_hours}, reverse=True):
            is_open = hour_ms in self.open_hours
            found += counts.get(hour_ms, 0)
            if hour_ms < last_ms and (is_open or found >= limit):
                yield max(oldest_ms, hour_ms), last_ms, is_open or found > MANY * limit
                last_ms, found = hour_ms, 0
        if found:
            yield oldest_ms, last_ms, found > MANY * limit

    def _newest_ms(self) -> int:
        """Just after the newest swap: sessions may lie behind each other in time."""
        newest = self._cursor.execute("SELECT max(hour_ms) FROM closed_hours").fetchone()
        hours = [*self.open_hours, *(one for one in newest or () if one is not None)]
        return max(hours, default=0) + HOUR_MS

    def open_minutes(self) -> str:
        """The condition on swaps that no row of `minutes` counts yet."""
        return within(self._begins("open_minutes"), MINUTE_MS)

    def _begins(self, table: str) -> list[int]:
        found = self._cursor.execute(f"FROM {table} ORDER BY 1").fetchall()
        return [int(one) for (one,) in found]

    def hours(self, where: str) -> str:
        """Wallets' hours that this condition names, closed and open ones."""
        listed = ", ".join(map(str, self.open_hours)) or "-1"
        live = wallet_hours_of(f"{where} AND {within(self.open_hours, HOUR_MS)}")
        return f"""
            SELECT * FROM wallet_hours WHERE {where} AND hour_ms NOT IN ({listed})
            UNION ALL {live}
        """

    def hours_of_token(self, where: str) -> str:
        """The same for a token, by trader: its swaps lie together, its wallets' hours do not."""
        kept = wallet_hours_of(f"{where} AND event_time_ms >= {self.swaps_since_ms}", "trader")
        return f"""
            SELECT trader, buys, sells, bought_raw, sold_raw, spent_raw, received_raw, first_ms,
                last_ms
            FROM wallet_hours WHERE {where} AND hour_ms < {self.swaps_since_ms}
            UNION ALL {kept}
        """

    def copy(self, query: str, values: dict[str, Any], path: Path, how: str) -> None:
        """Write what a query gives to a file, by DuckDB's own COPY."""
        named = str(path).replace("'", "''")
        self._cursor.execute(f"COPY ({query}) TO '{named}' ({how})", values)

    def rows(self, query: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        """What a query gives, a part at a time: read it whole before the next query."""
        self._go_on()
        found = self._cursor.execute(query, values)
        while rows := found.fetchmany(FETCHED):
            yield from rows
            self._go_on()

    def _go_on(self) -> None:
        # An interrupt between two queries, or while rows are worked on, ends none by itself.
        if self._is_over:
            raise duckdb.InterruptException("interrupted")


def swaps_where(asked: SwapsAsked | ExportAsked) -> tuple[str, dict[str, Any]]:
    """The condition on swaps by token, trader and time, and its values."""
    where = ["event_time_ms >= $first_ms", "event_time_ms < $end_ms"]
    values: dict[str, Any] = {"first_ms": asked.first_ms, "end_ms": asked.end_ms}
    if asked.mint is not None:
        where.append("mint = $mint")
        values["mint"] = asked.mint
    if asked.trader is not None:
        where.append(f"trader_hash = {hash_of(asked.trader)} AND trader = $trader")
        values["trader"] = asked.trader
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
        fields[name] = fields[name].split(SEPARATOR) if fields[name] else []
    return HistorySwap(**fields)
