"""PumpSwap, where graduated pump.fun tokens trade: events that the program sends to itself.

Source: github.com/pump-fun/pump-public-docs, idl/pump_amm.json and
docs/instructions/PUMP_SWAP_TRADE_V2.md, MULTI_HOP_SWAP.md; checked 2026-11-24. The events name
no mint; the instruction does, except for a multi-hop swap, whose hops stand behind its fixed
accounts in groups of five (base mint, quote mint, pool, …).
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.venues.layout import (
    Compiled,
    Layout,
    event_tag,
    event_tags,
    instruction_tags,
    key,
    number,
)
from pw_parser.core.venues.venue import Invocation, TradeEvent, Venue

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


def _buy(data: bytes, invocation: Invocation) -> TradeEvent:
    event = BUY.read(data)
    base, quote = _mints(invocation, key(event, "pool"))
    paid_raw, got_raw = number(event, "user_quote_amount_in"), number(event, "base_amount_out")
    return TradeEvent(NAME, quote, paid_raw, base, got_raw, key(event, "user"))


def _sell(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SELL.read(data)
    base, quote = _mints(invocation, key(event, "pool"))
    sold_raw, got_raw = number(event, "base_amount_in"), number(event, "user_quote_amount_out")
    return TradeEvent(NAME, base, sold_raw, quote, got_raw, key(event, "user"))


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
    events={event_tag("BuyEvent"): _buy, event_tag("SellEvent"): _sell},
    silent_events=event_tags(
        "AdminSetCoinCreatorEvent", "AdminUpdateTokenIncentivesEvent", "ClaimCashbackEvent",
        "ClaimTokenIncentivesEvent", "CloseUserVolumeAccumulatorEvent",
        "CollectCoinCreatorFeeEvent", "CreateConfigEvent", "CreatePoolEvent", "DepositEvent",
        "DisableEvent", "ExtendAccountEvent", "InitUserVolumeAccumulatorEvent",
        "MigratePoolCoinCreatorEvent", "ReservedFeeRecipientsEvent",
        "SetBondingCurveCoinCreatorEvent", "SetMetaplexCoinCreatorEvent", "SweepPoolFeeEvent",
        "SyncUserVolumeAccumulatorEvent", "UpdateAdminEvent", "UpdateFeeConfigEvent",
        "WithdrawEvent",
    ),
)  # fmt: skip
