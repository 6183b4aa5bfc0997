"""Raydium LaunchLab: trades and launches, as events that the program sends to itself.

Source: the program's IDL in github.com/raydium-io/raydium-idl and the public decoders made
from it; checked 2026-11-24. A creator fee was put between older fields in 2025, so only what
stands before it is read; whether it was a buy is said by the instruction.
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

NAME: Final = "raydium_launchlab"
PAYER: Final = 0
BASE_MINT: Final = 9
QUOTE_MINT: Final = 10
CREATED_MINT: Final = 6

TRADE: Final = Compiled(
    Layout(
        "LaunchLab TradeEvent",
        (
            ("pool_state", "key"),
            ("total_base_sell", "u64"),
            ("virtual_base", "u64"),
            ("virtual_quote", "u64"),
            ("real_base_before", "u64"),
            ("real_quote_before", "u64"),
            ("real_base_after", "u64"),
            ("real_quote_after", "u64"),
            ("amount_in", "u64"),
            ("amount_out", "u64"),
        ),
    )
)
POOL_CREATE: Final = Compiled(
    Layout(
        "LaunchLab PoolCreateEvent",
        (
            ("pool_state", "key"),
            ("creator", "key"),
            ("config", "key"),
            ("decimals", "u8"),
            ("name", "string"),
            ("symbol", "string"),
            ("uri", "string"),
            ("curve_kind", "u8"),
            ("supply", "u64"),
        ),
    )
)


def _trade(data: bytes, invocation: Invocation) -> tuple[Statement, ...]:
    event = TRADE.read(data)
    base, quote = invocation.address_at(BASE_MINT), invocation.address_at(QUOTE_MINT)
    payer = invocation.address_at(PAYER)
    in_raw, out_raw = number(event, "amount_in"), number(event, "amount_out")
    pool = PoolFacts(
        NAME,
        "trade",
        key(event, "pool_state"),
        base,
        quote,
        # What the curve holds is what it may still sell.
        reserve_a_raw=max(0, number(event, "total_base_sell") - number(event, "real_base_after")),
        reserve_b_raw=number(event, "real_quote_after"),
        virtual_a_raw=number(event, "virtual_base"),
        virtual_b_raw=number(event, "virtual_quote"),
        user=payer or "",
    )
    if (VENUE.instruction(invocation.data) or "").startswith("buy"):
        trade = TradeEvent(NAME, quote, in_raw, base, out_raw, payer)
        return trade, pool._replace(amount_a_raw=out_raw, amount_b_raw=in_raw)
    trade = TradeEvent(NAME, base, in_raw, quote, out_raw, payer)
    return trade, pool._replace(amount_a_raw=in_raw, amount_b_raw=out_raw)


def _create(data: bytes, invocation: Invocation) -> TokenFacts | None:
    event = POOL_CREATE.read(data)
    mint = invocation.address_at(CREATED_MINT)
    if mint is None:
        return None
    return TokenFacts(
        NAME,
        mint,
        text(event, "name"),
        text(event, "symbol"),
        key(event, "creator"),
        number(event, "decimals"),
        number(event, "supply"),
    )


VENUE: Final = Venue(
    name=NAME,
    source="github.com/raydium-io/raydium-idl (LaunchLab)",
    checked="2026-11-24",
    where="cpi",
    instructions=instruction_tags(
        "buy_exact_in", "buy_exact_out", "claim_creator_fee", "claim_platform_fee",
        "claim_platform_fee_from_vault", "claim_vested_token", "close_platform_global_access",
        "collect_fee", "collect_migrate_fee", "create_config", "create_platform_config",
        "create_platform_global_access", "create_platform_vesting_account",
        "create_vesting_account", "initialize", "initialize_v2", "initialize_with_token_2022",
        "migrate_to_amm", "migrate_to_cpswap", "remove_platform_curve_param", "sell_exact_in",
        "sell_exact_out", "update_config", "update_platform_config",
        "update_platform_curve_param",
    ),
    trades=frozenset({"buy_exact_in", "buy_exact_out", "sell_exact_in", "sell_exact_out"}),
    events={event_tag("TradeEvent"): _trade, event_tag("PoolCreateEvent"): _create},
    silent_events=event_tags("ClaimVestedEvent", "CreateVestingEvent"),
)  # fmt: skip
