"""Raydium AMM v4: its own `ray_log` lines, one for every trade.

Source: github.com/raydium-io/raydium-amm, program/src/log.rs (layouts) and instruction.rs
(tags, accounts); checked 2026-11-24. The older swap names 18 accounts, or 17 without the
target orders; the newer one, without the order book, names 8.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.venues.layout import Compiled, Layout, number
from pw_parser.core.venues.venue import Invocation, TradeEvent, Venue

NAME: Final = "raydium_v4"
OWNER: Final = -1
PC_TO_COIN: Final = 1
WITH_TARGET_ORDERS: Final = 18
WITHOUT_ORDER_BOOK: Final = 8

_RESERVES: Final = (("user_source", "u64"), ("pool_coin", "u64"), ("pool_pc", "u64"))
SWAP_BASE_IN: Final = Compiled(
    Layout(
        "ray_log SwapBaseIn",
        (
            ("amount_in", "u64"),
            ("minimum_out", "u64"),
            ("direction", "u64"),
            *_RESERVES,
            ("out_amount", "u64"),
        ),
    )
)
SWAP_BASE_OUT: Final = Compiled(
    Layout(
        "ray_log SwapBaseOut",
        (
            ("max_in", "u64"),
            ("amount_out", "u64"),
            ("direction", "u64"),
            *_RESERVES,
            ("deduct_in", "u64"),
        ),
    )
)


def _base_in(data: bytes, invocation: Invocation) -> TradeEvent:
    log = SWAP_BASE_IN.read(data)
    amounts = number(log, "amount_in"), number(log, "out_amount")
    return _trade(invocation, number(log, "direction"), *amounts)


def _base_out(data: bytes, invocation: Invocation) -> TradeEvent:
    log = SWAP_BASE_OUT.read(data)
    amounts = number(log, "deduct_in"), number(log, "amount_out")
    return _trade(invocation, number(log, "direction"), *amounts)


def _trade(invocation: Invocation, direction: int, in_raw: int, out_raw: int) -> TradeEvent:
    count = len(invocation.accounts)
    coin_vault = 3 if count == WITHOUT_ORDER_BOOK else 5 if count >= WITH_TARGET_ORDERS else 4
    coin, pc = invocation.mint_at(coin_vault), invocation.mint_at(coin_vault + 1)
    given, got = (pc, coin) if direction == PC_TO_COIN else (coin, pc)
    return TradeEvent(NAME, given, in_raw, got, out_raw, invocation.address_at(OWNER))


_INSTRUCTIONS: Final = (
    "initialize",
    "initialize2",
    "monitor_step",
    "deposit",
    "withdraw",
    "migrate_to_open_book",
    "set_params",
    "withdraw_pnl",
    "withdraw_srm",
    "swap_base_in",
    "pre_initialize",
    "swap_base_out",
    "simulate_info",
    "admin_cancel_orders",
    "create_config_account",
    "update_config_account",
    "swap_base_in_v2",
    "swap_base_out_v2",
)

VENUE: Final = Venue(
    name=NAME,
    source="github.com/raydium-io/raydium-amm program/src/log.rs, instruction.rs",
    checked="2026-11-24",
    where="ray_log",
    instructions={bytes([tag]): name for tag, name in enumerate(_INSTRUCTIONS)},
    trades=frozenset({"swap_base_in", "swap_base_out", "swap_base_in_v2", "swap_base_out_v2"}),
    events={b"\x03": _base_in, b"\x04": _base_out},
    # Initialize, deposit and withdraw.
    silent_events=frozenset({b"\x00", b"\x01", b"\x02"}),
    tag_bytes=1,
)
