"""Meteora DAMM v2 (cp-amm): its swap events, sent to itself.

Source: github.com/MeteoraAg/damm-v2 (programs/cp-amm/src/event.rs, instructions); checked
2026-11-24. A newer program writes the second event, for a while both: a swap that was stated
twice counts once.
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

NAME: Final = "meteora_damm_v2"
MINT_A: Final = 6
MINT_B: Final = 7
PAYER: Final = 8
A_TO_B: Final = 0

SWAP: Final = Compiled(
    Layout(
        "DAMM v2 EvtSwap",
        (
            ("pool", "key"),
            ("trade_direction", "u8"),
            ("has_referral", "bool"),
            ("amount_in", "u64"),
            ("minimum_amount_out", "u64"),
            ("output_amount", "u64"),
            ("next_sqrt_price", "u128"),
            ("lp_fee", "u64"),
            ("protocol_fee", "u64"),
            ("partner_fee", "u64"),
            ("referral_fee", "u64"),
            ("actual_amount_in", "u64"),
        ),
    )
)
SWAP2: Final = Compiled(
    Layout(
        "DAMM v2 EvtSwap2",
        (
            ("pool", "key"),
            ("trade_direction", "u8"),
            ("collect_fee_mode", "u8"),
            ("has_referral", "bool"),
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
    amounts = number(event, "actual_amount_in"), number(event, "output_amount")
    return _trade(invocation, number(event, "trade_direction"), *amounts)


def _swap2(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SWAP2.read(data)
    amounts = number(event, "included_fee_input_amount"), number(event, "output_amount")
    return _trade(invocation, number(event, "trade_direction"), *amounts)


def _trade(invocation: Invocation, direction: int, in_raw: int, out_raw: int) -> TradeEvent:
    a, b = invocation.address_at(MINT_A), invocation.address_at(MINT_B)
    given, got = (a, b) if direction == A_TO_B else (b, a)
    return TradeEvent(NAME, given, in_raw, got, out_raw, invocation.address_at(PAYER))


VENUE: Final = Venue(
    name=NAME,
    source="github.com/MeteoraAg/damm-v2 programs/cp-amm/src/event.rs",
    checked="2026-11-24",
    where="cpi",
    instructions=instruction_tags(
        "add_liquidity", "claim_partner_fee", "claim_position_fee", "claim_protocol_fee",
        "claim_protocol_fee2", "claim_reward", "close_claim_fee_operator", "close_config",
        "close_operator_account", "close_position", "close_token_badge",
        "create_claim_fee_operator", "create_config", "create_dynamic_config",
        "create_operator_account", "create_position", "create_static_config",
        "create_token_badge", "dummy_ix", "fix_config_fee_params", "fix_pool_fee_params",
        "fix_pool_layout_version", "fund_reward", "initialize_customizable_pool",
        "initialize_pool", "initialize_pool_with_dynamic_config", "initialize_reward",
        "lock_inner_position", "lock_position", "permanent_lock_position", "refresh_vesting",
        "remove_all_liquidity", "remove_liquidity", "set_pool_status", "split_position",
        "split_position2", "swap", "swap2", "update_pool_fees", "update_reward_duration",
        "update_reward_funder", "withdraw_ineligible_reward", "zap_protocol_fee",
    ),
    trades=frozenset({"swap", "swap2"}),
    events={event_tag("EvtSwap"): _swap, event_tag("EvtSwap2"): _swap2},
    silent_events=event_tags(
        "EvtAddLiquidity", "EvtClaimPartnerFee", "EvtClaimPositionFee", "EvtClaimProtocolFee",
        "EvtClaimReward", "EvtCloseClaimFeeOperator", "EvtCloseConfig", "EvtClosePosition",
        "EvtCreateClaimFeeOperator", "EvtCreateConfig", "EvtCreateDynamicConfig",
        "EvtCreatePosition", "EvtCreateTokenBadge", "EvtFundReward", "EvtInitializePool",
        "EvtInitializeReward", "EvtLiquidityChange", "EvtLockPosition", "EvtPermanentLockPosition",
        "EvtRemoveLiquidity", "EvtSetPoolStatus", "EvtSplitPosition", "EvtSplitPosition2",
        "EvtSplitPosition3", "EvtUpdatePoolFees", "EvtUpdateRewardDuration",
        "EvtUpdateRewardFunder", "EvtWithdrawIneligibleReward",
    ),
)  # fmt: skip
