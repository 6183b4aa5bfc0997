"""Orca Whirlpools: its `Traded` event in the log.

Source: github.com/orca-so/whirlpools (programs/whirlpool/src/events, and the IDL); checked
2026-11-24. Transactions before 2025 carry no event. A two-hop swap writes one for each pool, told
apart by the pool's key.
"""

from __future__ import annotations

from typing import Final, NamedTuple

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

NAME: Final = "orca_whirlpool"

TRADED: Final = Compiled(
    Layout(
        "Whirlpool Traded",
        (
            ("whirlpool", "key"),
            ("a_to_b", "bool"),
            ("pre_sqrt_price", "u128"),
            ("post_sqrt_price", "u128"),
            ("input_amount", "u64"),
            ("output_amount", "u64"),
            ("input_transfer_fee", "u64"),
            ("output_transfer_fee", "u64"),
        ),
    )
)


class Pool(NamedTuple):
    """Where an instruction names a pool, its two vaults (a, b), and the user."""

    pool: int
    vault_a: int
    vault_b: int
    user: int


# In a two-hop v2 swap the vaults stand in the order of the route, not of the pool.
POOLS: Final[dict[str, tuple[Pool, ...]]] = {
    "swap": (Pool(2, 4, 6, 1),),
    "swap_v2": (Pool(4, 8, 10, 3),),
    "two_hop_swap": (Pool(2, 5, 7, 1), Pool(3, 9, 11, 1)),
    "two_hop_swap_v2": (Pool(0, 9, 10, 14), Pool(1, 11, 12, 14)),
}


def _traded(data: bytes, invocation: Invocation) -> TradeEvent | None:
    event = TRADED.read(data)
    name = VENUE.instruction(invocation.data) or ""
    whirlpool = key(event, "whirlpool")
    for pool in POOLS.get(name, ()):
        if invocation.address_at(pool.pool) == whirlpool:
            break
    else:
        return None
    first, second = invocation.mint_at(pool.vault_a), invocation.mint_at(pool.vault_b)
    in_route_order = name == "two_hop_swap_v2"
    given, got = (first, second) if in_route_order or event["a_to_b"] else (second, first)
    return TradeEvent(
        NAME,
        given,
        number(event, "input_amount"),
        got,
        max(0, number(event, "output_amount") - number(event, "output_transfer_fee")),
        invocation.address_at(pool.user),
    )


VENUE: Final = Venue(
    name=NAME,
    source="github.com/orca-so/whirlpools",
    checked="2026-11-24",
    where="log",
    instructions=instruction_tags(
        "close_bundled_position", "close_position", "close_position_with_token_extensions",
        "collect_fees", "collect_fees_v2", "collect_protocol_fees", "collect_protocol_fees_v2",
        "collect_reward", "collect_reward_v2", "decrease_liquidity", "decrease_liquidity_v2",
        "delete_position_bundle", "delete_token_badge", "idl_include", "increase_liquidity",
        "increase_liquidity_by_token_amounts_v2", "increase_liquidity_v2",
        "initialize_adaptive_fee_tier", "initialize_config", "initialize_config_extension",
        "initialize_dynamic_tick_array", "initialize_fee_tier", "initialize_pool",
        "initialize_pool_v2", "initialize_pool_with_adaptive_fee", "initialize_position_bundle",
        "initialize_position_bundle_with_metadata", "initialize_reward", "initialize_reward_v2",
        "initialize_tick_array", "initialize_token_badge", "lock_position",
        "migrate_repurpose_reward_authority_space", "open_bundled_position", "open_position",
        "open_position_with_metadata", "open_position_with_token_extensions",
        "reposition_liquidity_v2", "reset_position_range", "set_adaptive_fee_constants",
        "set_collect_protocol_fees_authority", "set_config_extension_authority",
        "set_config_feature_flag", "set_default_base_fee_rate", "set_default_fee_rate",
        "set_default_protocol_fee_rate", "set_delegated_fee_authority", "set_fee_authority",
        "set_fee_rate", "set_fee_rate_by_delegated_fee_authority",
        "set_initialize_pool_authority", "set_preset_adaptive_fee_constants",
        "set_protocol_fee_rate", "set_reward_authority",
        "set_reward_authority_by_super_authority", "set_reward_emissions",
        "set_reward_emissions_super_authority", "set_reward_emissions_v2",
        "set_token_badge_attribute", "set_token_badge_authority", "swap", "swap_v2",
        "transfer_locked_position", "two_hop_swap", "two_hop_swap_v2",
        "update_fees_and_rewards",
    ),
    trades=frozenset(POOLS),
    events={event_tag("Traded"): _traded},
    silent_events=event_tags(
        "LiquidityDecreased", "LiquidityIncreased", "LiquidityRepositioned", "PoolInitialized"
    ),
)  # fmt: skip
