"""A trade by balances against what the venues said of it.

The balances decide. Agreement or disagreement is a named reason of the swap; where the
balances leave the price open, the events may state it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_parser.core.balances.context import Leg
from pw_parser.core.calls.statements import Statements
from pw_parser.core.decode.transaction import U64_MAX
from pw_parser.core.venues.registry import ROUTERS, VENUES
from pw_parser.core.venues.venue import TradeEvent

AGREES: Final = "event_agrees"
DISAGREES: Final = "event_disagrees"
FROM_EVENT: Final = "quote_from_event"

# Parts per thousand by which an event may differ from the balances: a router's, a front
# end's or a token's own transfer fee lies between the venue and the trader.
BASE_TOLERANCE_PM: Final = 10
QUOTE_TOLERANCE_PM: Final = 30
# A venue rounds each of its fees up, and a route has several.
ROUNDING_RAW: Final = 8


class Opinion(NamedTuple):
    """What the events say of one trade. `venue` is whose event disagrees, else empty.

    `quote` is (mint, raw amount) where the events state one that the balances could not.
    """

    reason: str | None = None
    venue: str = ""
    quote: tuple[str, int] | None = None


UNHEARD: Final = Opinion()


def opinion_of(said: Statements, venues: tuple[str, ...], leg: Leg, *, alone: bool) -> Opinion:
    """Compare a trade by the balances with the events.

    `venues` are all that took part; `alone` says that nobody else traded in the transaction.
    """
    heard = said.trades
    if not alone:
        heard = tuple(event for event in heard if event.user == leg.trader)
    pools = [event for event in heard if event.venue not in ROUTERS]
    routes = [event for event in heard if event.venue in ROUTERS]
    # A router's events repeat those of the pools below it: each set is an opinion of its own.
    for events in (pools, routes):
        if events and _matches(events, leg):
            return Opinion(AGREES, quote=None if leg.quote_mint else _stated_quote(events, leg))
    if not alone or not pools or any(v not in VENUES or v in said.silent for v in venues):
        return UNHEARD
    if any(None in (event.mint_in, event.mint_out) for event in pools):
        return UNHEARD
    touching = [event for event in pools if leg.mint in (event.mint_in, event.mint_out)]
    return Opinion(DISAGREES, (touching or pools)[-1].venue)


def _matches(events: list[TradeEvent], leg: Leg) -> bool:
    """Whether all events together, or those of the token's own hops alone, state the trade.

    The price of a pool on the way is not what the whole route cost.
    """
    if _sums_to(events, leg):
        return True
    touching = [event for event in events if leg.mint in (event.mint_in, event.mint_out)]
    return 0 < len(touching) < len(events) and _sums_to(touching, leg)


def _sums_to(events: list[TradeEvent], leg: Leg) -> bool:
    if not _near(_net_raw(events, leg.mint), leg.base_raw, BASE_TOLERANCE_PM):
        return False
    if leg.quote_mint is None or leg.quote_raw is None:
        return True
    paid_raw = -leg.quote_raw if leg.base_raw > 0 else leg.quote_raw
    return _near(_net_raw(events, leg.quote_mint), paid_raw, QUOTE_TOLERANCE_PM)


def _stated_quote(events: list[TradeEvent], leg: Leg) -> tuple[str, int] | None:
    """The one other mint that moved against the base by the events, if it is just one."""
    mints = {mint for event in events for mint in (event.mint_in, event.mint_out) if mint}
    moved = {mint: raw for mint in mints - {leg.mint} if (raw := _net_raw(events, mint))}
    if len(moved) != 1:
        return None
    [(mint, raw)] = moved.items()
    # A statement is data like any other: what no balance could be is not taken over.
    return (mint, abs(raw)) if raw * leg.base_raw < 0 and abs(raw) <= U64_MAX else None


def _net_raw(events: list[TradeEvent], mint: str) -> int:
    """What users got of a mint, less what they gave, over all events."""
    got = sum(event.amount_out_raw for event in events if event.mint_out == mint)
    return got - sum(event.amount_in_raw for event in events if event.mint_in == mint)


def _near(stated_raw: int, by_balances_raw: int, tolerance_pm: int) -> bool:
    """Within the tolerance, and a few units more: fees are rounded up one by one."""
    slack_raw = ROUNDING_RAW * 1_000
    apart_raw = abs(stated_raw - by_balances_raw) * 1_000
    return apart_raw <= tolerance_pm * abs(by_balances_raw) + slack_raw
