"""PumpSwap, where graduated pump.fun tokens trade: events that the program sends to itself.

Source: github.com/pump-fun/pump-public-docs, idl/pump_amm.json and
docs/instructions/PUMP_SWAP_TRADE_V2.md, MULTI_HOP_SWAP.md; checked 2026-11-24. The events name
no mint; the instruction does, except for a multi-hop swap, whose hops stand behind its fixed
accounts in groups of five (base mint, quote mint, pool, …).
"""

from __future__ import annotations

from typing import Final

from pw_common.wire.pools import PoolChange
from pw_parser.core.venues.layout import (
    Compiled,
    Layout,
    Values,
    event_tag,
    event_tags,
    instruction_tags,
    key,
    number,
)
from pw_parser.core.venues.venue import Invocation, PoolFacts, Statement, TradeEvent, Venue

NAME: Final = "pumpswap"
BASE_MINT: Final = 3
QUOTE_MINT: Final = 4
HOPS_FROM: Final = 16
HOP_ACCOUNTS: Final = 5
HOP_POOL: Final = 2

_COMMON: Final = (
    ("user_base_token_reserves", "u64"),
    ("user_quote_token_reserves", "u64"),
    ("pool_base_token_reserves", "u64"),
    ("pool_quote_token_reserves", "u64"),
)
_FEES: Final = (
    ("lp_fee_basis_points", "u64"),
    ("lp_fee", "u64"),
    ("protocol_fee_basis_points", "u64"),
    ("protocol_fee", "u64"),
)
BUY: Final = Compiled(
    Layout(
        "PumpSwap BuyEvent",
        (
            ("timestamp", "i64"),
            ("base_amount_out", "u64"),
            ("max_quote_amount_in", "u64"),
            *_COMMON,
            ("quote_amount_in", "u64"),
            *_FEES,
            ("quote_amount_in_with_lp_fee", "u64"),
            ("user_quote_amount_in", "u64"),
            ("pool", "key"),
            ("user", "key"),
        ),
    )
)
SELL: Final = Compiled(
    Layout(
        "PumpSwap SellEvent",
        (
            ("timestamp", "i64"),
            ("base_amount_in", "u64"),
            ("min_quote_amount_out", "u64"),
            *_COMMON,
            ("quote_amount_out", "u64"),
            *_FEES,
            ("quote_amount_out_without_lp_fee", "u64"),
            ("user_quote_amount_out", "u64"),
            ("pool", "key"),
            ("user", "key"),
        ),
    )
)


_LIQUIDITY: Final = (
    ("timestamp", "i64"),
    ("lp_token_amount", "u64"),
    ("base_limit", "u64"),
    ("quote_limit", "u64"),
    *_COMMON,
    ("base_amount", "u64"),
    ("quote_amount", "u64"),
    ("lp_mint_supply", "u64"),
    ("pool", "key"),
    ("user", "key"),
)
DEPOSIT: Final = Compiled(Layout("PumpSwap DepositEvent", _LIQUIDITY))
WITHDRAW: Final = Compiled(Layout("PumpSwap WithdrawEvent", _LIQUIDITY))
CREATE_POOL: Final = Compiled(
    Layout(
        "PumpSwap CreatePoolEvent",
        (
            ("timestamp", "i64"),
            ("index", "u16"),
            ("creator", "key"),
            ("base_mint", "key"),
            ("quote_mint", "key"),
            ("base_decimals", "u8"),
            ("quote_decimals", "u8"),
            ("base_amount_in", "u64"),
            ("quote_amount_in", "u64"),
            ("pool_base_amount", "u64"),
            ("pool_quote_amount", "u64"),
            ("minimum_liquidity", "u64"),
            ("initial_liquidity", "u64"),
            ("lp_token_amount_out", "u64"),
            ("pool_bump", "u8"),
            ("pool", "key"),
            ("lp_mint", "key"),
        ),
    )
)


def _buy(data: bytes, invocation: Invocation) -> tuple[Statement, ...]:
    event = BUY.read(data)
    pool, user = key(event, "pool"), key(event, "user")
    base, quote = _mints(invocation, pool)
    paid_raw, got_raw = number(event, "user_quote_amount_in"), number(event, "base_amount_out")
    kept_raw = number(event, "quote_amount_in_with_lp_fee")
    return (
        TradeEvent(NAME, quote, paid_raw, base, got_raw, user),
        PoolFacts(
            NAME,
            "trade",
            pool,
            base,
            quote,
            amount_a_raw=got_raw,
            amount_b_raw=kept_raw,
            reserve_a_raw=max(0, number(event, "pool_base_token_reserves") - got_raw),
            reserve_b_raw=number(event, "pool_quote_token_reserves") + kept_raw,
            user=user,
        ),
    )


def _sell(data: bytes, invocation: Invocation) -> tuple[Statement, ...]:
    event = SELL.read(data)
    pool, user = key(event, "pool"), key(event, "user")
    base, quote = _mints(invocation, pool)
    sold_raw, got_raw = number(event, "base_amount_in"), number(event, "user_quote_amount_out")
    # The protocol's and the creator's fees leave the pool too, the pool's own fee stays.
    left_raw = number(event, "quote_amount_out") - number(event, "lp_fee")
    return (
        TradeEvent(NAME, base, sold_raw, quote, got_raw, user),
        PoolFacts(
            NAME,
            "trade",
            pool,
            base,
            quote,
            amount_a_raw=sold_raw,
            amount_b_raw=max(0, left_raw),
            reserve_a_raw=number(event, "pool_base_token_reserves") + sold_raw,
            reserve_b_raw=max(0, number(event, "pool_quote_token_reserves") - left_raw),
            user=user,
        ),
    )


def _deposit(data: bytes, invocation: Invocation) -> PoolFacts:
    return _liquidity(DEPOSIT.read(data), invocation, "added", 1)


def _withdraw(data: bytes, invocation: Invocation) -> PoolFacts:
    return _liquidity(WITHDRAW.read(data), invocation, "removed", -1)


def _liquidity(event: Values, invocation: Invocation, what: PoolChange, sign: int) -> PoolFacts:
    base_raw, quote_raw = number(event, "base_amount"), number(event, "quote_amount")
    return PoolFacts(
        NAME,
        what,
        key(event, "pool"),
        invocation.address_at(BASE_MINT),
        invocation.address_at(QUOTE_MINT),
        amount_a_raw=base_raw,
        amount_b_raw=quote_raw,
        reserve_a_raw=max(0, number(event, "pool_base_token_reserves") + sign * base_raw),
        reserve_b_raw=max(0, number(event, "pool_quote_token_reserves") + sign * quote_raw),
        shares_raw=number(event, "lp_token_amount"),
        user=key(event, "user"),
    )


def _create_pool(data: bytes, _invocation: Invocation) -> PoolFacts:
    event = CREATE_POOL.read(data)
    return PoolFacts(
        NAME,
        "created",
        key(event, "pool"),
        key(event, "base_mint"),
        key(event, "quote_mint"),
        amount_a_raw=number(event, "base_amount_in"),
        amount_b_raw=number(event, "quote_amount_in"),
        reserve_a_raw=number(event, "pool_base_amount"),
        reserve_b_raw=number(event, "pool_quote_amount"),
        shares_raw=number(event, "lp_token_amount_out"),
        lp_mint=key(event, "lp_mint"),
        user=key(event, "creator"),
    )


def _mints(invocation: Invocation, pool: str) -> tuple[str | None, str | None]:
    """Base and quote mint of a pool, from the accounts of the instruction."""
    if VENUE.instruction(invocation.data) != "multi_hop_swap":
        return invocation.address_at(BASE_MINT), invocation.address_at(QUOTE_MINT)
    for at in range(HOPS_FROM, len(invocation.accounts) - HOP_ACCOUNTS + 1, HOP_ACCOUNTS):
        if invocation.address_at(at + HOP_POOL) == pool:
            return invocation.address_at(at), invocation.address_at(at + 1)
    return None, None


VENUE: Final = Venue(
    name=NAME,
    source="github.com/pump-fun/pump-public-docs idl/pump_amm.json",
    checked="2026-11-24",
    where="cpi",
    instructions=instruction_tags(
        "admin_set_coin_creator", "admin_update_token_incentives", "buy", "buy_exact_quote_in",
        "buy_exact_quote_in_v2", "buy_v2", "claim_cashback", "claim_token_incentives",
        "close_user_volume_accumulator", "collect_coin_creator_fee", "create_config",
        "create_pool", "deposit", "disable", "extend_account", "init_user_volume_accumulator",
        "migrate_pool_coin_creator", "multi_hop_swap", "sell", "sell_v2",
        "set_coin_creator", "set_reserved_fee_recipients", "sweep_pool_fee",
        "sync_user_volume_accumulator", "toggle_cashback_enabled", "toggle_mayhem_mode",
        "transfer_creator_fees_to_pump", "update_admin", "update_fee_config", "withdraw",
    ),
    trades=frozenset(
        {"buy", "buy_exact_quote_in", "buy_v2", "buy_exact_quote_in_v2", "sell", "sell_v2"}
        | {"multi_hop_swap"}
    ),
    events={
        event_tag("BuyEvent"): _buy,
        event_tag("SellEvent"): _sell,
        event_tag("DepositEvent"): _deposit,
        event_tag("WithdrawEvent"): _withdraw,
        event_tag("CreatePoolEvent"): _create_pool,
    },
    silent_events=event_tags(
        "AdminSetCoinCreatorEvent", "AdminUpdateTokenIncentivesEvent", "ClaimCashbackEvent",
        "ClaimTokenIncentivesEvent", "CloseUserVolumeAccumulatorEvent",
        "CollectCoinCreatorFeeEvent", "CreateConfigEvent",
        "DisableEvent", "ExtendAccountEvent", "InitUserVolumeAccumulatorEvent",
        "MigratePoolCoinCreatorEvent", "ReservedFeeRecipientsEvent",
        "SetBondingCurveCoinCreatorEvent", "SetMetaplexCoinCreatorEvent", "SweepPoolFeeEvent",
        "SyncUserVolumeAccumulatorEvent", "UpdateAdminEvent", "UpdateFeeConfigEvent",
    ),
)  # fmt: skip
