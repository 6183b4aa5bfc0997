"""What follows from the swaps: minutes by token, hours by wallet. SQL, in one place.

Both are functions of the rows of their time alone, so that a correction derives them again. Sums
are of whole raw units; a price is that of one swap, so no sum depends on an order. Only a swap with
a quote has a price, and only one that is trusted counts, as in the detector's windows.
"""

from __future__ import annotations

import hashlib
from typing import Final

from pw_common.wire.limits import CONFIDENCE_MIN
from pw_history.store.schema import HOUR_MS, MINUTE_MS

# Whole quote for one whole token. A power of ten is exact up to 22 decimals.
PRICE: Final = (
    "(quote_amount_raw / pow(10, quote_decimals)) / (base_amount_raw / pow(10, base_decimals))"
)
IN_ORDER: Final = "slot, tx_index, signature, ordinal"
VALUED: Final = f"""
    quote_mint IS NOT NULL AND quote_amount_raw IS NOT NULL AND quote_decimals IS NOT NULL
    AND base_amount_raw > 0 AND confidence >= {CONFIDENCE_MIN}
"""
MINUTE: Final = f"event_time_ms // {MINUTE_MS} * {MINUTE_MS}"
HOUR: Final = f"event_time_ms // {HOUR_MS} * {HOUR_MS}"


def text_hash(text: str) -> str:
    """Four bytes of a text's MD5: the same in any version of the database."""
    return f"(md5_number_lower({text}) & 4294967295)::UINTEGER"


def hash_of(text: str) -> int:
    """The same of a text that is known: a number in a query is looked for at once."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:12], "little")


# As the last columns of a swap.
HASHES: Final = f"{text_hash('signature')} AS signature_hash, {text_hash('trader')} AS trader_hash"
BOUGHT: Final = f"FILTER (side = 'buy' AND confidence >= {CONFIDENCE_MIN})"
SOLD: Final = f"FILTER (side = 'sell' AND confidence >= {CONFIDENCE_MIN})"
SUMS: Final = f"""
    coalesce(sum(base_amount_raw) {BOUGHT}, 0)::HUGEINT AS bought_raw,
    coalesce(sum(base_amount_raw) {SOLD}, 0)::HUGEINT AS sold_raw,
    coalesce(sum(quote_amount_raw) {BOUGHT}, 0)::HUGEINT AS spent_raw,
    coalesce(sum(quote_amount_raw) {SOLD}, 0)::HUGEINT AS received_raw
"""


def minutes_of(where: str) -> str:
    """A query for the minutes of the swaps that this condition names, as `minutes` holds them."""
    return f"""
        SELECT
            mint, quote_mint, {MINUTE} AS minute_ms,
            first({PRICE} ORDER BY {IN_ORDER}) AS open,
            max({PRICE}) AS high,
            min({PRICE}) AS low,
            last({PRICE} ORDER BY {IN_ORDER}) AS close,
            count(*)::UINTEGER AS trades,
            (count(*) FILTER (side = 'buy'))::UINTEGER AS buys,
            (count(DISTINCT trader) FILTER (side = 'buy'))::UINTEGER AS buyers,
            (count(DISTINCT trader) FILTER (side = 'sell'))::UINTEGER AS sellers,
            {SUMS}
        FROM swaps WHERE ({where}) AND {VALUED}
        GROUP BY ALL
    """


def wallet_hours_of(where: str, keys: str = f"{HOUR} AS hour_ms, trader, mint, quote_mint") -> str:
    """A query for the wallets' hours of the swaps that this condition names; or by other keys.

    An hour with swaps that are not trusted alone has a row of zeros: it says where they are.
    """
    return f"""
        SELECT
            {keys},
            (count(*) {BOUGHT})::UINTEGER AS buys,
            (count(*) {SOLD})::UINTEGER AS sells,
            {SUMS},
            min(event_time_ms) AS first_ms,
            max(event_time_ms) AS last_ms
        FROM swaps WHERE ({where})
        GROUP BY ALL
    """
