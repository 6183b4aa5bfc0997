"""Who traded what: a signer or an on-curve owner whose base and quote changes oppose.

A pool is the mirror image of its trader and equally plausible by balances alone;
what tells them apart is who signed, and that a pool's owner is a program address
off the ed25519 curve. Signers come first, other wallets only where no signer
traded (relayed orders).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pw_parser.core.balances.amounts import Changes
from pw_parser.core.balances.context import Context, Leg
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.decode.programs import DOLLAR_MINTS, DOLLARS, SOL_MINT, STABLE_MINTS
from pw_parser.core.trades.through import ended_far_below, passed_through

# A fee in shares that were issued or burned is less than this part of them.
OTHER_SIDE_MIN: Final = 2
# Fees and rent make less than this part of what a trader pays beside the pool.
OWN_PRICE_DIVISOR: Final = 10
# Ten times the lamports that a millionth of a dollar is worth at ten dollars a SOL.
LAMPORTS_PER_DUST: Final = 1_000


def legs_of(context: Context, users_of: Callable[[], frozenset[str]]) -> list[Leg]:
    """Trades by balances: of signers, else of other wallets, else of named vaults.

    `users_of` gives the owners whose trade it was, as instructions and events say; it is only
    asked where no wallet traded.
    """
    signers, base = context.signers, context.balances.base
    legs = [leg for signer in sorted(set(signers)) for leg in legs_of_owner(context, signer)]
    # A keeper that fills an order may trade another token on the way.
    traded = {leg.mint for leg in legs}
    owners = sorted(
        owner
        for owner, changes in base.items()
        if owner
        and owner not in signers
        and any(raw and mint not in traded for mint, raw in changes.items())
    )
    legs += [
        leg._replace(reasons=(*leg.reasons, "not_signer"))
        for owner in owners
        if is_wallet(owner)
        for leg in legs_of_owner(context, owner)
        if leg.mint not in traded
    ]
    if legs:
        return legs
    # Balances alone cannot tell a bot program's vault from the pool that it trades with.
    users = users_of()
    return [
        leg._replace(reasons=(*leg.reasons, "not_signer", "program_vault"))
        for owner in owners
        if owner in users
        for leg in legs_of_owner(context, owner)
    ]


def legs_of_owner(context: Context, owner: str) -> list[Leg]:
    """What one owner traded by its own changes; an owner of any kind."""
    changes = {
        mint: raw
        for mint, raw in context.balances.base.get(owner, {}).items()
        if raw and _has_other_side(context, owner, mint, raw)
    }
    if not changes:
        return []
    quote = context.balances.quote.get(owner, {})
    changes = {
        m: raw
        for m, raw in changes.items()
        if not passed_through(context, m, raw)
        or ended_far_below(context, opposed_quote(quote, raw))
    }
    dollars = changes.keys() & DOLLARS
    if dollars and len(dollars) < len(changes):
        # A token bought with another dollar: that one is what was paid.
        quote = {**quote, **{mint: changes.pop(mint) for mint in dollars}}
    if any(raw > 0 for raw in changes.values()) and any(raw < 0 for raw in changes.values()):
        paid = {m: raw for m, raw in changes.items() if _has_own_price(context, quote, m, raw)}
        if not paid:
            # Token for token: no quote says what it was worth, and none is guessed.
            return [
                Leg(owner, mint, raw, None, None, ("token_to_token", "no_quote_value"))
                for mint, raw in changes.items()
            ]
        # The other token only came or went beside the trade.
        changes = paid
    legs: list[Leg] = []
    for mint, raw in changes.items():
        if len(changes) == 1:
            opposed = opposed_quote(quote, raw)
            if opposed is not None and _is_paid(context, owner, mint, raw, opposed[0]):
                return [Leg(owner, mint, raw, *opposed, ())]
        mirrored = pool_side(context, mint, raw)
        if mirrored is not None:
            quote_mint, paid_raw = mirrored
            reason = "no_quote_value" if paid_raw is None else "quote_from_pool"
            legs.append(Leg(owner, mint, raw, quote_mint, paid_raw, (reason,)))
    return legs


def _has_own_price(context: Context, quote: Changes, mint: str, raw: int) -> bool:
    """Whether the owner's own quote is what the token's pools moved for it."""
    opposed, mirrored = opposed_quote(quote, raw), pool_side(context, mint, raw)
    if opposed is None or mirrored is None or mirrored[1] is None or mirrored[0] != opposed[0]:
        return False
    return abs(opposed[1] - mirrored[1]) * OWN_PRICE_DIVISOR <= mirrored[1]


def _is_paid(context: Context, owner: str, mint: str, raw: int, quote_mint: str) -> bool:
    """Whether a quote that opposes a token may be what it was exchanged for.

    It is not where the pool moved another quote the same way as the token (liquidity), or
    where its own account of this quote stood still and no other program's moved against the
    owner's (one side of liquidity): then the quote is rent or a fee that no instruction shows.
    """
    balances = context.balances
    still: set[str] = set()
    for other, changes in balances.base.items():
        base_raw = changes.get(mint, 0)
        if other != owner and base_raw * raw < 0:
            quotes = balances.quote.get(other, {})
            if quotes.get(quote_mint) or changes.get(quote_mint):
                return True
            if any(quote_raw * base_raw > 0 for quote_raw in quotes.values()):
                return False
            still.add(other)
    if not any(token.mint == quote_mint and token.owner in still for token in context.view.tokens):
        return True
    return any(
        changes.get(quote_mint, 0) * raw > 0 and other not in still and not is_wallet(other)
        for other, changes in balances.quote.items()
        if other and other != owner and other not in context.signers
    )


def opposed_quote(quote: Changes, base_raw: int) -> tuple[str, int] | None:
    """The quote that moved against the base; a stable coin before SOL, which rent disturbs.

    A remainder of a stable coin does not hide the SOL that paid: not where the SOL is
    worth over ten times as much at ten dollars a SOL.
    """
    opposed = {
        mint: abs(change_raw)
        for mint in (*STABLE_MINTS, *DOLLAR_MINTS, SOL_MINT)
        if (change_raw := quote.get(mint, 0)) * base_raw < 0
    }
    lamports = opposed.get(SOL_MINT, 0)
    for mint, raw in opposed.items():
        if mint == SOL_MINT or raw * LAMPORTS_PER_DUST >= lamports:
            return mint, raw
    return None


def _has_other_side(context: Context, owner: str, mint: str, base_raw: int) -> bool:
    """Whether others gave or got most of the token; shares are minted and burned.

    A token issued in this very transaction counts: its curve opens an account
    and is minted the supply. That it was a launch is for the caller to see.
    """
    opposed_raw = 0
    for other, changes in context.balances.base.items():
        if mint in changes and other != owner and changes[mint] * base_raw < 0:
            opposed_raw += abs(changes[mint])
            if opposed_raw * OTHER_SIDE_MIN >= abs(base_raw):
                return True
    return any(
        token.mint == mint and token.owner != owner and not token.existed
        for token in context.view.tokens
    ) and was_issued(context, mint)


def was_issued(context: Context, mint: str) -> bool:
    """Whether a token came to be in this very transaction."""
    return not any(token.mint == mint and token.existed for token in context.view.tokens)


def pool_side(context: Context, mint: str, base_raw: int) -> tuple[str | None, int | None] | None:
    """What the pools on the other side of a trade gained or paid in one quote.

    It holds where rent or fees drown a small trade in the trader's own balance.
    Liquidity has no such side: there, the pool's base and quote move together.
    Arbitrage has none either: what stays with the trader is not what a pool moved.
    Where others took more than a fee of it (a keeper's spread), the trade is
    certain and its price is not: both quote fields are None then.
    """
    totals: Changes = {}
    opposed_raw = shared_raw = 0
    for owner, changes in context.balances.base.items():
        pool_raw = changes.get(mint, 0)
        if owner in context.signers or pool_raw * base_raw >= 0:
            shared_raw += abs(pool_raw) if pool_raw * base_raw > 0 else 0
            continue
        opposed_raw += abs(pool_raw)
        for quote_mint, quote_raw in money_of(context, owner, mint).items():
            if quote_raw * pool_raw < 0:
                totals[quote_mint] = totals.get(quote_mint, 0) + abs(quote_raw)
    shift_raw = abs(opposed_raw - abs(base_raw))
    if len(totals) != 1 or shift_raw * 2 > opposed_raw:
        return None
    # What nobody got is the token's own transfer fee, which leaves the price as it is.
    shared_raw -= abs(base_raw)
    return next(iter(totals.items())) if shared_raw * 100 <= 3 * opposed_raw else (None, None)


def money_of(context: Context, owner: str, mint: str) -> Changes:
    """An owner's quotes, and other dollars where the token at hand is none."""
    quotes = context.balances.quote.get(owner, {})
    changes = context.balances.base.get(owner, {})
    dollars = changes.keys() & DOLLARS if len(changes) > 1 or mint not in changes else ()
    if not dollars or mint in DOLLARS:
        return quotes
    return {**quotes, **{dollar: changes[dollar] for dollar in dollars}}


def moved_by_pools(context: Context, mint: str, base_raw: int) -> int:
    """What others than signers gave or took of a mint against a change, with its sign."""
    opposed_raw = sum(
        raw
        for owner, changes in context.balances.base.items()
        if (raw := changes.get(mint, 0)) * base_raw < 0 and owner not in context.signers
    )
    return -opposed_raw
