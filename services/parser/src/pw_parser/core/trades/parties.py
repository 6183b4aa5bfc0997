"""Who traded where no wallet's own balance shows both sides.

Three rules, each tried only where the plain ones found nobody or two:

- Base leaves a program's account and the quote reaches a wallet (a filled order, a smart
  wallet that pays out): the wallet traded.
- A program's account gains or gives the token against a pool, and no wallet is paid or
  charged for it (a custodian, a smart wallet): that account traded.
- Two wallets mirror each other and nobody else moved the token (a quote that a market maker
  signed): the taker traded, never both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pw_parser.core.balances.amounts import Changes
from pw_parser.core.balances.context import Context, Leg
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.shape import Hop
from pw_parser.core.decode.programs import QUOTE_MINTS, SOL_MINT
from pw_parser.core.trades.through import passed_through
from pw_parser.core.trades.traders import money_of, pool_side

# A wallet that pays or gets more than this part of the price traded, or borrowed the rest.
PAID_BY_WALLET_DIVISOR: Final = 10
PAIR: Final = 2
# What a keeper, a platform and a custodian may keep of what the pools paid.
PAID_OUT_MIN_PER_CENT: Final = 90
# A token's own transfer fee lies between the account that gave and the pool that got. The
# token program allows any, tokens that are traded take a tenth at most.
TRANSFER_FEE_MAX_PER_CENT: Final = 10


def filled_legs(context: Context, pools_of: Callable[[], frozenset[str]]) -> list[Leg]:
    """The trade of somebody whose token a program held; empty where that is not certain.

    `pools_of` gives those who took part in the exchanges themselves.
    """
    found: list[Leg] = []
    base = context.balances.base
    for mint in sorted({mint for changes in base.values() for mint in changes}):
        # Holders come cheap, the calls do not: they are asked only where a trade hangs on them.
        legs = {holder: _leg_of(context, holder, mint) for holder in _holders(context, mint)}
        if any(legs.values()):
            pools = pools_of()
            alone = [leg for holder, leg in legs.items() if holder not in pools]
            if len(alone) == 1 and alone[0] is not None:
                found.append(alone[0])
    return found if len({leg.trader for leg in found}) == 1 else []


def _leg_of(context: Context, holder: str, mint: str) -> Leg | None:
    """The trade of what a program's account held: of the wallet that was paid, or its own."""
    raw = context.balances.base[holder][mint]
    if passed_through(context, mint, raw):
        return None
    wallet = _paid_wallet(context, mint, holder) if raw < 0 else None
    if wallet is not None:
        trader, quote_mint, paid_raw = wallet
        signed = () if trader in context.signers else ("not_signer",)
        reasons: tuple[str, ...] = ("from_escrow", "quote_from_pool", *signed)
        return Leg(trader, mint, raw, quote_mint, paid_raw, reasons)
    mirrored = pool_side(context, mint, raw)
    if mirrored is None or not _is_custodian(context, holder, mint, mirrored):
        return None
    reasons = ("not_signer", "program_vault", "quote_from_pool")
    return Leg(holder, mint, raw, *mirrored, reasons)


def _holders(context: Context, mint: str) -> list[str]:
    """The program accounts that moved the token and nothing against it.

    Some venues hold their two tokens under two authorities; each of them is part of a hop,
    and no holder.
    """
    balances = context.balances
    return [
        owner
        for owner, changes in balances.base.items()
        if owner
        and (raw := changes.get(mint, 0))
        and owner not in context.signers
        and not is_wallet(owner)
        and not any(other * raw < 0 for other in changes.values())
        and not any(other * raw < 0 for other in balances.quote.get(owner, {}).values())
        and _is_mirrored(context, mint, raw)
    ]


def _is_mirrored(context: Context, mint: str, raw: int) -> bool:
    """Whether the others took, within a transfer fee, just what this one gave, or gave it."""
    others_raw = sum(
        abs(other)
        for changes in context.balances.base.values()
        if (other := changes.get(mint, 0)) * raw < 0
    )
    return _mirror(raw, -others_raw if raw > 0 else others_raw)


def _is_custodian(
    context: Context, holder: str, mint: str, mirrored: tuple[str | None, int | None]
) -> bool:
    """Whether an account traded for itself: no wallet moved the token or paid for it.

    A pool that gives or takes both of its tokens is one whose liquidity changed.
    """
    quote_mint, paid_raw = mirrored
    if quote_mint is None or paid_raw is None:
        return False
    quotes = context.balances.quote
    if any(quotes.get(holder, {}).values()):
        return False
    return not any(
        context.balances.base.get(owner, {}).get(mint)
        or abs(quotes.get(owner, {}).get(quote_mint, 0)) * PAID_BY_WALLET_DIVISOR > paid_raw
        for owner in {*context.balances.base, *quotes}
        if owner and (owner in context.signers or is_wallet(owner))
    )


def _paid_wallet(context: Context, mint: str, holder: str) -> tuple[str, str, int] | None:
    """(wallet, quote mint, what the pools paid) where one wallet got nearly all of it."""
    balances = context.balances
    paid: Changes = {}
    gained: dict[str, Changes] = {}
    for owner, quote in _all_quotes(context, mint).items():
        if not owner or owner == holder:
            continue
        if owner in context.signers or is_wallet(owner):
            if not balances.base.get(owner, {}).get(mint):
                gained[owner] = {q: change for q, change in quote.items() if change > 0}
            continue
        for quote_mint, change in quote.items():
            if change < 0:
                paid[quote_mint] = paid.get(quote_mint, 0) - change
    found = [
        (owner, quote_mint, paid[quote_mint])
        for owner, changes in gained.items()
        for quote_mint, change in changes.items()
        if PAID_OUT_MIN_PER_CENT * paid.get(quote_mint, 0) <= 100 * change
        and 0 < change <= paid.get(quote_mint, 0)
    ]
    return found[0] if len(found) == 1 else None


def _all_quotes(context: Context, mint: str) -> dict[str, Changes]:
    """Quote changes of every owner, with the lamports of accounts that own no token."""
    view = context.view
    balances = context.balances
    owners = balances.quote.keys() | balances.base.keys()
    quotes = {owner: dict(money_of(context, owner, mint)) for owner in sorted(owners)}
    held = {token.account_index for token in view.tokens}
    for index in range(len(view.keys)):
        change = view.post_lamports[index] - view.pre_lamports[index]
        if change > 0 and index not in held:
            owner = view.address(index)
            if owner not in context.indexes:
                changes = quotes.setdefault(owner, {})
                changes[SOL_MINT] = changes.get(SOL_MINT, 0) + change
    return quotes


def one_of_two(
    context: Context, legs: list[Leg], users: frozenset[str], hops: tuple[Hop, ...]
) -> list[Leg]:
    """The taker's legs where two wallets traded with each other alone; else all legs."""
    changes: dict[str, dict[str, int]] = {}
    for leg in legs:
        changes.setdefault(leg.trader, {})[leg.mint] = leg.base_raw
    if len(changes) != PAIR:
        return legs
    one, other = changes.values()
    if one.keys() != other.keys() or not all(_mirror(one[mint], other[mint]) for mint in one):
        return legs
    pair = frozenset(changes)
    if _with_a_pool(context, pair, frozenset(one)):
        return legs
    named = pair & users
    taker = next(iter(named)) if len(named) == 1 else _first_named(context, pair, hops)
    return [leg for leg in legs if leg.trader == taker]


def _mirror(one_raw: int, other_raw: int) -> bool:
    """Whether two changes are a transfer: opposite, and apart by a token's own fee at most."""
    large_raw = max(abs(one_raw), abs(other_raw))
    return one_raw * other_raw < 0 and abs(one_raw + other_raw) * 100 <= (
        TRANSFER_FEE_MAX_PER_CENT * large_raw
    )


def _with_a_pool(context: Context, pair: frozenset[str], mints: frozenset[str]) -> bool:
    """Whether a program stood between the two: one that moved the token, or that held it
    before and kept a part of the quote, as a pool keeps its fee.
    """
    base = context.balances.base
    if any(
        base[owner].get(mint)
        for owner in base
        if owner not in pair and not (owner and is_wallet(owner))
        for mint in mints
    ):
        return True
    held = any(
        token.mint in mints
        and token.existed
        and token.owner not in pair
        and not (token.owner and is_wallet(token.owner))
        for token in context.view.tokens
    )
    return held and any(
        change
        for owner, quote in context.balances.quote.items()
        if owner and owner not in pair and not is_wallet(owner)
        for mint, change in quote.items()
        if mint in QUOTE_MINTS
    )


def _first_named(context: Context, pair: frozenset[str], hops: tuple[Hop, ...]) -> str:
    """Who stands first in the exchange's instruction: by custom its user. Else the fee payer."""
    for hop in hops:
        for index in hop.accounts:
            if index < len(context.view.keys) and context.view.address(index) in pair:
                return context.view.address(index)
    return min(pair, key=lambda owner: context.indexes.get(owner, len(context.view.keys)))
