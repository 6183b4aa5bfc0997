"""pump.fun's bonding curve: trades and launches, as events that the program sends to itself.

Source: github.com/pump-fun/pump-public-docs, idl/pump.json and docs/instructions/TRADE_V3.md;
checked 2026-11-24. The trade event has grown several times (fees, cashback, other quotes than
SOL). Fields that every version has are read first; fees and the quote only where the event is
long enough. Events of 2024 state no fee: then amounts go without it, as the event says.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.decode.programs import SOL_MINT
from pw_parser.core.venues.layout import (
    KEY_BYTES,
    Compiled,
    Layout,
    Short,
    Values,
    event_tag,
    event_tags,
    instruction_tags,
    key,
    number,
    text,
)
from pw_parser.core.venues.venue import (
    Invocation,
    PoolFacts,
    Statement,
    TokenFacts,
    TradeEvent,
    Venue,
)

NAME: Final = "pumpfun"
DECIMALS: Final = 6
SYSTEM_KEY: Final = "1" * 32

TRADE: Final = Compiled(
    Layout(
        "pump.fun TradeEvent",
        (
            ("mint", "key"),
            ("sol_amount", "u64"),
            ("token_amount", "u64"),
            ("is_buy", "bool"),
            ("user", "key"),
            ("timestamp", "i64"),
        ),
    )
)
TRADE_FEES: Final = Compiled(
    Layout(
        "pump.fun TradeEvent, fees",
        (
            ("virtual_sol_reserves", "u64"),
            ("virtual_token_reserves", "u64"),
            ("real_sol_reserves", "u64"),
            ("real_token_reserves", "u64"),
            ("fee_recipient", "key"),
            ("fee_basis_points", "u64"),
            ("fee", "u64"),
            ("creator", "key"),
            ("creator_fee_basis_points", "u64"),
            ("creator_fee", "u64"),
        ),
    )
)
TRADE_REST: Final = Compiled(
    Layout(
        "pump.fun TradeEvent, cashback and buyback",
        (
            ("track_volume", "bool"),
            ("total_unclaimed_tokens", "u64"),
            ("total_claimed_tokens", "u64"),
            ("current_sol_volume", "u64"),
            ("last_update_timestamp", "i64"),
            ("ix_name", "string"),
            ("mayhem_mode", "bool"),
            ("cashback_fee_basis_points", "u64"),
            ("cashback", "u64"),
            ("buyback_fee_basis_points", "u64"),
            ("buyback_fee", "u64"),
            ("shareholders", "u32"),
        ),
    )
)
TRADE_QUOTE: Final = Compiled(
    Layout("pump.fun TradeEvent, quote", (("quote_mint", "key"), ("quote_amount", "u64")))
)
SHAREHOLDER_BYTES: Final = KEY_BYTES + 2

# The part of a buy beyond a curve's end, sold from what the pool will hold.
POST_COMPLETE_BUY: Final = Compiled(
    Layout(
        "pump.fun PostCompleteBuyEvent",
        (
            ("user", "key"),
            ("mint", "key"),
            ("bonding_curve", "key"),
            ("quote_mint", "key"),
            ("timestamp", "i64"),
            ("base_out", "u64"),
            ("quote_in", "u64"),
            ("fee_basis_points", "u64"),
            ("fee", "u64"),
            ("creator_fee_basis_points", "u64"),
            ("creator_fee", "u64"),
        ),
    )
)

COMPLETE: Final = Compiled(
    Layout(
        "pump.fun CompleteEvent",
        (("user", "key"), ("mint", "key"), ("bonding_curve", "key"), ("timestamp", "i64")),
    )
)
MIGRATED: Final = Compiled(
    Layout(
        "pump.fun CompletePumpAmmMigrationEvent",
        (
            ("user", "key"),
            ("mint", "key"),
            ("mint_amount", "u64"),
            ("sol_amount", "u64"),
            ("pool_migration_fee", "u64"),
            ("bonding_curve", "key"),
            ("timestamp", "i64"),
            ("pool", "key"),
        ),
    )
)
# Where an instruction names the curve: the newer ones name more accounts before it.
CURVE: Final = 3
CURVE_V2: Final = 10

CREATE: Final = Compiled(
    Layout(
        "pump.fun CreateEvent",
        (
            ("name", "string"),
            ("symbol", "string"),
            ("uri", "string"),
            ("mint", "key"),
            ("bonding_curve", "key"),
            ("user", "key"),
        ),
    )
)
CREATE_REST: Final = Compiled(
    Layout(
        "pump.fun CreateEvent, supply",
        (
            ("creator", "key"),
            ("timestamp", "i64"),
            ("virtual_token_reserves", "u64"),
            ("virtual_sol_reserves", "u64"),
            ("real_token_reserves", "u64"),
            ("token_total_supply", "u64"),
        ),
    )
)


def _trade(data: bytes, invocation: Invocation) -> tuple[Statement, ...]:
    trade, at = TRADE.read_from(data, 0)
    fee_raw = 0
    fees: Values = {}
    quote_mint, quote_raw = SOL_MINT, number(trade, "sol_amount")
    try:
        fees, at = TRADE_FEES.read_from(data, at)
        fee_raw = number(fees, "fee") + number(fees, "creator_fee")
        rest, at = TRADE_REST.read_from(data, at)
        at += number(rest, "shareholders") * SHAREHOLDER_BYTES
        quote, _ = TRADE_QUOTE.read_from(data, at)
        if key(quote, "quote_mint") not in {SYSTEM_KEY, SOL_MINT}:
            quote_mint, quote_raw = key(quote, "quote_mint"), number(quote, "quote_amount")
    except Short:
        pass  # An older event: what it has was read.
    mint, token_raw = key(trade, "mint"), number(trade, "token_amount")
    user = key(trade, "user")
    if trade["is_buy"]:
        stated = TradeEvent(NAME, quote_mint, quote_raw + fee_raw, mint, token_raw, user)
    else:
        got_raw = max(0, quote_raw - fee_raw)
        stated = TradeEvent(NAME, mint, token_raw, quote_mint, got_raw, user)
    if not fees:
        return (stated,)
    name = VENUE.instruction(invocation.data) or ""
    pool = PoolFacts(
        NAME,
        "trade",
        invocation.address_at(CURVE_V2 if name.endswith("_v2") else CURVE) or "",
        mint,
        quote_mint,
        amount_a_raw=token_raw,
        amount_b_raw=quote_raw,
        reserve_a_raw=number(fees, "real_token_reserves"),
        reserve_b_raw=number(fees, "real_sol_reserves"),
        virtual_a_raw=number(fees, "virtual_token_reserves"),
        virtual_b_raw=number(fees, "virtual_sol_reserves"),
        user=user,
    )
    return stated, pool


def _complete(data: bytes, _invocation: Invocation) -> PoolFacts:
    event = COMPLETE.read(data)
    curve, mint = key(event, "bonding_curve"), key(event, "mint")
    return PoolFacts(NAME, "completed", curve, mint, user=key(event, "user"))


def _migrated(data: bytes, _invocation: Invocation) -> PoolFacts:
    event = MIGRATED.read(data)
    return PoolFacts(
        NAME,
        "migrated",
        key(event, "bonding_curve"),
        key(event, "mint"),
        SOL_MINT,
        amount_a_raw=number(event, "mint_amount"),
        amount_b_raw=number(event, "sol_amount"),
        user=key(event, "user"),
        to=key(event, "pool"),
    )


def _post_complete_buy(data: bytes, _invocation: Invocation) -> TradeEvent:
    buy = POST_COMPLETE_BUY.read(data)
    quote_mint = key(buy, "quote_mint")
    paid_raw = number(buy, "quote_in") + number(buy, "fee") + number(buy, "creator_fee")
    return TradeEvent(
        NAME,
        SOL_MINT if quote_mint == SYSTEM_KEY else quote_mint,
        paid_raw,
        key(buy, "mint"),
        number(buy, "base_out"),
        key(buy, "user"),
    )


def _create(data: bytes, _invocation: Invocation) -> TokenFacts:
    created, at = CREATE.read_from(data, 0)
    creator, supply_raw = key(created, "user"), None
    try:
        rest, _ = CREATE_REST.read_from(data, at)
        creator, supply_raw = key(rest, "creator"), number(rest, "token_total_supply")
    except Short:
        pass  # An event of 2024: its user is the creator, and it states no supply.
    return TokenFacts(
        NAME,
        key(created, "mint"),
        text(created, "name"),
        text(created, "symbol"),
        creator,
        DECIMALS,
        supply_raw,
    )


VENUE: Final = Venue(
    name=NAME,
    source="github.com/pump-fun/pump-public-docs idl/pump.json",
    checked="2026-11-24",
    where="cpi",
    instructions=instruction_tags(
        "add_quote_control_mint", "admin_cto", "admin_set_creator", "admin_set_idl_authority",
        "admin_update_token_incentives", "buy", "buy_exact_quote_in_v2", "buy_exact_quote_in_v3",
        "buy_exact_sol_in", "buy_v2", "buy_v3", "claim_cashback", "claim_cashback_v2",
        "claim_token_incentives", "close_user_volume_accumulator", "collect_creator_fee",
        "collect_creator_fee_v2", "create", "create_v2", "distribute_creator_fees",
        "distribute_creator_fees_v2", "distribute_fee_to_holders", "extend_account",
        "get_minimum_distributable_fee", "init_user_volume_accumulator", "initialize", "migrate",
        "migrate_bonding_curve_creator", "migrate_v2", "multi_hop_curve_swap",
        "remove_quote_control_mint", "sell", "sell_v2", "sell_v3", "set_creator",
        "set_mayhem_virtual_params", "set_metaplex_creator", "set_params",
        "set_quote_control_admin", "set_quote_control_mint_reserves",
        "set_quote_control_reserves_admin", "set_reserved_fee_recipients",
        "sweep_bonding_curve_fee", "sync_user_volume_accumulator", "toggle_cashback_enabled",
        "toggle_create_v2", "toggle_mayhem_mode", "update_buyback_config",
        "update_creator_fee_config", "update_global_authority", "update_holder_reward_config",
        "withdraw",
    ),
    trades=frozenset(
        {"buy", "buy_exact_sol_in", "buy_v2", "buy_exact_quote_in_v2", "buy_v3"}
        | {"buy_exact_quote_in_v3", "sell", "sell_v2", "sell_v3", "multi_hop_curve_swap"}
    ),
    events={
        event_tag("TradeEvent"): _trade,
        event_tag("PostCompleteBuyEvent"): _post_complete_buy,
        event_tag("CreateEvent"): _create,
        event_tag("CompleteEvent"): _complete,
        event_tag("CompletePumpAmmMigrationEvent"): _migrated,
    },
    silent_events=event_tags(
        "AddQuoteControlMintEvent", "AdminCtoEvent", "AdminSetCreatorEvent",
        "AdminSetIdlAuthorityEvent", "AdminUpdateTokenIncentivesEvent", "ClaimCashbackEvent",
        "ClaimTokenIncentivesEvent", "CloseUserVolumeAccumulatorEvent", "CollectCreatorFeeEvent",
        "DistributeCreatorFeesEvent",
        "DistributeFeeToHoldersEvent", "ExtendAccountEvent", "InitUserVolumeAccumulatorEvent",
        "MigrateBondingCurveCreatorEvent", "MinimumDistributableFeeEvent",
        "RemoveQuoteControlMintEvent", "ReservedFeeRecipientsEvent", "SetCreatorEvent",
        "SetMetaplexCreatorEvent", "SetParamsEvent", "SetQuoteControlAdminEvent",
        "SetQuoteControlMintReservesEvent", "SetQuoteControlReservesAdminEvent",
        "SweepBondingCurveFeeEvent", "SyncUserVolumeAccumulatorEvent",
        "UpdateCreatorFeeConfigEvent", "UpdateGlobalAuthorityEvent",
        "UpdateHolderRewardConfigEvent", "UpdateMayhemVirtualParamsEvent",
    ),
)  # fmt: skip
