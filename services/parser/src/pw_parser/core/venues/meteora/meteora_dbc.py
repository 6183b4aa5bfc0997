"""Meteora DBC (dynamic bonding curve): its swap events, sent to itself.

Source: github.com/MeteoraAg/dynamic-bonding-curve (programs/dynamic-bonding-curve/src/event.rs,
instructions); checked 2026-11-24. The program writes both events for one swap: it counts once.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.venues.layout import (
    Compiled,
    Layout,
    event_tag,
    event_tags,
    instruction_tags,
    number,
)
from pw_parser.core.venues.venue import Invocation, TradeEvent, Venue

NAME: Final = "meteora_dbc"
BASE_MINT: Final = 7
QUOTE_MINT: Final = 8
PAYER: Final = 9
BASE_TO_QUOTE: Final = 0

_HEAD: Final = (
    ("pool", "key"),
    ("config", "key"),
    ("trade_direction", "u8"),
    ("has_referral", "bool"),
)
SWAP: Final = Compiled(
    Layout(
        "DBC EvtSwap",
        (
            *_HEAD,
            ("amount_in", "u64"),
            ("minimum_amount_out", "u64"),
            ("actual_input_amount", "u64"),
            ("output_amount", "u64"),
            ("next_sqrt_price", "u128"),
            ("trading_fee", "u64"),
            ("protocol_fee", "u64"),
            ("referral_fee", "u64"),
            ("user_amount_in", "u64"),
        ),
    )
)
SWAP2: Final = Compiled(
    Layout(
        "DBC EvtSwap2",
        (
            *_HEAD,
            ("amount_0", "u64"),
            ("amount_1", "u64"),
            ("swap_mode", "u8"),
            ("included_fee_input_amount", "u64"),
            ("excluded_fee_input_amount", "u64"),
            ("amount_left", "u64"),
            ("output_amount", "u64"),
        ),
    )
)


def _swap(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SWAP.read(data)
    amounts = number(event, "user_amount_in"), number(event, "output_amount")
    return _trade(invocation, number(event, "trade_direction"), *amounts)


def _swap2(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SWAP2.read(data)
    amounts = number(event, "included_fee_input_amount"), number(event, "output_amount")
    return _trade(invocation, number(event, "trade_direction"), *amounts)


def _trade(invocation: Invocation, direction: int, in_raw: int, out_raw: int) -> TradeEvent:
    base, quote = invocation.address_at(BASE_MINT), invocation.address_at(QUOTE_MINT)
    given, got = (base, quote) if direction == BASE_TO_QUOTE else (quote, base)
    return TradeEvent(NAME, given, in_raw, got, out_raw, invocation.address_at(PAYER))


VENUE: Final = Venue(
    name=NAME,
    source="github.com/MeteoraAg/dynamic-bonding-curve src/event.rs",
    checked="2026-11-24",
    where="cpi",
    instructions=instruction_tags(
        "claim_creator_pool_creation_fee", "claim_creator_trading_fee",
        "claim_legacy_pool_creation_fee",
        "claim_partner_pool_creation_fee", "claim_pool_creation_fee", "claim_protocol_fee",
        "claim_protocol_fee2", "claim_protocol_pool_creation_fee", "claim_trading_fee",
        "claim_trading_fee2", "close_claim_fee_operator", "close_claim_protocol_fee_operator",
        "close_operator_account", "create_claim_fee_operator",
        "create_claim_protocol_fee_operator", "create_config", "create_config_with_transfer_hook",
        "create_locker", "create_operator_account", "create_partner_metadata",
        "create_virtual_pool_metadata", "creator_withdraw_surplus",
        "initialize_virtual_pool_with_spl_token", "initialize_virtual_pool_with_token2022",
        "initialize_virtual_pool_with_token2022_transfer_hook", "migrate_meteora_damm",
        "migrate_meteora_damm_claim_lp_token", "migrate_meteora_damm_lock_lp_token",
        "migration_damm_v2", "migration_damm_v2_create_metadata",
        "migration_meteora_damm_create_metadata", "partner_withdraw_surplus",
        "protocol_withdraw_surplus", "swap", "swap2", "swap2_with_transfer_hook",
        "transfer_pool_creator", "withdraw_leftover", "withdraw_migration_fee",
        "zap_protocol_fee",
    ),
    trades=frozenset({"swap", "swap2", "swap2_with_transfer_hook"}),
    events={event_tag("EvtSwap"): _swap, event_tag("EvtSwap2"): _swap2},
    silent_events=event_tags(
        "EvtClaimCreatorTradingFee", "EvtClaimCreatorTradingFee2", "EvtClaimPoolCreationFee",
        "EvtClaimProtocolFee", "EvtClaimProtocolLiquidityMigrationFee", "EvtClaimTradingFee",
        "EvtClaimTradingFee2", "EvtCloseClaimFeeOperator", "EvtCreateClaimFeeOperator",
        "EvtCreateConfig", "EvtCreateConfigV2", "EvtCreateDammV2MigrationMetadata",
        "EvtCreateMeteoraMigrationMetadata", "EvtCreatorWithdrawSurplus", "EvtCurveComplete",
        "EvtInitializePool", "EvtPartnerClaimPoolCreationFee", "EvtPartnerMetadata",
        "EvtPartnerWithdrawMigrationFee", "EvtPartnerWithdrawSurplus",
        "EvtProtocolWithdrawSurplus", "EvtUpdatePoolCreator", "EvtVirtualPoolMetadata",
        "EvtWithdrawLeftover", "EvtWithdrawMigrationFee",
    ),
)  # fmt: skip
