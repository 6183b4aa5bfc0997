"""Raydium AMM v4: its own `ray_log` lines, one for every trade.

Source: github.com/raydium-io/raydium-amm, program/src/log.rs (layouts) and instruction.rs
(tags, accounts); checked 2026-11-24. The older swap names 18 accounts, or 17 without the
target orders; the newer one, without the order book, names 8.
"""

from __future__ import annotations

from typing import Final

from pw_common.wire.pools import PoolChange
from pw_parser.core.venues.layout import Compiled, Layout, Values, number
from pw_parser.core.venues.venue import Invocation, PoolFacts, Statement, TradeEvent, Venue

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


# Deposits and withdrawals: two 128 bit figures of profit stand before the amounts.
DEPOSIT: Final = Compiled(
    Layout(
        "ray_log Deposit",
        (
            ("max_coin", "u64"),
            ("max_pc", "u64"),
            ("base", "u64"),
            ("pool_coin", "u64"),
            ("pool_pc", "u64"),
            ("pool_lp", "u64"),
            ("pnl_x", "u128"),
            ("pnl_y", "u128"),
            ("coin", "u64"),
            ("pc", "u64"),
            ("lp", "u64"),
        ),
    )
)
WITHDRAW: Final = Compiled(
    Layout(
        "ray_log Withdraw",
        (
            ("lp", "u64"),
            ("user_lp", "u64"),
            ("pool_coin", "u64"),
            ("pool_pc", "u64"),
            ("pool_lp", "u64"),
            ("pnl_x", "u128"),
            ("pnl_y", "u128"),
            ("coin", "u64"),
            ("pc", "u64"),
        ),
    )
)
POOL: Final = 1


def _base_in(data: bytes, invocation: Invocation) -> tuple[Statement, ...]:
    log = SWAP_BASE_IN.read(data)
    return _trade(invocation, log, number(log, "amount_in"), number(log, "out_amount"))


def _base_out(data: bytes, invocation: Invocation) -> tuple[Statement, ...]:
    log = SWAP_BASE_OUT.read(data)
    return _trade(invocation, log, number(log, "deduct_in"), number(log, "amount_out"))


def _trade(invocation: Invocation, log: Values, in_raw: int, out_raw: int) -> tuple[Statement, ...]:
    count = len(invocation.accounts)
    coin_vault = 3 if count == WITHOUT_ORDER_BOOK else 5 if count >= WITH_TARGET_ORDERS else 4
    coin, pc = invocation.mint_at(coin_vault), invocation.mint_at(coin_vault + 1)
    owner = invocation.address_at(OWNER)
    pool = invocation.address_at(POOL) or ""
    coin_raw, pc_raw = number(log, "pool_coin"), number(log, "pool_pc")
    # fmt: off
    if number(log, "direction") == PC_TO_COIN:
        after = max(0, coin_raw - out_raw), pc_raw + in_raw
        return TradeEvent(NAME, pc, in_raw, coin, out_raw, owner), PoolFacts(
            NAME, "trade", pool, coin, pc, out_raw, in_raw, *after, user=owner or ""
        )
    after = coin_raw + in_raw, max(0, pc_raw - out_raw)
    return TradeEvent(NAME, coin, in_raw, pc, out_raw, owner), PoolFacts(
        NAME, "trade", pool, coin, pc, in_raw, out_raw, *after, user=owner or ""
    )
    # fmt: on


def _deposit(data: bytes, invocation: Invocation) -> PoolFacts:
    return _liquidity(invocation, DEPOSIT.read(data), "added", 1)


def _withdraw(data: bytes, invocation: Invocation) -> PoolFacts:
    return _liquidity(invocation, WITHDRAW.read(data), "removed", -1)


def _liquidity(invocation: Invocation, log: Values, what: PoolChange, sign: int) -> PoolFacts:
    coin_raw, pc_raw = number(log, "coin"), number(log, "pc")
    return PoolFacts(
        NAME,
        what,
        invocation.address_at(POOL) or "",
        amount_a_raw=coin_raw,
        amount_b_raw=pc_raw,
        reserve_a_raw=max(0, number(log, "pool_coin") + sign * coin_raw),
        reserve_b_raw=max(0, number(log, "pool_pc") + sign * pc_raw),
        shares_raw=number(log, "lp"),
    )


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
    events={b"\x01": _deposit, b"\x02": _withdraw, b"\x03": _base_in, b"\x04": _base_out},
    # Initialize.
    silent_events=frozenset({b"\x00"}),
    tag_bytes=1,
)
