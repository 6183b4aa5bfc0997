"""What history keeps, as it is answered. Each answer says in `history` how far that has come."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from pw_common.wire.alerts import Alert
from pw_common.wire.history import (
    SOL_MINT,
    Candle,
    Day,
    Found,
    HistoryHead,
    HistorySwap,
    Pool,
    PriceAfter,
    TokenBuyer,
    WalletToken,
    WalletTotal,
)


class SwapView(HistorySwap, frozen=True, kw_only=True):
    """One trade. Raw amounts are decimal strings, since they may exceed 2^53.

    `event_time_ms` is the time of its slot. `price` is what one whole token cost in whole units of
    `quote_mint`, null where that is not known. `amended`: it came later, with a filled gap.
    """

    price: str | None = None


class SwapsView(msgspec.Struct, frozen=True, kw_only=True):
    """Swaps, newest first in the chain's order; `kept` is how many history holds in all.

    Ask again with `before=next_before` for older ones; null where none of them is kept.
    """

    swaps: list[SwapView]
    kept: int
    next_before: str | None
    history: HistoryHead


class CandlesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Candles, oldest first; a step without a trade has none. The last one may still grow.

    Ask again with `first_ms=next_first_ms` for later ones.
    """

    mint: str
    quote_mint: str
    step_ms: int
    candles: list[Candle]
    next_first_ms: int | None
    history: HistoryHead


class BuyersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who bought a token for this quote, who spent most first.

    Ask again with `before=next_before` for the rest. Who trades meanwhile may change place.
    """

    mint: str
    quote_mint: str
    buyers: list[TokenBuyer]
    next_before: str | None
    history: HistoryHead


class PoolsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A token's pools, the one that changed last first, each as it was at the end of a minute."""

    mint: str
    pools: list[Pool]
    history: HistoryHead


class WalletAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet traded, by token and quote, what was traded last first.

    Ask again with `before=next_before` for the rest.
    """

    wallet: str
    tokens: list[WalletToken]
    next_before: str | None
    history: HistoryHead


class WalletTotalsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet traded over all its tokens, by quote."""

    wallet: str
    totals: list[WalletTotal]
    history: HistoryHead


class PastAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert, and what its token cost afterwards.

    `price` is the last one up to `since_ms`, and `after` how it went on from there, each in whole
    `quote_mint` for a whole token. `since_ms` is the alert's time, or the end of its minute where
    the swaps of that minute are no longer kept. Times that lie ahead are left out; null where that
    is not known.
    """

    alert: Alert
    quote_mint: str | None = None
    price: float | None = None
    since_ms: int | None = None
    after: list[PriceAfter] | None = None


class PastAlertsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts by event time, newest first. Ask again with `before=next_before` for older ones."""

    alerts: list[PastAlert]
    next_before: str | None
    history: HistoryHead


class AlertAnswer(PastAlert, frozen=True, kw_only=True):
    """One alert. Where history does not know it, `missing` says why, and `history` may be null."""

    missing: str = ""
    history: HistoryHead | None = None


class DaysAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Days (UTC) of which anything is kept, newest first.

    Ask again with `before_ms=next_before_ms` for earlier ones.
    """

    days: list[Day]
    next_before_ms: int | None
    history: HistoryHead


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a text names: tokens, then wallets, then a signature.

    Ask again with `skip=next_skip` for more. `is_cut`: there are more than can be asked for so, and
    a longer text finds them.
    """

    found: list[Found]
    next_skip: int | None
    is_cut: bool
    history: HistoryHead


Step = Literal["1m", "5m", "15m", "1h", "4h", "1d"]
_MINT: Final = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"
_WALLET: Final = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
_SIGNATURE: Final = (
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
)
_HEAD: Final[dict[str, Any]] = {
    "slot": 350_000_123,
    "event_time_ms": 1_790_000_000_000,
    "swaps_since_ms": 1_789_913_600_000,
    "minutes_since_ms": 1_787_408_000_000,
    "holes": [],
    "behind_s": 0.0,
    "swaps": 2_481_120,
}
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "SwapView": {
        "session": 1,
        "slot": 350_000_123,
        "event_time_ms": 1_790_000_000_000,
        "index": 17,
        "signature": _SIGNATURE,
        "ordinal": 0,
        "trader": _WALLET,
        "side": "buy",
        "mint": _MINT,
        "base_amount_raw": "354032451000",
        "base_decimals": 6,
        "quote_mint": SOL_MINT,
        "quote_amount_raw": "10000000",
        "quote_decimals": 9,
        "venues": ["pump"],
        "route_hops": 1,
        "confidence": 1.0,
        "reasons": [],
        "fee_payer": _WALLET,
        "signers": [_WALLET],
        "amended": False,
        "price": "0.00000002824599",
    },
    "SwapsView": {
        "swaps": [],
        "kept": 2_481_120,
        "next_before": f"350000123.17.0.{_SIGNATURE}",
        "history": _HEAD,
    },
    "HistoryHead": _HEAD,
    "SearchAnswer": {
        "found": [{"kind": "token", "address": _MINT, "name": "Some Token", "symbol": "SOME"}],
        "next_skip": None,
        "is_cut": False,
        "history": _HEAD,
    },
}
