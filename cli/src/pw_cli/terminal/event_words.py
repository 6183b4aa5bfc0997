"""What a transaction's events say, a sentence each, for `pw parse --explain`. Pure."""

from __future__ import annotations

from typing import Final

from pw_cli.terminal.render_amounts import in_decimals, name_of
from pw_common.wire.messages import Event, QuoteTrade, RoundTrip, TokenCreated, Transfer
from pw_common.wire.pools import PoolEvent

SOL_DECIMALS: Final = 9
DOLLAR_DECIMALS: Final = 6
POOL: Final = {
    "trade": "a trade",
    "created": "it was created",
    "added": "liquidity was added",
    "removed": "liquidity was removed",
    "burned": "tokens were burned",
    "completed": "its curve is complete",
    "migrated": "it moved",
}


def in_words(event: Event) -> str | None:
    """One event as a sentence; None for what has its own place, such as a swap or a slot."""
    if isinstance(event, RoundTrip):
        venues = ", ".join(event.venues) or "no listed venue"
        change = f"{event.quote_change_raw:+d} {name_of(event.quote_mint)}"
        return f"round trip of {event.trader} through {venues}: {change} raw, and no token kept"
    if isinstance(event, TokenCreated):
        return _created(event)
    if isinstance(event, Transfer):
        sol = in_decimals(event.lamports, SOL_DECIMALS)
        return f"{event.source} sent {sol} SOL to {event.destination}"
    if isinstance(event, QuoteTrade):
        sol = in_decimals(event.sol_amount_raw, SOL_DECIMALS)
        usd = in_decimals(event.usd_amount_raw, DOLLAR_DECIMALS)
        return f"{sol} SOL traded against {usd} {name_of(event.usd_mint)}"
    if isinstance(event, PoolEvent):
        return _pool(event)
    return None


def _created(event: TokenCreated) -> str:
    facts = [f"{event.decimals} decimals"] if event.decimals is not None else []
    if event.supply_raw is not None:
        facts.append(f"supply {event.supply_raw} raw")
    more = f" ({', '.join(facts)})" if facts else ""
    return f"token {event.mint} was created by {event.creator}: {event.name} [{event.symbol}]{more}"


def _pool(event: PoolEvent) -> str:
    """`pool Abc of raydium: a trade, 12 SOL raw and 5 Xyz raw; after it 90 SOL raw and …`."""
    where = f"pool {event.pool}" if event.pool else "no pool"
    of = f" of {event.venue}" if event.venue else ""
    what = POOL[event.what]
    moved = _two(event, event.amount_a_raw, event.amount_b_raw)
    said = f"{where}{of}: {what}{f', {moved}' if moved else ''}"
    if event.shares_raw is not None:
        said += f", {event.shares_raw} shares"
    if kept := _two(event, event.reserve_a_raw, event.reserve_b_raw):
        said += f"; it holds {kept} after it"
    if priced := _two(event, event.virtual_a_raw, event.virtual_b_raw):
        said += f"; its curve counts with {priced}"
    if event.to:
        said += f"; now at {event.to}"
    return f"{said}; by {event.user}" if event.user else said


def _two(event: PoolEvent, a: int | None, b: int | None) -> str:
    sides = ((a, event.mint_a), (b, event.mint_b))
    return " and ".join(
        f"{raw} {name_of(mint or '?')} raw" for raw, mint in sides if raw is not None
    )
