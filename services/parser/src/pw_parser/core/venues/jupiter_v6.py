"""Jupiter v6: an aggregator, whose events repeat the hops of the venues below it.

Source: the program's IDL as published by Jupiter (github.com/jup-ag/jupiter-cpi and dev.jup.ag)
and the public decoders made from it; checked 2026-11-24. They speak for hops through venues
that say nothing themselves.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.venues.layout import (
    Compiled,
    Layout,
    Values,
    event_tag,
    event_tags,
    instruction_tags,
    key,
    number,
)
from pw_parser.core.venues.venue import Invocation, TradeEvent, Venue

NAME: Final = "jupiter_v6"
HOPS_MAX: Final = 64

_HOP: Final = (
    ("input_mint", "key"),
    ("input_amount", "u64"),
    ("output_mint", "key"),
    ("output_amount", "u64"),
)
SWAP: Final = Compiled(Layout("Jupiter SwapEvent", (("amm", "key"), *_HOP)))
COUNT: Final = Compiled(Layout("Jupiter SwapsEvent", (("swaps", "u32"),)))
HOP: Final = Compiled(Layout("Jupiter SwapsEvent, hop", _HOP))


def _swap(data: bytes, _invocation: Invocation) -> TradeEvent:
    return _trade(SWAP.read(data))


def _swaps(data: bytes, _invocation: Invocation) -> tuple[TradeEvent, ...]:
    counted, at = COUNT.read_from(data, 0)
    trades: list[TradeEvent] = []
    for _ in range(min(number(counted, "swaps"), HOPS_MAX)):
        hop, at = HOP.read_from(data, at)
        trades.append(_trade(hop))
    return tuple(trades)


def _trade(hop: Values) -> TradeEvent:
    return TradeEvent(
        NAME,
        key(hop, "input_mint"),
        number(hop, "input_amount"),
        key(hop, "output_mint"),
        number(hop, "output_amount"),
    )


VENUE: Final = Venue(
    name=NAME,
    source="github.com/jup-ag/jupiter-cpi (IDL of JUP6)",
    checked="2026-11-24",
    router=True,
    where="cpi",
    instructions=instruction_tags(
        "claim", "claim_token", "close_token", "create_open_orders",
        "create_program_open_orders", "create_token_account", "create_token_ledger",
        "exact_out_route", "exact_out_route_v2", "route", "route_v2", "route_with_token_ledger",
        "set_token_ledger", "shared_accounts_exact_out_route",
        "shared_accounts_exact_out_route_v2", "shared_accounts_route",
        "shared_accounts_route_v2", "shared_accounts_route_with_token_ledger",
    ),
    trades=frozenset(
        {"route", "route_v2", "route_with_token_ledger", "exact_out_route", "exact_out_route_v2"}
        | {"shared_accounts_route", "shared_accounts_route_v2"}
        | {"shared_accounts_exact_out_route", "shared_accounts_exact_out_route_v2"}
        | {"shared_accounts_route_with_token_ledger"}
    ),
    events={event_tag("SwapEvent"): _swap, event_tag("SwapsEvent"): _swaps},
    silent_events=event_tags(
        "BestSwapOutAmountViolation", "CandidateSwapResults", "FeeEvent", "SwapEventV2"
    ),
)  # fmt: skip
