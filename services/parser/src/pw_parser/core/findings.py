"""Everything that one successful transaction holds: trades, launches, funding, and doubts.

Balances judge the trades; what the venues said is weighed against them; launches come
from the venues alone. Ordinals run through all events of a transaction, swaps first.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_common.messages import Event, QuoteTrade, TokenCreated, Transfer
from pw_parser.core.cross_check import AGREES, DISAGREES, FROM_EVENT, Trade, opinion_of
from pw_parser.core.funding import transfers_in
from pw_parser.core.ledger import Ledger, ledger_of
from pw_parser.core.programs import EXCHANGES, QUOTE_MINTS, SOL_MINT, STABLE_MINTS, VENUE_NAMES
from pw_parser.core.stated import is_arbitrage, stated_legs
from pw_parser.core.statements import NOTHING, Statements, statements_of
from pw_parser.core.traders import Judged, Leg, judge, signature_text, swap_of, trip_of
from pw_parser.core.transaction import U64_MAX, View
from pw_parser.core.venues.venue import TradeEvent


class Findings(NamedTuple):
    """The events of a transaction, what the venues said, and whose events disagree."""

    events: tuple[Event, ...] = ()
    said: Statements = NOTHING
    disagreements: tuple[str, ...] = ()


NONE = Findings()
_EXCHANGES: Final = frozenset(EXCHANGES)


def findings_of(view: View) -> Findings:
    """Judge a successful transaction.

    Raises:
        Malformed: it contradicts itself.
    """
    events: list[Event] = []
    if _EXCHANGES.isdisjoint(view.keys):
        _add_transfers(events, view)
        return Findings(tuple(events)) if events else NONE
    ledger = ledger_of(view)
    if not ledger.venues and not ledger.routers:
        _add_transfers(events, view)
        return Findings(tuple(events)) if events else NONE
    said = statements_of(view, ledger.calls)
    judged = judged_of(view, ledger, said)
    disagreements: list[str] = []
    if judged is not None:
        for leg in judged.legs:
            weighed, venue = _weighed(leg, judged, ledger, said)
            events.append(swap_of(judged.context, weighed, len(events)))
            if venue:
                disagreements.append(venue)
        events.extend(judged.trips)
    _add_tokens(events, view, said)
    _add_quote_trades(events, view, said)
    _add_transfers(events, view)
    return Findings(tuple(events), said, tuple(disagreements))


def judged_of(view: View, ledger: Ledger, said: Statements) -> Judged | None:
    """The judgement by balances, corrected where only the events can tell."""
    judged = judge(view, ledger)
    if judged is None or not said.trades:
        return judged
    if not judged.legs:
        legs = () if judged.trips else tuple(stated_legs(said, judged.context))
        return judged._replace(legs=legs) if legs else judged
    traders = sorted({leg.trader for leg in judged.legs})
    if len(traders) == 1 and all(is_arbitrage(said, leg) for leg in judged.legs):
        return judged._replace(legs=(), trips=(trip_of(judged.context, traders[0]),))
    return judged


def _add_tokens(events: list[Event], view: View, said: Statements) -> None:
    events.extend(
        TokenCreated(
            signature=signature_text(view.signature),
            ordinal=ordinal,
            slot=view.slot,
            index=view.tx_index,
            mint=facts.mint,
            name=facts.name,
            symbol=facts.symbol,
            creator=facts.creator,
            decimals=facts.decimals,
            supply_raw=facts.supply_raw,
            program=facts.venue,
        )
        for ordinal, facts in enumerate(said.tokens, start=len(events))
    )


def _add_quote_trades(events: list[Event], view: View, said: Statements) -> None:
    """SOL against a stable coin, by the venues: the only place where SOL's worth is stated."""
    sums: dict[str, list[int]] = {}
    for trade in said.trades:
        usd_mint, sol_raw, usd_raw = _sol_and_usd(trade)
        if usd_mint and trade.venue in VENUE_NAMES:
            total = sums.setdefault(usd_mint, [0, 0])
            total[0] += sol_raw
            total[1] += usd_raw
    events.extend(
        QuoteTrade(
            signature=signature_text(view.signature),
            ordinal=ordinal,
            slot=view.slot,
            index=view.tx_index,
            sol_amount_raw=sol_raw,
            usd_mint=usd_mint,
            usd_amount_raw=usd_raw,
        )
        for ordinal, (usd_mint, (sol_raw, usd_raw)) in enumerate(
            sorted(sums.items()), start=len(events)
        )
        if 0 < sol_raw <= U64_MAX and 0 < usd_raw <= U64_MAX
    )


def _sol_and_usd(trade: TradeEvent) -> tuple[str, int, int]:
    """(stable mint, lamports, raw dollars) of a trade between the two, else an empty mint."""
    if trade.mint_in == SOL_MINT and trade.mint_out in STABLE_MINTS:
        return trade.mint_out or "", trade.amount_in_raw, trade.amount_out_raw
    if trade.mint_out == SOL_MINT and trade.mint_in in STABLE_MINTS:
        return trade.mint_in or "", trade.amount_out_raw, trade.amount_in_raw
    return "", 0, 0


def _add_transfers(events: list[Event], view: View) -> None:
    events.extend(
        Transfer(
            signature=signature_text(view.signature),
            ordinal=ordinal,
            slot=view.slot,
            index=view.tx_index,
            source=view.address(source),
            destination=view.address(destination),
            lamports=lamports,
        )
        for ordinal, (source, destination, lamports) in enumerate(
            transfers_in(view), start=len(events)
        )
    )


def _weighed(leg: Leg, judged: Judged, ledger: Ledger, said: Statements) -> tuple[Leg, str]:
    """The leg with what the events add to it, and the venue whose event disagrees."""
    quote = None
    if leg.quote_mint is not None and leg.quote_raw is not None:
        quote = (leg.quote_mint, leg.quote_raw)
    alone = all(other.trader == leg.trader for other in judged.legs)
    trade = Trade(leg.trader, leg.mint, leg.base_raw, quote, alone)
    opinion = opinion_of(said, ledger.venues, trade)
    if opinion.reason is None:
        return leg, ""
    if opinion.reason == DISAGREES:
        return leg._replace(reasons=(*leg.reasons, DISAGREES)), opinion.venue
    reasons = (*leg.reasons, AGREES)
    if opinion.quote is None or "token_to_token" in leg.reasons:
        return leg._replace(reasons=reasons), ""
    stated_mint, stated_raw = opinion.quote
    if stated_mint not in QUOTE_MINTS:
        return leg._replace(reasons=reasons), ""
    kept = tuple(reason for reason in reasons if reason != "no_quote_value")
    return (
        leg._replace(quote_mint=stated_mint, quote_raw=stated_raw, reasons=(*kept, FROM_EVENT)),
        "",
    )
