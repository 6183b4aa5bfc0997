"""Meteora DLMM: its swap and liquidity events, sent to itself.

Source: github.com/MeteoraAg/dlmm-sdk, idls/dlmm.json, and the public decoders made from it;
checked 2026-11-25. Since mid-2026 it writes a second event
for each swap, which counts once. All its swap instructions name the mints at the same places.
"""

from __future__ import annotations

from typing import Final

from pw_common.wire.pools import PoolChange
from pw_parser.core.venues.layout import (
    Compiled,
    Layout,
    event_tag,
    event_tags,
    instruction_tags,
    key,
    number,
)
from pw_parser.core.venues.venue import Invocation, PoolFacts, Reader, TradeEvent, Venue

NAME: Final = "meteora_dlmm"
MINT_X: Final = 6
MINT_Y: Final = 7

SWAP: Final = Compiled(
    Layout(
        "DLMM Swap",
        (
            ("lb_pair", "key"),
            ("from", "key"),
            ("start_bin_id", "i32"),
            ("end_bin_id", "i32"),
            ("amount_in", "u64"),
            ("amount_out", "u64"),
            ("swap_for_y", "bool"),
        ),
    )
)


SWAP2: Final = Compiled(
    Layout(
        "DLMM Swap2Evt",
        (
            ("lb_pair", "key"),
            ("from", "key"),
            ("start_bin_id", "i32"),
            ("end_bin_id", "i32"),
            ("swap_for_y", "bool"),
            ("fee_rate", "u128"),
            ("amount_in", "u64"),
            ("amount_left", "u64"),
            ("amount_out", "u64"),
        ),
    )
)
LIQUIDITY: Final = Compiled(
    Layout(
        "DLMM AddLiquidity, RemoveLiquidity",
        (
            ("lb_pair", "key"),
            ("from", "key"),
            ("position", "key"),
            ("amount_x", "u64"),
            ("amount_y", "u64"),
        ),
    )
)


def _swap2(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SWAP2.read(data)
    x, y = invocation.address_at(MINT_X), invocation.address_at(MINT_Y)
    given, got = (x, y) if event["swap_for_y"] else (y, x)
    in_raw = number(event, "amount_in") - number(event, "amount_left")
    return TradeEvent(NAME, given, in_raw, got, number(event, "amount_out"), key(event, "from"))


def _liquidity(what: PoolChange) -> Reader:
    def read(data: bytes, _invocation: Invocation) -> PoolFacts:
        event = LIQUIDITY.read(data)
        return PoolFacts(
            NAME,
            what,
            key(event, "lb_pair"),
            amount_a_raw=number(event, "amount_x"),
            amount_b_raw=number(event, "amount_y"),
            user=key(event, "from"),
        )

    return read


def _swap(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SWAP.read(data)
    x, y = invocation.address_at(MINT_X), invocation.address_at(MINT_Y)
    given, got = (x, y) if event["swap_for_y"] else (y, x)
    amounts = number(event, "amount_in"), number(event, "amount_out")
    return TradeEvent(NAME, given, amounts[0], got, amounts[1], key(event, "from"))


VENUE: Final = Venue(
    name=NAME,
    source="github.com/MeteoraAg/dlmm-sdk idls/dlmm.json",
    checked="2026-11-25",
    where="cpi",
    instructions=instruction_tags(
        "add_liquidity", "add_liquidity2", "add_liquidity_by_strategy",
        "add_liquidity_by_strategy2", "add_liquidity_by_strategy_one_side",
        "add_liquidity_by_weight", "add_liquidity_by_weight2", "add_liquidity_one_side",
        "add_liquidity_one_side_precise", "add_liquidity_one_side_precise2",
        "cancel_limit_order", "claim_fee", "claim_fee2", "claim_reward", "claim_reward2",
        "close_claim_fee_operator_account", "close_claim_protocol_fee_operator",
        "close_limit_order_if_empty", "close_operator_account", "close_position",
        "close_position2", "close_position_if_empty", "close_preset_parameter",
        "close_preset_parameter2", "close_token_badge", "create_claim_protocol_fee_operator",
        "create_operator_account", "decrease_position_length",
        "for_idl_type_generation_do_not_call",
        "fund_reward", "go_to_a_bin", "increase_oracle_length", "increase_position_length",
        "increase_position_length2", "initialize_bin_array",
        "initialize_bin_array_bitmap_extension",
        "initialize_customizable_permissionless_lb_pair",
        "initialize_customizable_permissionless_lb_pair2", "initialize_lb_pair",
        "initialize_lb_pair2", "initialize_permission_lb_pair", "initialize_position",
        "initialize_position2", "initialize_position_by_operator", "initialize_position_pda",
        "initialize_preset_parameter", "initialize_preset_parameter2", "initialize_reward",
        "initialize_token_badge", "migrate_bin_array", "migrate_position", "place_limit_order",
        "rebalance_liquidity", "remove_all_liquidity", "remove_liquidity", "remove_liquidity2",
        "remove_liquidity_by_range", "remove_liquidity_by_range2",
        "reset_bin_array_tombstone_fields",
        "reset_position_tombstone_fields", "set_activation_point", "set_pair_status",
        "set_pair_status_permissionless", "set_pre_activation_duration",
        "set_pre_activation_swap_address", "swap", "swap2", "swap_exact_out", "swap_exact_out2",
        "swap_with_price_impact", "swap_with_price_impact2", "update_base_fee_parameters",
        "update_dynamic_fee_parameters", "update_fees_and_reward2", "update_fees_and_rewards",
        "update_position_operator", "update_reward_duration", "update_reward_funder",
        "withdraw_ineligible_reward", "withdraw_protocol_fee", "zap_protocol_fee",
    ),
    trades=frozenset(
        {"swap", "swap2", "swap_exact_out", "swap_exact_out2"}
        | {"swap_with_price_impact", "swap_with_price_impact2"}
    ),
    events={
        event_tag("Swap"): _swap,
        event_tag("Swap2Evt"): _swap2,
        event_tag("AddLiquidity"): _liquidity("added"),
        event_tag("RemoveLiquidity"): _liquidity("removed"),
    },
    silent_events=event_tags(
        "ClaimFee", "ClaimFee2", "ClaimReward", "ClaimReward2", "CompositionFee",
        "DecreasePositionLength", "DynamicFeeParameterUpdate", "FeeParameterUpdate",
        "FundReward", "GoToABin", "IncreaseObservation", "IncreasePositionLength",
        "InitializeReward", "LbPairCreate", "PositionClose", "PositionCreate", "Rebalancing",
        "UpdatePositionLockReleasePoint", "UpdatePositionOperator",
        "UpdateRewardDuration", "UpdateRewardFunder", "WithdrawIneligibleReward",
    ),
)  # fmt: skip
