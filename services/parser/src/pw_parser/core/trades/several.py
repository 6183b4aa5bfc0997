"""One transaction, several wallets: what each of them traded, by the moves within the hops.

Net changes tell one wallet's trade. They mislead where a payer buys for others too, where a
wallet passes on what it bought, or sells what it was just sent: then each wallet's own moves
against the pools are its trade, and the rest is a gift.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from pw_parser.core.balances.amounts import Changes
from pw_parser.core.balances.context import Context, Leg
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.shape import NATIVE, Move, Shape
from pw_parser.core.decode.programs import QUOTE_MINTS, SOL_MINT
from pw_parser.core.trades.through import DUST_DIVISOR

# A smaller part of a trade that another wallet got or gave is a fee or a keeper's spread.
FEE_MAX_PER_CENT: Final = 3
# A quote apart by less than this is the pool's amount with its fees.
OWN_QUOTE_PER_CENT: Final = 3
# An owner that got less than half of what a hop gave was paid a fee in it.
MAIN_PART: Final = 2


class Part(NamedTuple):
    """What one wallet moved of a mint against pools: base signed, quotes as the pools got."""

    base_raw: int
    quotes: Changes


def by_hops(context: Context, legs: list[Leg], shaped: Callable[[], Shape]) -> list[Leg]:
    """The legs, corrected and completed where other wallets moved the token as well."""
    traded: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for leg in legs:
        if "token_to_token" not in leg.reasons:
            traded[leg.mint][leg.trader] = abs(leg.base_raw)
    several = _mints_of_several(context, traded) if legs else _mints_received(context)
    both_ways = _mints_both_ways(context, traded)
    if not several and not both_ways:
        return legs
    found = list(legs)
    for mint in sorted(several | both_ways):
        parts = _parts(context, shaped().moves, mint)
        found = [
            _corrected(context, leg, parts) if leg.mint == mint else leg
            for leg in found
            if leg.mint != mint or mint in several or not _is_rest(leg, parts)
        ]
        for owner in sorted(parts.keys() - traded[mint].keys()):
            received = _received(context, owner, mint, parts[owner])
            if received is not None:
                found.append(received)
    return found


def _mints_both_ways(context: Context, traded: Mapping[str, Mapping[str, int]]) -> set[str]:
    """The mints that a trader both gave and got, such as liquidity that was bought first."""
    both = context.ledger.gave & context.ledger.got
    if not both:
        return set()
    return {
        mint
        for index, mint, owner, *_ in context.view.tokens
        if index in both and mint in traded and owner in traded[mint]
    }


def _is_rest(leg: Leg, parts: dict[str, Part]) -> bool:
    """Whether a change is only what liquidity left of what was traded for it."""
    part = parts.get(leg.trader)
    return part is not None and abs(leg.base_raw) * DUST_DIVISOR <= abs(part.base_raw)


def _mints_of_several(context: Context, traded: Mapping[str, Mapping[str, int]]) -> set[str]:
    """The mints of which wallets that have no trade of their own moved more than a fee."""
    found: set[str] = set()
    for mint, traders in traded.items():
        least_raw = min(traders.values()) * FEE_MAX_PER_CENT
        for owner, changes in context.balances.base.items():
            if (
                mint in changes
                and owner not in traders
                and 100 * abs(changes[mint]) > least_raw
                and _is_wallet(context, owner)
            ):
                found.add(mint)
    return found


def _mints_received(context: Context) -> set[str]:
    """The mints that several wallets got, where no wallet has a trade of its own."""
    found: set[str] = set()
    seen: set[str] = set()
    for owner, changes in context.balances.base.items():
        for mint, raw in changes.items():
            if raw > 0 and _is_wallet(context, owner):
                (found if mint in seen else seen).add(mint)
    return found


def _is_wallet(context: Context, owner: str) -> bool:
    return bool(owner) and (owner in context.signers or is_wallet(owner))


def _parts(context: Context, hops: Sequence[Sequence[Move]], mint: str) -> dict[str, Part]:
    """By wallet: what it got from and gave to accounts of programs over all hops."""
    base: defaultdict[str, int] = defaultdict(int)
    quotes: defaultdict[str, Changes] = defaultdict(dict)
    for moves in hops:
        nets: defaultdict[str, int] = defaultdict(int)
        for source, destination, moved, raw in moves:
            if moved == mint and source != destination:
                nets[source] -= raw
                nets[destination] += raw
        if not nets:
            continue
        giver, taker = min(nets, key=nets.__getitem__), max(nets, key=nets.__getitem__)
        if nets[taker] * MAIN_PART < -nets[giver]:
            continue
        buys = _is_wallet(context, taker)
        if buys == _is_wallet(context, giver):
            continue
        wallet, pool = (taker, giver) if buys else (giver, taker)
        paid = _paid_to(pool, moves)
        if any(raw * nets[wallet] < 0 for raw in paid.values()):
            # Base and quote move the same way: liquidity.
            continue
        base[wallet] += nets[wallet]
        for quote, raw in paid.items():
            quotes[wallet][quote] = quotes[wallet].get(quote, 0) + raw
    return {wallet: Part(raw, quotes[wallet]) for wallet, raw in base.items() if raw}


def _paid_to(pool: str, moves: Sequence[Move]) -> Changes:
    """What a pool got of each quote, less what it gave."""
    paid: Changes = {}
    for source, destination, moved, raw in moves:
        quote = SOL_MINT if moved == NATIVE else moved
        if quote in QUOTE_MINTS and source != destination and pool in (source, destination):
            paid[quote] = paid.get(quote, 0) + (raw if destination == pool else -raw)
    return paid


def _quote(part: Part) -> tuple[str, int] | None:
    """The one quote that opposes the base; None where several or none do."""
    opposed = [(mint, abs(raw)) for mint, raw in part.quotes.items() if raw * part.base_raw > 0]
    return opposed[0] if len(opposed) == 1 else None


def _corrected(context: Context, leg: Leg, parts: dict[str, Part]) -> Leg:
    part = parts.get(leg.trader)
    if part is None or part.base_raw * leg.base_raw <= 0:
        return leg
    # What nobody got is the token's own fee.
    vanished_raw = -sum(changes.get(leg.mint, 0) for changes in context.balances.base.values())
    rest_raw = abs(part.base_raw - leg.base_raw) - max(0, vanished_raw)
    if rest_raw * 100 > FEE_MAX_PER_CENT * abs(part.base_raw):
        leg = leg._replace(base_raw=part.base_raw)
    quote = _quote(part)
    if quote is None or (leg.quote_mint not in (None, quote[0])):
        return leg
    mint, raw = quote
    if leg.quote_raw is not None and abs(leg.quote_raw - raw) * 100 <= OWN_QUOTE_PER_CENT * raw:
        return leg
    kept = tuple(reason for reason in leg.reasons if reason != "no_quote_value")
    return leg._replace(quote_mint=mint, quote_raw=raw, reasons=(*kept, "quote_from_pool"))


def _received(context: Context, owner: str, mint: str, part: Part) -> Leg | None:
    """The purchase that somebody else paid for a wallet, straight out of a pool."""
    quote = _quote(part)
    kept_raw = context.balances.base.get(owner, {}).get(mint, 0)
    if quote is None or part.base_raw <= 0 or kept_raw != part.base_raw:
        return None
    signed = () if owner in context.signers else ("not_signer",)
    return Leg(owner, mint, part.base_raw, *quote, ("quote_from_pool", *signed))
