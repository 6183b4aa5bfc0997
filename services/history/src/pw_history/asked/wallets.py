"""Wallets: what one traded, by token and in all, and who bought a token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from pw_common.wire.history import (
    ROWS_MAX,
    BuyersAsked,
    TokenBuyer,
    WalletAsked,
    WalletToken,
    WalletTotal,
    WalletTotalsAsked,
)
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_history.asked.reader import Reader
from pw_history.core.fifo import Trade, profit_of
from pw_history.store.derived import hash_of, wallet_hours_of

# Hashes that are looked at beyond those that are wanted: some may be of several wallets.
MORE: Final = 20
SUMMED: Final = """
    sum(buys)::BIGINT AS buys, sum(sells)::BIGINT AS sells, sum(bought_raw) AS bought_raw,
    sum(sold_raw) AS sold_raw, sum(spent_raw) AS spent_raw, sum(received_raw) AS received_raw,
    min(first_ms) AS first_ms, max(last_ms) AS last_ms
"""


def wallet_of(reader: Reader, asked: WalletAsked) -> Iterator[WalletToken]:
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
    rows = reader.rows(
        f"""
        SELECT mint, quote_mint, {SUMMED} FROM ({reader.hours(of)})
        GROUP BY mint, quote_mint HAVING sum(buys) + sum(sells) > 0 AND {behind}
        ORDER BY last_ms DESC, mint, coalesce(quote_mint, '')
        LIMIT {min(asked.limit, ROWS_MAX)}
        """,
        values,
    )
    found = [_wallet_token(row) for row in rows]
    for one in _named(reader, asked.trader, found):
        yield one if asked.mint is None else _with_profit(reader, asked.trader, one)


def totals_of(reader: Reader, asked: WalletTotalsAsked) -> Iterator[WalletTotal]:
    """By quote, what was traded most often first."""
    rows = reader.rows(
        f"""
        SELECT quote_mint, count(DISTINCT mint), {SUMMED} FROM (
            SELECT mint, quote_mint, {SUMMED} FROM ({reader.hours("trader = $trader")})
            GROUP BY mint, quote_mint HAVING sum(buys) + sum(sells) > 0
        )
        GROUP BY quote_mint
        ORDER BY sum(buys) + sum(sells) DESC, coalesce(quote_mint, '') LIMIT {ROWS_MAX}
        """,
        {"trader": asked.trader},
    )
    for row in rows:
        yield WalletTotal(
            quote_mint=row[0], tokens=row[1], buys=row[2], sells=row[3], spent_raw=row[6],
            received_raw=row[7], first_ms=row[8], last_ms=row[9],
        )  # fmt: skip


def buyers_of(reader: Reader, asked: BuyersAsked) -> Iterator[TokenBuyer]:
    """Those who spent most first."""
    of_pair = "mint = $mint AND quote_mint = $quote_mint"
    if asked.before is None and not reader.has_forgotten:
        few = _those_who_spent_most(reader, asked, of_pair)
        if few is not None:
            yield from few
            return
    hours = reader.hours_of_token(of_pair)
    values = {"mint": asked.mint, "quote_mint": asked.quote_mint}
    [(spent,)] = reader.rows(f"SELECT coalesce(sum(spent_raw), 0) FROM ({hours})", values)
    yield from _buyers(reader, asked, hours, spent)


def _those_who_spent_most(
    reader: Reader, asked: BuyersAsked, of_pair: str
) -> list[TokenBuyer] | None:
    """The same by their hashes first, many times quicker; None where that does not tell.

    A hash may be of several wallets: what each of them spent is at most what its hash did. So none
    is left out that spent more than the last hash that is looked at.
    """
    count = min(asked.limit, ROWS_MAX) + MORE
    hashes = list(
        reader.rows(
            f"""
            SELECT trader_hash, coalesce(sum(quote_amount_raw), 0) AS spent,
                sum(coalesce(sum(quote_amount_raw), 0)) OVER () AS all_spent
            FROM swaps
            WHERE {of_pair} AND side = 'buy' AND confidence >= {CONFIDENCE_MIN}
            GROUP BY trader_hash ORDER BY spent DESC LIMIT {count}
            """,
            {"mint": asked.mint, "quote_mint": asked.quote_mint},
        )
    )
    if not hashes:
        return []
    listed = ", ".join(str(one) for one, *_ in hashes)
    of_these = wallet_hours_of(f"{of_pair} AND trader_hash IN ({listed})", "trader")
    found = list(_buyers(reader, asked, of_these, hashes[0][2]))
    if len(hashes) < count or found[-1].spent_raw > hashes[-1][1]:
        return found
    return None


def _buyers(
    reader: Reader, asked: BuyersAsked, hours: str, all_spent_raw: int
) -> Iterator[TokenBuyer]:
    values: dict[str, Any] = {"mint": asked.mint, "quote_mint": asked.quote_mint}
    behind = "true"
    if asked.before is not None:
        behind = "(-sum(spent_raw), trader) > (-$spent_raw::HUGEINT, $trader)"
        values |= msgspec.structs.asdict(asked.before)
    rows = reader.rows(
        f"""
        SELECT trader, {SUMMED} FROM ({hours})
        GROUP BY trader HAVING sum(buys) > 0 AND {behind}
        ORDER BY spent_raw DESC, trader LIMIT {min(asked.limit, ROWS_MAX)}
        """,
        values,
    )
    for row in rows:
        yield TokenBuyer(
            trader=row[0], buys=row[1], sells=row[2], bought_raw=row[3], sold_raw=row[4],
            spent_raw=row[5], received_raw=row[6], first_ms=row[7], last_ms=row[8],
            all_spent_raw=all_spent_raw,
        )  # fmt: skip


def _named(reader: Reader, trader: str, found: list[WalletToken]) -> list[WalletToken]:
    """The same with what is known of each token."""
    mints = {"mints": sorted({one.mint for one in found})}
    these = "mint IN (SELECT unnest($mints))"
    named = {
        mint: (decimals, symbol, name)
        for mint, decimals, symbol, name in reader.rows(
            f"SELECT mint, decimals, symbol, name FROM tokens WHERE {these}", mints
        )
    }
    lacking = [mint for mint in mints["mints"] if named.get(mint, (None, "", ""))[0] is None]
    if lacking:
        # Its creation nobody saw: each of its swaps says them.
        query = f"""
            SELECT mint, any_value(base_decimals) FROM swaps
            WHERE trader_hash = {hash_of(trader)} AND trader = $trader AND {these} GROUP BY mint
        """
        for mint, decimals in reader.rows(query, {"trader": trader, "mints": lacking}):
            named[mint] = (decimals, *named.get(mint, (None, "", ""))[1:])
    return [
        msgspec.structs.replace(one, base_decimals=decimals, symbol=symbol, name=name)
        for one in found
        for decimals, symbol, name in [named.get(one.mint, (None, "", ""))]
    ]


def _with_profit(reader: Reader, trader: str, one: WalletToken) -> WalletToken:
    rows = reader.rows(
        f"""
        SELECT side, base_amount_raw, quote_amount_raw FROM swaps
        WHERE trader_hash = {hash_of(trader)} AND trader = $trader AND mint = $mint
            AND quote_mint IS NOT DISTINCT FROM $quote_mint
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


def _wallet_token(row: tuple[Any, ...]) -> WalletToken:
    return WalletToken(
        mint=row[0], quote_mint=row[1], buys=row[2], sells=row[3], bought_raw=row[4],
        sold_raw=row[5], spent_raw=row[6], received_raw=row[7], net_raw=row[4] - row[5],
        first_ms=row[8], last_ms=row[9],
    )  # fmt: skip
