"""A trade by balances against what the venues said of it.

The balances decide. Agreement or disagreement is a named reason of the swap; where the
balances leave the price open, the events may state it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

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


class Trade(NamedTuple):
    """One trader's net trade by the balances.

    `base_raw` is positive for a buy; `quote` is (mint, raw amount), None where the
    balances cannot tell; `alone` says that nobody else traded in the transaction.
    """

    trader: str
    mint: str
    base_raw: int
    quote: tuple[str, int] | None
    alone: bool


class Opinion(NamedTuple):
    """What the events say of one trade. `venue` is whose event disagrees, else empty.

    `quote` is (mint, raw amount) where the events state one that the balances could not.
    """

    reason: str | None = None
    venue: str = ""
    quote: tuple[str, int] | None = None


UNHEARD: Final = Opinion()


def opinion_of(said: Statements, venues: tuple[str, ...], trade: Trade) -> Opinion:
    """Compare a trade with the events; `venues` are all that took part."""
    heard = said.trades
    if not trade.alone:
        heard = tuple(event for event in heard if event.user == trade.trader)
    pools = [event for event in heard if event.venue not in ROUTERS]
    routes = [event for event in heard if event.venue in ROUTERS]
    # A router's events repeat those of the pools below it: each set is an opinion of its own.
    for events in (pools, routes):
        if events and _matches(events, trade):
            return Opinion(AGREES, quote=None if trade.quote else _stated_quote(events, trade))
    if not trade.alone or not pools or any(v not in VENUES or v in said.silent for v in venues):
        return UNHEARD
    if any(None in (event.mint_in, event.mint_out) for event in pools):
        return UNHEARD
    touching = [event for event in pools if trade.mint in (event.mint_in, event.mint_out)]
    return Opinion(DISAGREES, (touching or pools)[-1].venue)


def _matches(events: list[TradeEvent], trade: Trade) -> bool:
    """Whether all events together, or those of the token's own hops alone, state the trade.

    The price of a pool on the way is not what the whole route cost.
    """
    if _sums_to(events, trade):
        return True
    touching = [event for event in events if trade.mint in (event.mint_in, event.mint_out)]
    return 0 < len(touching) < len(events) and _sums_to(touching, trade)


def _sums_to(events: list[TradeEvent], trade: Trade) -> bool:
    if not _near(_net_raw(events, trade.mint), trade.base_raw, BASE_TOLERANCE_PM):
        return False
    if trade.quote is None:
        return True
    quote_mint, quote_raw = trade.quote
    paid_raw = -quote_raw if trade.base_raw > 0 else quote_raw
    return _near(_net_raw(events, quote_mint), paid_raw, QUOTE_TOLERANCE_PM)


def _stated_quote(events: list[TradeEvent], trade: Trade) -> tuple[str, int] | None:
    """The one other mint that moved against the base by the events, if it is just one."""
    mints = {mint for event in events for mint in (event.mint_in, event.mint_out) if mint}
    moved = {mint: raw for mint in mints - {trade.mint} if (raw := _net_raw(events, mint))}
    if len(moved) != 1:
        return None
    [(mint, raw)] = moved.items()
    # A statement is data like any other: what no balance could be is not taken over.
    return (mint, abs(raw)) if raw * trade.base_raw < 0 and abs(raw) <= U64_MAX else None


def _net_raw(events: list[TradeEvent], mint: str) -> int:
    """What users got of a mint, less what they gave, over all events."""
    got = sum(event.amount_out_raw for event in events if event.mint_out == mint)
    return got - sum(event.amount_in_raw for event in events if event.mint_in == mint)


def _near(stated_raw: int, by_balances_raw: int, tolerance_pm: int) -> bool:
    """Within the tolerance, and a few units more: fees are rounded up one by one."""
    slack_raw = ROUNDING_RAW * 1_000
    apart_raw = abs(stated_raw - by_balances_raw) * 1_000
    return apart_raw <= tolerance_pm * abs(by_balances_raw) + slack_raw
