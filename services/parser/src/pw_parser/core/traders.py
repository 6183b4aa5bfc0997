"""Who traded what: a signer or an on-curve owner whose base and quote changes oppose.

A pool is the mirror image of its trader and equally plausible by balances alone;
what tells them apart is who signed, and that a pool's owner is a program address
off the ed25519 curve. Signers come first, other wallets only where no signer
traded (relayed orders).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from solders.signature import Signature

from pw_common.messages import RoundTrip, Side, Swap
from pw_parser.core.amounts import (
    Balances,
    Changes,
    account_indexes,
    add_lamports,
    public_key,
    token_changes,
)
from pw_parser.core.ledger import Ledger, address
from pw_parser.core.owners import with_owners
from pw_parser.core.programs import SOL_DECIMALS, SOL_MINT, STABLE_MINTS
from pw_parser.core.reasons import confidence
from pw_parser.core.transaction import U64_MAX, Malformed, View

ON_CURVE_CACHE_SIZE: Final = 65_536
I64_MAX: Final = 2**63 - 1
# Less than this part of what others moved is what arbitrage leaves behind by rounding.
DUST_DIVISOR: Final = 1_000
# Less SOL than this against dollars is a cost of arbitrage, not its other side.
QUOTE_ROUTE_LAMPORTS_MIN: Final = 1_000_000
# Ten times the lamports that a millionth of a dollar is worth at ten dollars a SOL.
LAMPORTS_PER_DUST: Final = 1_000


class Leg(NamedTuple):
    """One trade of one mint, before identity and order are known."""

    trader: str
    mint: str
    base_raw: int
    quote_mint: str | None
    quote_raw: int | None
    reasons: tuple[str, ...]


class Context(NamedTuple):
    """One transaction as the rules below see it; `indexes` maps an owner to its account."""

    view: View
    ledger: Ledger
    balances: Balances
    signers: tuple[str, ...]
    indexes: dict[str, int]
    owners_derived: bool


class Judged(NamedTuple):
    """The trades of a transaction by its balances, ordered by (trader, mint), or a round trip."""

    legs: tuple[Leg, ...]
    trips: tuple[RoundTrip, ...]
    context: Context


def judge(given: View, ledger: Ledger) -> Judged | None:
    """Trades by balances of a successful transaction; None where no token changed hands."""
    view = with_owners(given)
    balances = token_changes(view)
    if not any(any(changes.values()) for changes in balances.base.values()):
        return None
    signers = tuple(address(key) for key in view.keys[: view.signer_count])
    owners = [owner for owner in balances.base if owner and owner not in signers]
    indexes = account_indexes(view, owners)
    indexes.update({signer: index for index, signer in enumerate(signers)})
    add_lamports(balances, view, ledger, indexes)
    derived = any(not token.owner for token in given.tokens)
    context = Context(view, ledger, balances, signers, indexes, derived)
    legs = [leg for signer in sorted(set(signers)) for leg in _legs(context, signer)]
    if not legs:
        legs = [
            leg._replace(reasons=(*leg.reasons, "not_signer"))
            for owner in sorted(owners)
            if any(balances.base[owner].values()) and is_wallet(owner)
            for leg in _legs(context, owner)
        ]
    if not legs:
        legs = _vault_legs(context, owners)
    if not legs:
        return Judged((), _round_trip(context), context)
    legs.sort(key=lambda leg: (leg.trader, leg.mint))
    return Judged(tuple(legs), (), context)


@lru_cache(maxsize=ON_CURVE_CACHE_SIZE)
def is_wallet(owner: str) -> bool:
    """Whether an owner's key lies on the ed25519 curve: a wallet, not a program address."""
    return public_key(owner).is_on_curve()


def _legs(context: Context, owner: str) -> list[Leg]:
    changes = {
        mint: raw
        for mint, raw in context.balances.base.get(owner, {}).items()
        if raw and _has_other_side(context, owner, mint, raw)
    }
    if not changes:
        return []
    if any(raw > 0 for raw in changes.values()) and any(raw < 0 for raw in changes.values()):
        # Token for token: no quote says what it was worth, and none is guessed.
        return [
            Leg(owner, mint, raw, None, None, ("token_to_token", "no_quote_value"))
            for mint, raw in changes.items()
        ]
    quote = context.balances.quote.get(owner, {})
    legs: list[Leg] = []
    for mint, raw in changes.items():
        if len(changes) == 1:
            opposed = _opposed_quote(quote, raw)
            if opposed is not None:
                return [Leg(owner, mint, raw, *opposed, ())]
        mirrored = _pool_side(context, mint, raw)
        if mirrored is not None:
            quote_mint, paid_raw = mirrored
            reason = "no_quote_value" if paid_raw is None else "quote_from_pool"
            legs.append(Leg(owner, mint, raw, quote_mint, paid_raw, (reason,)))
    return legs


def _opposed_quote(quote: Changes, base_raw: int) -> tuple[str, int] | None:
    """The quote that moved against the base; a stable coin before SOL, which rent disturbs.

    A remainder of a stable coin does not hide the SOL that paid: not where the SOL is
    worth over ten times as much at ten dollars a SOL.
    """
    opposed = {
        mint: abs(change_raw)
        for mint in (*STABLE_MINTS, SOL_MINT)
        if (change_raw := quote.get(mint, 0)) * base_raw < 0
    }
    lamports = opposed.get(SOL_MINT, 0)
    for mint, raw in opposed.items():
        if mint == SOL_MINT or raw * LAMPORTS_PER_DUST >= lamports:
            return mint, raw
    return None


def _has_other_side(context: Context, owner: str, mint: str, base_raw: int) -> bool:
    """Whether somebody else gave or got the token; LP tokens are minted and burned.

    A token launched in this very transaction counts: its curve opens an account
    and is minted the supply.
    """
    if any(
        changes.get(mint, 0) * base_raw < 0
        for other, changes in context.balances.base.items()
        if other != owner
    ):
        return True
    return context.ledger.launches and any(
        token.mint == mint and token.owner != owner and not token.existed
        for token in context.view.tokens
    )


def _vault_legs(context: Context, owners: list[str]) -> list[Leg]:
    """A bot program's vault trading with a pool, neither of them a wallet.

    Balances alone cannot tell the two apart; the exchange's instruction can: it
    names its user at a fixed place.
    """
    users = {address(context.view.keys[index]) for index in context.ledger.users}
    return [
        leg._replace(reasons=(*leg.reasons, "not_signer", "program_vault"))
        for owner in sorted(owners)
        if owner in users
        for leg in _legs(context, owner)
    ]


def _pool_side(context: Context, mint: str, base_raw: int) -> tuple[str | None, int | None] | None:
    """What the pools on the other side of a trade gained or paid in one quote.

    It holds where rent or fees drown a small trade in the trader's own balance.
    Liquidity has no such side: there, the pool's base and quote move together.
    Arbitrage has none either: what stays with the trader is not what a pool moved.
    Where others took more than a fee of it (a keeper's spread), the trade is
    certain and its price is not: both quote fields are None then.
    """
    totals: Changes = {}
    opposed_raw = 0
    for owner, changes in context.balances.base.items():
        pool_raw = changes.get(mint, 0)
        if owner in context.signers or pool_raw * base_raw >= 0:
            continue
        opposed_raw += abs(pool_raw)
        for quote_mint, quote_raw in context.balances.quote.get(owner, {}).items():
            if quote_raw * pool_raw < 0:
                totals[quote_mint] = totals.get(quote_mint, 0) + abs(quote_raw)
    shift_raw = abs(opposed_raw - abs(base_raw))
    if len(totals) != 1 or shift_raw * 2 > opposed_raw:
        return None
    # Three percent leave room for a token's own transfer fee.
    return next(iter(totals.items())) if shift_raw * 100 <= 3 * opposed_raw else (None, None)


def swap_of(context: Context, leg: Leg, ordinal: int) -> Swap:
    """A leg as a message. Raises Malformed where an amount is beyond 64 bits."""
    view, ledger = context.view, context.ledger
    if abs(leg.base_raw) > U64_MAX or (leg.quote_raw or 0) > U64_MAX:
        raise Malformed(f"amounts of {leg.trader} are beyond 64 bits")
    public_key(leg.mint)
    side: Side = "buy" if leg.base_raw > 0 else "sell"
    index = context.indexes.get(leg.trader)
    reasons = set(leg.reasons)
    if index is not None:
        reasons |= ledger.reasons.get(index, set())
    if not ledger.venues:
        reasons.add("venue_unknown")
    if leg.trader != context.signers[0]:
        reasons.add("keeper_paid")
    if context.owners_derived:
        reasons.add("owner_derived")
    decimals = context.balances.decimals
    quote_decimals = None
    if leg.quote_mint is not None:
        quote_decimals = (
            SOL_DECIMALS if leg.quote_mint == SOL_MINT else decimals.get(leg.quote_mint)
        )
    return Swap(
        signature=signature_text(view.signature),
        ordinal=ordinal,
        slot=view.slot,
        index=view.tx_index,
        trader=leg.trader,
        side=side,
        mint=leg.mint,
        base_amount_raw=abs(leg.base_raw),
        base_decimals=decimals[leg.mint],
        quote_mint=leg.quote_mint,
        quote_amount_raw=leg.quote_raw,
        quote_decimals=quote_decimals,
        venues=ledger.venues or ledger.routers,
        route_hops=ledger.hops,
        confidence=confidence(reasons),
        reasons=tuple(sorted(reasons)),
        fee_payer=context.signers[0],
        signers=context.signers,
    )


def _round_trip(context: Context) -> tuple[RoundTrip, ...]:
    """The first signer that went through a token and kept none, or only dust, of it."""
    balances = context.balances
    moved: Changes = {}
    movers = 0
    for owner, changes in balances.base.items():
        for mint, raw in changes.items():
            if owner not in context.signers:
                moved[mint] = max(moved.get(mint, 0), abs(raw))
                movers += raw != 0
    if movers < 2:
        return ()
    for signer in context.signers:
        kept = balances.base.get(signer, {})
        quote = {mint: raw for mint, raw in balances.quote[signer].items() if raw}
        if not quote and not kept:
            continue
        if any(abs(raw) * DUST_DIVISOR > moved.get(mint, 0) for mint, raw in kept.items()):
            return ()
        # SOL for dollars by way of a token: an exchange of quotes, not a round trip.
        lamports = quote.get(SOL_MINT, 0)
        against = any(quote.get(mint, 0) * lamports < 0 for mint in STABLE_MINTS)
        if against and abs(lamports) >= QUOTE_ROUTE_LAMPORTS_MIN:
            return ()
        return (trip_of(context, signer),)
    return ()


def trip_of(context: Context, trader: str) -> RoundTrip:
    """A signer's round trip, with what it left of a quote.

    Raises:
        Malformed: the amount is beyond 64 bits.
    """
    view, ledger = context.view, context.ledger
    quote = {mint: raw for mint, raw in context.balances.quote.get(trader, {}).items() if raw}
    quote_mint = next((mint for mint in (*STABLE_MINTS, SOL_MINT) if mint in quote), SOL_MINT)
    change_raw = quote.get(quote_mint, 0)
    if abs(change_raw) > I64_MAX:
        raise Malformed(f"amounts of {trader} are beyond 64 bits")
    return RoundTrip(
        signature=signature_text(view.signature),
        ordinal=0,
        slot=view.slot,
        index=view.tx_index,
        trader=trader,
        quote_mint=quote_mint,
        quote_change_raw=change_raw,
        venues=ledger.venues or ledger.routers,
    )


def signature_text(signature: bytes) -> str:
    """Base58 of a 64 byte signature."""
    return str(Signature.from_bytes(signature))
