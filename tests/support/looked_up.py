"""What the API answers about a token, a wallet or a text, made small: for what `pw` draws of it."""

from __future__ import annotations

from typing import Any

import msgspec

from pw_api.models.past import (
    BuyersAnswer,
    CandlesAnswer,
    SearchAnswer,
    SwapsView,
    SwapView,
    WalletAnswer,
    WalletTotalsAnswer,
)
from pw_api.models.shapes import StoredAlert, Token, WhyRow
from pw_cli.commands.looking.token_view import Seen
from pw_cli.commands.looking.wallet_view import Traded
from pw_common.wire.history import SOL_MINT, Candle, HistoryHead

MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"
WALLET = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
SIGNATURE = (
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
)
AT_MS = 1_790_000_012_000
HOSTILE = "\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}[/][red]x\n$(rm)\N{ZERO WIDTH SPACE}"
HEAD = {
    "slot": 1, "event_time_ms": 1_790_000_000_000, "swaps_since_ms": 1_789_913_600_000, "swaps": 9,
}  # fmt: skip
HOLE = {"first_ms": 1_789_999_000_000, "last_ms": None, "why": HOSTILE}


def token(**changes: Any) -> Token:
    metrics = {
        "price_sol": 4.72e-8, "market_cap_sol": 47.2, "supply": 1e9, "buy_volume_sol_5m": 11.26,
        "unique_buyers_5m": 3.0, "buy_count_5m": 12.0, "buy_sell_ratio_5m": None,
        "price_change_5m": 0.12,
    }  # fmt: skip
    fields: dict[str, Any] = {
        "mint": MINT, "state": "HOT", "name": "Quiet Otter", "symbol": "QOTTER", "creator": WALLET,
        "venues": ["pump"], "last_trade_ms": AT_MS - 12_000, "metrics": metrics,
        "unknown": {"buy_sell_ratio_5m": "no_sells", "buy_count_1h": "no_trades"},
    }  # fmt: skip
    return msgspec.convert(fields | changes, Token)


def swap(**changes: Any) -> SwapView:
    fields: dict[str, Any] = {
        "session": 1, "slot": 350_000_123, "event_time_ms": 1_790_000_000_000, "index": 17,
        "signature": SIGNATURE, "ordinal": 0, "trader": WALLET, "side": "buy", "mint": MINT,
        "base_amount_raw": 354_032_451_000, "base_decimals": 6, "quote_mint": SOL_MINT,
        "quote_amount_raw": 10_000_000, "quote_decimals": 9, "venues": ["pump"], "route_hops": 1,
        "confidence": 1.0, "reasons": [], "fee_payer": WALLET, "signers": [], "amended": False,
        "price": "0.00000002824599",
    }  # fmt: skip
    return msgspec.convert(fields | changes, SwapView)


def head(**changes: Any) -> HistoryHead:
    return msgspec.convert(HEAD | changes, HistoryHead)


def swaps(*found: SwapView, **changes: Any) -> SwapsView:
    return SwapsView(swaps=list(found), kept=9, next_before=None, history=head(**changes))


def traded(**changes: Any) -> dict[str, Any]:
    return {
        "trader": WALLET, "buys": 1_200, "sells": 0, "bought_raw": 354_032_451_000, "sold_raw": 0,
        "spent_raw": 10_000_000, "received_raw": 0, "first_ms": 1_790_000_000_000,
        "last_ms": 1_790_000_000_000, "all_spent_raw": 40_000_000, **changes,
    }  # fmt: skip


def buyers(*rows: dict[str, Any]) -> BuyersAnswer:
    body = {
        "mint": MINT, "quote_mint": SOL_MINT, "buyers": rows, "next_before": None, "history": HEAD,
    }  # fmt: skip
    return msgspec.convert(body, BuyersAnswer)


def candles(*found: Candle, **changes: Any) -> CandlesAnswer:
    return CandlesAnswer(
        mint=MINT, quote_mint=SOL_MINT, step_ms=60_000, candles=list(found), next_first_ms=None,
        history=head(**changes),
    )  # fmt: skip


def candle(minutes_ago: int, close: float, spent_raw: int = 10**9) -> Candle:
    begin_ms = HEAD["event_time_ms"] // 60_000 * 60_000 - minutes_ago * 60_000
    return Candle(
        begin_ms=begin_ms, open=close, high=close, low=close, close=close, trades=2, buys=2,
        bought_raw=1, sold_raw=0, spent_raw=spent_raw, received_raw=0,
    )  # fmt: skip


RULE = msgspec.convert(
    {
        "trigger": "stealth_accumulation", "verdict": "fails",
        "conditions": [
            {"text": "buy_count_5m >= 20", "metric": "a", "value": 12, "verdict": "fails"},
            {"text": "a_5m < 3", "metric": "a_5m", "value": 2, "verdict": "holds"},
            {"text": "b_5m < 3", "metric": "b", "value": None, "unknown": "no_buys",
             "verdict": "unknown"},
        ],
        "blocked": ["muted: noisy"], "near": ["buy_count_5m >= 20: is 12, fell short by 8"],
    },
    WhyRow,
)  # fmt: skip
ALERT = msgspec.convert(
    {
        "type": "alert.v1", "id": "f50817160f" + "0" * 22, "episode": "e", "n": 0,
        "kind": "escalated", "trigger": "stealth_accumulation", "severity": "warning", "slot": 1,
        "opened_slot": 1, "event_time_ms": 1_790_000_000_000, "mint": MINT, "price_sol": 4.5e-8,
        "seq": 1, "stored_ms": 1,
    },
    StoredAlert,
)  # fmt: skip


def seen(**changes: Any) -> Seen:
    fields: dict[str, Any] = {
        "mint": MINT, "names": ("QOTTER", "Quiet Otter"), "quote_mint": SOL_MINT, "token": token(),
        "rules": [RULE], "alerts": [ALERT],
        "swaps": swaps(swap()), "buyers": buyers(traded()), "candles": candles(candle(3, 2e-8)),
        "labels": {WALLET: "whale"}, "missing": {},
    }  # fmt: skip
    return Seen(**(fields | changes))


def wallet(base_decimals: int | None = 6, **changes: Any) -> Traded:
    row = {
        "mint": MINT, "quote_mint": SOL_MINT, "net_raw": -5_000_000, **traded(),
        "base_decimals": base_decimals,
    }  # fmt: skip
    answer = {"wallet": WALLET, "tokens": [row], "next_before": None, "history": HEAD}
    total = {"quote_mint": SOL_MINT, "tokens": 3, **traded()}
    totals = {"wallet": WALLET, "totals": [total], "history": HEAD}
    fields: dict[str, Any] = {
        "wallet": WALLET, "mint": None, "totals": msgspec.convert(totals, WalletTotalsAnswer),
        "tokens": msgspec.convert(answer, WalletAnswer), "swaps": swaps(swap()),
        "labels": {WALLET: "whale"}, "names": {MINT: ("QOTTER", None)}, "missing": {},
    }  # fmt: skip
    return Traded(**(fields | changes))


def found(*rows: dict[str, str], **changes: Any) -> SearchAnswer:
    body = {"found": rows, "next_skip": None, "is_cut": False, "history": HEAD, **changes}
    return msgspec.convert(body, SearchAnswer)
