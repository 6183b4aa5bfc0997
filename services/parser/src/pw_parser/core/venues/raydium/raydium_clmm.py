"""Raydium CLMM: its swap event in the log.

Source: github.com/raydium-io/raydium-idl, raydium_clmm/amm_v3.json, and github.com/raydium-io/
raydium-clmm; checked 2026-11-24. Token 0 and 1 are the pool's order; the instruction's vaults
stand as input and output. The router's hops stand in its remaining accounts and are not told
apart here: their mints stay unknown.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.venues.layout import Compiled, Layout, event_tag, event_tags, instruction_tags
from pw_parser.core.venues.layout import number as n
from pw_parser.core.venues.venue import Invocation, TradeEvent, Venue

NAME: Final = "raydium_clmm"
PAYER: Final = 0
INPUT_VAULT: Final = 5
OUTPUT_VAULT: Final = 6

SWAP: Final = Compiled(
    Layout(
        "CLMM SwapEvent",
        (
            ("pool_state", "key"),
            ("sender", "key"),
            ("token_account_0", "key"),
            ("token_account_1", "key"),
            ("amount_0", "u64"),
            ("transfer_fee_0", "u64"),
            ("amount_1", "u64"),
            ("transfer_fee_1", "u64"),
            ("zero_for_one", "bool"),
        ),
    )
)


def _swap(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SWAP.read(data)
    given, got = ("0", "1") if event["zero_for_one"] else ("1", "0")
    routed = VENUE.instruction(invocation.data) == "swap_router_base_in"
    return TradeEvent(
        NAME,
        None if routed else invocation.mint_at(INPUT_VAULT),
        n(event, f"amount_{given}"),
        None if routed else invocation.mint_at(OUTPUT_VAULT),
        n(event, f"amount_{got}"),
        invocation.address_at(PAYER),
    )


VENUE: Final = Venue(
    name=NAME,
    source="github.com/raydium-io/raydium-idl raydium_clmm/amm_v3.json",
    checked="2026-11-24",
    where="log",
    instructions=instruction_tags(
        "close_limit_order", "close_position", "close_protocol_position", "collect_fund_fee",
        "collect_protocol_fee", "collect_remaining_rewards", "create_amm_config",
        "create_customizable_pool", "create_dynamic_fee_config", "create_operation_account",
        "create_pool", "create_support_mint_associated", "decrease_limit_order",
        "decrease_liquidity", "decrease_liquidity_v2", "increase_limit_order",
        "increase_liquidity", "increase_liquidity_v2", "initialize_reward", "open_limit_order",
        "open_position", "open_position_v2", "open_position_with_token22_nft",
        "set_reward_params", "settle_limit_order", "swap", "swap_router_base_in", "swap_v2",
        "transfer_reward_owner", "update_amm_config", "update_dynamic_fee_config",
        "update_operation_account", "update_pool_status", "update_reward_infos",
    ),
    trades=frozenset({"swap", "swap_v2", "swap_router_base_in"}),
    events={event_tag("SwapEvent"): _swap},
    silent_events=event_tags(
        "CollectPersonalFeeEvent", "CollectProtocolFeeEvent", "ConfigChangeEvent",
        "CreatePersonalPositionEvent", "DecreaseLiquidityEvent", "IncreaseLiquidityEvent",
        "LiquidityCalculateEvent", "LiquidityChangeEvent", "PoolCreatedEvent",
        "UpdateRewardInfosEvent",
    ),
)  # fmt: skip
