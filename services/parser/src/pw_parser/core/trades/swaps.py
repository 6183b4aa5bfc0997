"""The judgement as messages: a trade with its reasons, and round trips."""

from __future__ import annotations

from typing import Final

from pw_common.wire.messages import RoundTrip, Side, Swap
from pw_parser.core.balances.amounts import public_key
from pw_parser.core.balances.context import Context, Leg, signature_text
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.beside import RENT_LAMPORTS
from pw_parser.core.calls.shape import Hop
from pw_parser.core.decode.programs import (
    DOLLARS,
    SOL_DECIMALS,
    SOL_MINT,
    SPL_2022,
    SPL_2022_KEY,
    STABLE_MINTS,
)
from pw_parser.core.decode.transaction import U64_MAX, Malformed
from pw_parser.core.trades.reasons import confidence
from pw_parser.core.trades.through import DUST_DIVISOR, gross

I64_MAX: Final = 2**63 - 1
# Less than this of one quote against another is a cost of arbitrage, not its other side.
QUOTE_ROUTE_LAMPORTS_MIN: Final = 1_000_000
QUOTE_ROUTE_DOLLARS_MIN: Final = 1_000
# A wallet that gave half of the price paid for the trade; the rest may come from an escrow.
PAID_MIN: Final = 2


def swap_of(context: Context, leg: Leg, hops: tuple[Hop, ...], ordinal: int) -> Swap:
    """A leg as a message. Raises Malformed where an amount is beyond 64 bits."""
    view, ledger = context.view, context.ledger
    if abs(leg.base_raw) > U64_MAX or (leg.quote_raw or 0) > U64_MAX:
        raise Malformed(f"amounts of {leg.trader} are beyond 64 bits")
    public_key(leg.mint)
    side: Side = "buy" if leg.base_raw > 0 else "sell"
    decimals = context.balances.decimals
    quote_decimals = None
    if leg.quote_mint is not None:
        quote_decimals = (
            SOL_DECIMALS if leg.quote_mint == SOL_MINT else decimals.get(leg.quote_mint)
        )
    unlisted = [hop.venue for hop in hops if hop.program is None] if hops else []
    reasons = tuple(sorted(_reasons(context, leg, hops)))
    venues = (*ledger.venues, *dict.fromkeys(unlisted)) if unlisted else ledger.venues
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
        venues=venues or ledger.routers,
        route_hops=ledger.hops + len(unlisted),
        confidence=confidence(reasons),
        reasons=reasons,
        fee_payer=context.signers[0],
        signers=context.signers,
    )


def _reasons(context: Context, leg: Leg, hops: tuple[Hop, ...]) -> set[str]:
    ledger = context.ledger
    reasons = set(leg.reasons)
    index = context.indexes.get(leg.trader)
    if index is not None:
        reasons |= ledger.reasons.get(index, set())
    if any(hop.program is None for hop in hops):
        reasons.add("venue_unlisted")
        if not ledger.venues and not any({leg.mint, leg.quote_mint} <= hop.mints for hop in hops):
            reasons.add("route_unlisted")
        reasons |= _doubts(leg, hops)
    elif not ledger.venues:
        reasons.add("venue_unknown")
    if leg.mint in DOLLARS:
        reasons.add("stable_coin")
    if leg.trader != context.signers[0]:
        reasons.add("keeper_paid")
    if leg.trader not in context.signers and _is_gift(context, leg):
        reasons.add("gifted")
    if leg.base_raw < 0 and leg.trader not in context.signers and _by_delegate(context, leg):
        reasons.add("by_delegate")
    if context.owners_derived:
        reasons.add("owner_derived")
    return reasons


def _doubts(leg: Leg, hops: tuple[Hop, ...]) -> set[str]:
    """What makes a trade on venues that nobody listed look like something else."""
    own = [hop for hop in hops if leg.mint in hop.mints]
    if any(hop.program is not None for hop in own):
        return set()
    doubts: set[str] = set()
    if not any(hop.both_sides - {leg.trader} for hop in own):
        doubts.add("sides_apart")
    if own and all(0 < hop.lamports <= RENT_LAMPORTS for hop in own):
        doubts.add("like_rent")
    return doubts


def _is_gift(context: Context, leg: Leg) -> bool:
    """Whether other wallets gave something, be it another token, for what somebody got.

    Escrows are accounts of programs, and a keeper that fills an order ends where it began.
    """
    if leg.base_raw <= 0:
        return False
    lamports = _unsynced(context, leg.trader)
    balances = context.balances
    for owner in {*balances.base, *balances.quote}:
        if not owner or owner == leg.trader or not (owner in context.signers or is_wallet(owner)):
            continue
        if any(raw < 0 for mint, raw in balances.base.get(owner, {}).items() if mint != leg.mint):
            return True
        for mint, raw in balances.quote.get(owner, {}).items():
            if mint != SOL_MINT and raw < 0:
                return True
            lamports -= min(raw, 0) if mint == SOL_MINT else 0
    priced = leg.quote_raw is not None and leg.quote_mint == SOL_MINT
    return lamports > RENT_LAMPORTS or (priced and lamports * PAID_MIN >= (leg.quote_raw or 0))


def _unsynced(context: Context, trader: str) -> int:
    """The lamports that left others' wrapped SOL without having been counted as such."""
    view, found = context.view, 0
    for index, mint, owner, _, pre_raw, post_raw, _ in view.tokens:
        if mint == SOL_MINT and owner != trader and (owner in context.signers or is_wallet(owner)):
            left = view.pre_lamports[index] - view.post_lamports[index]
            found += max(0, left - (pre_raw - post_raw))
    return found


def _by_delegate(context: Context, leg: Leg) -> bool:
    """Whether a wallet's own token of the newer token program was sold without its signature.

    The creator of a mint can make itself the permanent delegate of every account.
    """
    newer = {SPL_2022} if SPL_2022_KEY not in context.view.keys else {SPL_2022, ""}
    return is_wallet(leg.trader) and any(
        row.mint == leg.mint and row.owner == leg.trader and row.program_id in newer
        for row in context.view.meta.pre_token_balances
    )


def round_trip_of(context: Context) -> tuple[RoundTrip, ...]:
    """The first signer that went through a token and kept none, or only dust, of it.

    Programs must have given and taken the token: what is bought and burned, or harvested as
    a fee, moves one way. Two quotes that oppose are an exchange of quotes.
    """
    balances = context.balances
    through = {
        mint: min(gross(context, mint))
        for mint in {mint for changes in balances.base.values() for mint in changes}
    }
    if not any(through.values()):
        return ()
    for signer in context.signers:
        kept = {mint: raw for mint, raw in balances.base.get(signer, {}).items() if raw}
        quote = {mint: raw for mint, raw in balances.quote[signer].items() if raw}
        if not quote and not kept:
            continue
        if any(abs(raw) * DUST_DIVISOR > through[mint] for mint, raw in kept.items()):
            return ()
        large = [
            raw
            for mint, raw in quote.items()
            if abs(raw)
            >= (QUOTE_ROUTE_LAMPORTS_MIN if mint == SOL_MINT else QUOTE_ROUTE_DOLLARS_MIN)
        ]
        if large and min(large) < 0 < max(large):
            return ()
        return (trip_of(context, signer),)
    return ()


def has_deposit(context: Context) -> bool:
    """Whether a program's account gave or got a token and nothing against it.

    Some venues hold their two tokens under two authorities; the calls tell those from deposits.
    """
    balances = context.balances
    for owner, changes in balances.base.items():
        if not any(changes.values()) or owner in context.signers or not owner or is_wallet(owner):
            continue
        moved = [*changes.values(), *balances.quote.get(owner, {}).values()]
        if not min(moved) < 0 < max(moved):
            return True
    return False


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
