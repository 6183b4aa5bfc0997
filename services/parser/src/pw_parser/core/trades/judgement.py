"""Who traded in a transaction, by balances, with calls and events where only they can tell."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pw_common.wire.messages import RoundTrip
from pw_parser.core.balances.context import Context, Leg, context_of
from pw_parser.core.balances.handed import without_passed
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.hops import shape_of
from pw_parser.core.calls.ledger import Ledger
from pw_parser.core.calls.shape import Hop, Shape
from pw_parser.core.calls.statements import Statements
from pw_parser.core.decode.programs import QUOTE_MINTS, Programs
from pw_parser.core.decode.transaction import View
from pw_parser.core.trades.bystanders import without_bystanders
from pw_parser.core.trades.parties import filled_legs, one_of_two
from pw_parser.core.trades.payers import paid_by_another
from pw_parser.core.trades.several import by_hops
from pw_parser.core.trades.stated import is_arbitrage, stated_legs
from pw_parser.core.trades.swaps import has_deposit, round_trip_of, trip_of
from pw_parser.core.trades.through import DUST_DIVISOR, is_little, met_by
from pw_parser.core.trades.traders import legs_of, opposed_quote, was_issued
from pw_parser.core.trades.vaults import vault_legs


class Judgement(NamedTuple):
    """The trades of one transaction, ordered by (trader, mint), or a round trip.

    `hops` are those by which it was reached, none where balances told enough.
    """

    context: Context
    legs: tuple[Leg, ...] = ()
    trips: tuple[RoundTrip, ...] = ()
    hops: tuple[Hop, ...] = ()


def may_trade(view: View) -> bool:
    """Whether a token went from one account to another, and a quote or another token moved too.

    A look at the balances alone, since most of what runs without a listed exchange is none.
    """
    if not view.meta.inner_instructions:
        return False
    gave: set[str] = set()
    got: set[str] = set()
    quote = opened = False
    for _, mint, _, _, pre_raw, post_raw, existed in view.tokens:
        opened |= not existed
        if post_raw == pre_raw:
            continue
        if mint in QUOTE_MINTS:
            quote = True
        else:
            (got if post_raw > pre_raw else gave).add(mint)
    # A token issued here gives no account anything away.
    if not gave & got and not (got and opened and len(view.tokens) > 1):
        return False
    return quote or len(gave & got) > 1 or _lamports_move(view)


def _lamports_move(view: View) -> bool:
    """Whether SOL reached or left an account that is neither the payer nor holds tokens."""
    held = {token.account_index for token in view.tokens}
    return any(
        before != after and index not in held
        for index, (before, after) in enumerate(
            zip(view.pre_lamports, view.post_lamports, strict=True)
        )
        if index
    )


class _Shaped:
    """A transaction's shape, worked out when somebody asks: most need none."""

    def __init__(self, ledger: Ledger, programs: Programs) -> None:
        self._ledger = ledger
        self._programs = programs
        self.seen: Shape | None = None

    def __call__(self) -> Shape:
        self.seen = self.seen or shape_of(self._ledger, self._programs)
        return self.seen


def judgement_of(ledger: Ledger, said: Statements, programs: Programs) -> Judgement | None:
    """The judgement by balances, corrected where only calls or events can tell.

    None where no token changed hands. Without a listed exchange, a trade needs a hop: one
    program below which a token and a quote moved against each other.
    """
    context = context_of(ledger)
    if context is None:
        return None
    shaped = _Shaped(ledger, programs)
    if ledger.unlisted and _several_wallets(context):
        without_passed(context.view, context.balances, shaped())
        if not any(any(changes.values()) for changes in context.balances.base.values()):
            return None
    users = partial(_users, ledger, said)
    context, legs = _legs(context, shaped, users)
    trips = () if legs else round_trip_of(context)
    if trips and has_deposit(context) and not shaped().returns():
        # What one exchange gave and a deposit took, or the other way round.
        trips = ()
    if said.trades and not legs and not trips:
        legs = [paid_by_another(context, leg) for leg in stated_legs(said, context)]
    if not legs and not trips:
        legs = vault_legs(context, shaped)
    if not legs and not trips:
        return Judgement(context)
    legs, trips, hops = _below_exchanges(context, ledger, legs, trips, said, shaped)
    if len(legs) > 1:
        legs = one_of_two(context, legs, users(), hops)
    traders = {leg.trader for leg in legs}
    if len(traders) == 1 and all(
        is_arbitrage(said, leg) or (shaped.seen is not None and _is_rest(context, leg, shaped.seen))
        for leg in legs
    ):
        legs, trips = [], (trip_of(context, traders.pop()),)
    legs.sort(key=lambda leg: (leg.trader, leg.mint))
    return Judgement(context, tuple(legs), trips, hops)


def _legs(
    context: Context, shaped: _Shaped, users: Callable[[], frozenset[str]]
) -> tuple[Context, list[Leg]]:
    """Who gave what for what by balances, without those who only stood by."""
    legs = legs_of(context, users)
    if {leg.trader for leg in legs} != {context.signers[0]}:
        attended = without_bystanders(context, shaped)
        if attended is not context:
            context = attended
            legs = legs_of(context, users)
    legs = legs or filled_legs(context, lambda: shaped().parties())
    legs = by_hops(context, legs, shaped)
    if len(legs) == 1:
        legs = [paid_by_another(context, legs[0])]
    return context, legs


def _below_exchanges(
    context: Context,
    ledger: Ledger,
    legs: list[Leg],
    trips: tuple[RoundTrip, ...],
    said: Statements,
    shaped: _Shaped,
) -> tuple[list[Leg], tuple[RoundTrip, ...], tuple[Hop, ...]]:
    """What moved below an exchange: a listed one vouches for it, and for nothing beside it."""
    issued = not ledger.launches and any(was_issued(context, leg.mint) for leg in legs)
    stated = {mint for one in said.trades for mint in (one.mint_in, one.mint_out) if mint}
    beside = ledger.unlisted or ledger.orders or ledger.non_exchanges or not ledger.venues
    hops = shaped().hops if issued or beside else ()
    if issued or beside:
        moved = {mint for hop in hops for mint in hop.mints}
        # Tokens that are burned for others leave no hop, but the router's event.
        moved |= set() if issued else stated
        legs = [leg for leg in legs if leg.mint in moved]
        trips = trips if hops or ledger.venues or ledger.routers else ()
    elif any(leg.mint not in stated for leg in legs):
        apart = shaped().moved_apart()
        legs = [leg for leg in legs if leg.mint in stated or leg.mint not in apart]
    return legs, trips, hops


def _several_wallets(context: Context) -> bool:
    """Whether accounts of more than one wallet moved."""
    moved = {
        owner
        for _, _, owner, _, pre_raw, post_raw, _ in context.view.tokens
        if owner and pre_raw != post_raw
    }
    return sum(owner in context.signers or is_wallet(owner) for owner in moved) > 1


def _is_rest(context: Context, leg: Leg, shape: Shape) -> bool:
    """Whether a leg is only what a route left of its token, at what the route cost."""
    rest_raw = DUST_DIVISOR * abs(leg.base_raw)
    if shape.through(leg.mint) < rest_raw:
        return False
    # A pool that gave and took much more itself is where it was bought and sold back.
    if any(shape.through(leg.mint, pool) < rest_raw for pool in met_by(context, *leg[1:3])):
        return False
    own = opposed_quote(context.balances.quote.get(leg.trader, {}), leg.base_raw)
    return own is None or is_little(context, *own, shape.through(own[0]))


def _users(ledger: Ledger, said: Statements) -> frozenset[str]:
    """Whose trade it was, as the exchanges' instructions and events say."""
    named = {ledger.view.address(index) for index in ledger.users}
    return frozenset(named | {trade.user for trade in said.trades if trade.user is not None})
