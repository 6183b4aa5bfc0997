"""Meteora DAMM v1 (dynamic AMM): its swap event in the log.

Source: github.com/MeteoraAg/damm-v1-sdk, the IDL of the dynamic AMM; checked 2026-11-24. The
event names no side: the protocol's fee account is of the token that was given.
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

NAME: Final = "meteora_damm_v1"
VAULT_A: Final = 5
VAULT_B: Final = 6
FEE_ACCOUNT: Final = 11
USER: Final = 12

SWAP: Final = Compiled(Layout("DAMM v1 Swap", (("in_amount", "u64"), ("out_amount", "u64"))))


def _swap(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SWAP.read(data)
    sides = {invocation.mint_at(VAULT_A), invocation.mint_at(VAULT_B)}
    given = invocation.mint_at(FEE_ACCOUNT)
    others = sides - {given}
    got = others.pop() if given in sides and len(others) == 1 else None
    return TradeEvent(
        NAME,
        given,
        number(event, "in_amount"),
        got,
        number(event, "out_amount"),
        invocation.address_at(USER),
    )


VENUE: Final = Venue(
    name=NAME,
    source="github.com/MeteoraAg/damm-v1-sdk (dynamic AMM IDL)",
    checked="2026-11-24",
    where="log",
    instructions=instruction_tags(
        "add_balance_liquidity", "add_imbalance_liquidity", "bootstrap_liquidity", "claim_fee",
        "close_config", "create_config", "create_lock_escrow", "enable_or_disable_pool",
        "get_pool_info", "initialize_customizable_permissionless_constant_product_pool",
        "initialize_permissioned_pool",
        "initialize_permissionless_constant_product_pool_with_config",
        "initialize_permissionless_constant_product_pool_with_config2",
        "initialize_permissionless_pool", "initialize_permissionless_pool_with_fee_tier", "lock",
        "move_locked_lp", "override_curve_param", "partner_claim_fee", "remove_balance_liquidity",
        "remove_liquidity_single_side", "set_pool_fees", "set_whitelisted_vault", "swap",
        "transfer_admin", "update_activation_point", "withdraw_protocol_fees",
    ),
    trades=frozenset({"swap"}),
    events={event_tag("Swap"): _swap},
    silent_events=event_tags(
        "AddLiquidity", "BootstrapLiquidity", "ClaimFee", "CloseConfig", "CreateConfig",
        "CreateLockEscrow", "Lock", "MigrateFeeAccount", "OverrideCurveParam", "PartnerClaimFees",
        "PoolCreated", "PoolEnabled", "PoolInfo", "RemoveLiquidity", "SetPoolFees",
        "TransferAdmin", "WithdrawProtocolFees",
    ),
)  # fmt: skip
