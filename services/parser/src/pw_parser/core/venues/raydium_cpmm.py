"""Raydium CPMM: its swap event in the log.

Source: github.com/raydium-io/raydium-idl, raydium_cpmm/raydium_cp_swap.json; checked
2026-11-24. Mints and a creator fee were appended later; the instruction names the mints too.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.venues.layout import Compiled, Layout, event_tag, event_tags, instruction_tags
from pw_parser.core.venues.layout import number as n
from pw_parser.core.venues.venue import Invocation, TradeEvent, Venue

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


def _swap(data: bytes, invocation: Invocation) -> TradeEvent:
    event = SWAP.read(data)
    return TradeEvent(
        NAME,
        invocation.address_at(INPUT_MINT),
        n(event, "input_amount") + n(event, "input_transfer_fee"),
        invocation.address_at(OUTPUT_MINT),
        max(0, n(event, "output_amount") - n(event, "output_transfer_fee")),
        invocation.address_at(PAYER),
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
    events={event_tag("SwapEvent"): _swap},
    silent_events=event_tags("LpChangeEvent"),
)  # fmt: skip
