"""Raydium CPMM: its swap event in the log.

Source: github.com/raydium-io/raydium-idl, raydium_cpmm/raydium_cp_swap.json; checked
2026-11-24. Mints and a creator fee were appended later; the instruction names the mints too.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.venues.layout import Compiled, Layout, event_tag, instruction_tags, key
from pw_parser.core.venues.layout import number as n
from pw_parser.core.venues.venue import Invocation, PoolFacts, Statement, TradeEvent, Venue

NAME: Final = "raydium_cpmm"
PAYER: Final = 0
INPUT_MINT: Final = 10
OUTPUT_MINT: Final = 11

SWAP: Final = Compiled(
    Layout(
        "CPMM SwapEvent",
        (
            ("pool_id", "key"),
            ("input_vault_before", "u64"),
            ("output_vault_before", "u64"),
            ("input_amount", "u64"),
            ("output_amount", "u64"),
            ("input_transfer_fee", "u64"),
            ("output_transfer_fee", "u64"),
        ),
    )
)


LP_CHANGE: Final = Compiled(
    Layout(
        "CPMM LpChangeEvent",
        (
            ("pool_id", "key"),
            ("lp_amount_before", "u64"),
            ("token_0_vault_before", "u64"),
            ("token_1_vault_before", "u64"),
            ("token_0_amount", "u64"),
            ("token_1_amount", "u64"),
            ("token_0_transfer_fee", "u64"),
            ("token_1_transfer_fee", "u64"),
            ("change_type", "u8"),
        ),
    )
)
REMOVED: Final = 1


def _swap(data: bytes, invocation: Invocation) -> tuple[Statement, ...]:
    event = SWAP.read(data)
    given, got = invocation.address_at(INPUT_MINT), invocation.address_at(OUTPUT_MINT)
    in_raw, out_raw = n(event, "input_amount"), n(event, "output_amount")
    payer = invocation.address_at(PAYER)
    trade = TradeEvent(
        NAME,
        given,
        in_raw + n(event, "input_transfer_fee"),
        got,
        max(0, out_raw - n(event, "output_transfer_fee")),
        payer,
    )
    # The input stands as `a`: which of the two is the base, the pool does not say.
    return trade, PoolFacts(
        NAME,
        "trade",
        key(event, "pool_id"),
        given,
        got,
        amount_a_raw=in_raw,
        amount_b_raw=out_raw,
        reserve_a_raw=n(event, "input_vault_before") + in_raw,
        reserve_b_raw=max(0, n(event, "output_vault_before") - out_raw),
        user=payer or "",
    )


def _lp_change(data: bytes, _invocation: Invocation) -> PoolFacts:
    event = LP_CHANGE.read(data)
    sign = -1 if n(event, "change_type") == REMOVED else 1
    a_raw, b_raw = n(event, "token_0_amount"), n(event, "token_1_amount")
    return PoolFacts(
        NAME,
        "removed" if sign < 0 else "added",
        key(event, "pool_id"),
        amount_a_raw=a_raw,
        amount_b_raw=b_raw,
        reserve_a_raw=max(0, n(event, "token_0_vault_before") + sign * a_raw),
        reserve_b_raw=max(0, n(event, "token_1_vault_before") + sign * b_raw),
    )


VENUE: Final = Venue(
    name=NAME,
    source="github.com/raydium-io/raydium-idl raydium_cpmm/raydium_cp_swap.json",
    checked="2026-11-24",
    where="log",
    instructions=instruction_tags(
        "close_permission_pda", "collect_creator_fee", "collect_fund_fee",
        "collect_protocol_fee", "create_amm_config", "create_permission_pda", "deposit",
        "initialize", "initialize_with_permission", "swap_base_input", "swap_base_output",
        "update_amm_config", "update_pool_status", "withdraw",
    ),
    trades=frozenset({"swap_base_input", "swap_base_output"}),
    events={event_tag("SwapEvent"): _swap, event_tag("LpChangeEvent"): _lp_change},
)  # fmt: skip
