"""Everything that one successful transaction holds: trades, launches, funding, and doubts.

Balances judge the trades; what the venues said is weighed against them; launches come
from the venues alone. Ordinals run through all events of a transaction, swaps first.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_common.wire.messages import Event, QuoteTrade, TokenCreated, Transfer
from pw_parser.core.balances.context import Context, Leg, signature_text
from pw_parser.core.balances.funding import fundings_among, sol_transfers_of
from pw_parser.core.calls.cross_check import AGREES, DISAGREES, FROM_EVENT, opinion_of
from pw_parser.core.calls.statements import NOTHING, Statements, statements_of
from pw_parser.core.calls.walk import ledger_of
from pw_parser.core.decode.programs import QUOTE_MINTS, SOL_MINT, STABLE_MINTS, Programs
from pw_parser.core.decode.system import SolTransfer
from pw_parser.core.decode.transaction import U64_MAX, View
from pw_parser.core.pools import add_burns, add_pools
from pw_parser.core.trades.judgement import Judgement, judgement_of, may_trade
from pw_parser.core.trades.stated import PRICED_ELSEWHERE
from pw_parser.core.trades.swaps import swap_of
from pw_parser.core.trades.traders import moved_by_pools, pool_side
from pw_parser.core.venues.registry import ROUTERS
from pw_parser.core.venues.venue import TradeEvent


class Parsed(NamedTuple):
    """What one update was. `kind` is `transaction`, `slot` or `block_meta`.

    `said` is what the venues stated beside the events; `disagreements` and `agreements` name the
    venues whose statements contradict the balances, or bear them out. `slot` and `signature` are
    of a transaction that holds any of these.
    """

    kind: str
    events: tuple[Event, ...] = ()
    failed: bool = False
    vote: bool = False
    said: Statements = NOTHING
    disagreements: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()
    slot: int = 0
    signature: str = ""


EMPTY: Final = Parsed("transaction")
# The quote is what the pool moved: a trader's own change may differ by so much in fees.
OWN_QUOTE_PER_CENT: Final = 3


def parsed_of(view: View, programs: Programs) -> Parsed:
    """Judge a successful transaction that is no vote.

    Raises:
        Malformed: it contradicts itself.
    """
    events: list[Event] = []
    if programs.exchanges.isdisjoint(view.keys) and not may_trade(view):
        _add_transfers(events, view, sol_transfers_of(view))
        add_burns(events, view)
        return _parsed(view, events)
    ledger = ledger_of(view, programs)
    view = ledger.view
    ran = ledger.venues or ledger.routers or ledger.calls.invocations
    if not ran and not may_trade(view):
        _add_transfers(events, view, ledger.sol_transfers())
        return _parsed(view, events)
    said = statements_of(view, ledger.calls)
    judgement = judgement_of(ledger, said, programs)
    disagreements: list[str] = []
    agreed = False
    unlisted: tuple[str, ...] = ()
    if judgement is not None:
        hops = judgement.hops
        unlisted = tuple(dict.fromkeys(hop.venue for hop in hops if hop.program is None))
        for leg in judgement.legs:
            weighed, venue = _weighed(leg, judgement, said, unlisted)
            events.append(swap_of(judgement.context, weighed, hops, len(events)))
            agreed |= AGREES in weighed.reasons
            if venue:
                disagreements.append(venue)
        events.extend(judgement.trips)
    if said is not NOTHING:
        _add_tokens(events, view, said)
        _add_quote_trades(events, view, said)
    _add_transfers(events, view, ledger.sol_transfers())
    add_pools(events, view, said)
    agreements = tuple(dict.fromkeys(one.venue for one in said.trades)) if agreed else ()
    return _parsed(view, events, said, tuple(disagreements), agreements)


def _parsed(
    view: View,
    events: list[Event],
    said: Statements = NOTHING,
    disagreements: tuple[str, ...] = (),
    agreements: tuple[str, ...] = (),
) -> Parsed:
    if not events and said is NOTHING:
        return EMPTY
    return Parsed(
        "transaction",
        tuple(events),
        said=said,
        disagreements=disagreements,
        agreements=agreements,
        slot=view.slot,
        signature=signature_text(view.signature),
    )


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
    """SOL against a stable coin, by the venues: the only place where SOL's worth is stated.

    One that trades a pair both ways says nothing: it can pass any amount through pools of its own.
    """
    sums: dict[str, list[int]] = {}
    ways: set[tuple[str, bool]] = set()
    if len(said.trades) == 1 and said.trades[0].mint_in not in QUOTE_MINTS:
        return
    for trade in said.trades:
        usd_mint, sol_raw, usd_raw = _sol_and_usd(trade)
        if usd_mint and trade.venue not in ROUTERS:
            ways.add((usd_mint, trade.mint_in == SOL_MINT))
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
        if not ways >= {(usd_mint, True), (usd_mint, False)}
    )


def _sol_and_usd(trade: TradeEvent) -> tuple[str, int, int]:
    """(stable mint, lamports, raw dollars) of a trade between the two, else an empty mint."""
    if trade.mint_in == SOL_MINT and trade.mint_out in STABLE_MINTS:
        return trade.mint_out or "", trade.amount_in_raw, trade.amount_out_raw
    if trade.mint_out == SOL_MINT and trade.mint_in in STABLE_MINTS:
        return trade.mint_in or "", trade.amount_out_raw, trade.amount_in_raw
    return "", 0, 0


def _add_transfers(events: list[Event], view: View, sent: list[SolTransfer]) -> None:
    if not sent:
        return
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
            fundings_among(view, sent), start=len(events)
        )
    )


def _weighed(
    leg: Leg, judgement: Judgement, said: Statements, unlisted: tuple[str, ...]
) -> tuple[Leg, str]:
    """The leg with what events and pools add to it, and the venue whose event disagrees."""
    alone = all(other.trader == leg.trader for other in judgement.legs)
    venues = (*judgement.context.ledger.venues, *unlisted)
    opinion = opinion_of(said, venues, leg, alone=alone)
    if opinion.reason != AGREES:
        moved = _as_the_pool_moved(leg, judgement.context)
        if moved is not leg:
            leg = moved
            opinion = opinion_of(said, venues, leg, alone=alone)
    if opinion.reason is None:
        return leg, ""
    if opinion.reason == DISAGREES:
        # A token's own fee and a keeper's spread lie between the pool and its trader.
        moved_raw = moved_by_pools(judgement.context, leg.mint, leg.base_raw)
        if moved_raw != leg.base_raw:
            opinion = opinion_of(said, venues, leg._replace(base_raw=moved_raw), alone=alone)
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


def _as_the_pool_moved(leg: Leg, context: Context) -> Leg:
    """The leg at the pool's own price where the trader's balance holds more than fees of it.

    Rent, bots' fees and gifts within other programs' calls are in a wallet's change of SOL.
    """
    if leg.quote_raw is None or PRICED_ELSEWHERE.intersection(leg.reasons):
        return leg
    mirrored = pool_side(context, leg.mint, leg.base_raw)
    if mirrored is None or mirrored[1] is None or mirrored[0] != leg.quote_mint:
        return leg
    pool_raw = mirrored[1]
    if abs(leg.quote_raw - pool_raw) * 100 <= OWN_QUOTE_PER_CENT * pool_raw:
        return leg
    return leg._replace(quote_raw=pool_raw, reasons=(*leg.reasons, "quote_from_pool"))
