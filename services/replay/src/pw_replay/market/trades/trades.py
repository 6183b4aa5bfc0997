"""Whole trades: accounts opened, SOL wrapped, the swap, a tip, accounts closed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from pw_replay.market.pools import Pool, Venue
from pw_replay.market.trades import swaps
from pw_replay.market.wire import instructions, wire
from pw_replay.market.wire import programs as p
from pw_replay.market.wire.ledger import WSOL, Ledger, TokenAccount, address_of
from pw_replay.market.wire.transaction_builder import TransactionBuilder


@dataclass(frozen=True, slots=True)
class Truth:
    """What a generated trade is meant to be; amounts in raw units.

    `quote_amount_raw` is what the trade itself cost (buy) or paid (sell): with the
    venue's own fee, without network fee, tip and rent. `campaign` is its kind, or "". `layout`
    names what is special about it: pump_v2, bot, rfq, launch, sol_price, unlisted, or nothing.
    """

    trader: str
    side: str
    mint: str
    base_amount_raw: int
    quote_amount_raw: int
    quote_mint: str
    venue: str
    routed: bool
    campaign: str
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A wish to trade: `amount` is raw quote for a buy, raw base for a sell."""

    trader: bytes
    pool: Pool
    buy: bool
    amount: int
    routed: bool = False
    table: bool = False
    tip_lamports: int = 0
    fee_payer: bytes | None = None
    fails: bool = False
    campaign: str = ""


FAILURES = {
    Venue.PUMP: (p.PUMP_ADDRESS, 6002),
    Venue.PUMP_AMM: (p.PUMP_AMM_ADDRESS, 6004),
    Venue.RAYDIUM_V4: (p.RAYDIUM_V4_ADDRESS, 30),
    Venue.RAYDIUM_CPMM: (p.RAYDIUM_CPMM_ADDRESS, 6005),
    Venue.UNLISTED: (p.UNLISTED_ADDRESS, 1),
}


def trade(rng: Random, ledger: Ledger, order: Order) -> tuple[TransactionBuilder, Truth | None]:
    """Write an order as a transaction against its pool, which moves unless the order fails."""
    pool, trader = order.pool, order.trader
    base, quote = amounts(order)
    signers = (trader,) if order.fee_payer is None else (order.fee_payer, trader)
    builder = TransactionBuilder(ledger, signers, pool.table if order.table else None)
    instructions.budget(builder, 200_000, rng.randrange(20_000, 900_000))
    own = ledger.associated(trader, pool.mint)
    if order.buy:
        instructions.open_account(builder, own, trader)
    builder.writable(own.key)
    if pool.venue is Venue.PUMP:
        at = len(builder)
        swaps.pump_swap(builder, pool, trader, own, buy=order.buy, base=base, quote=quote)
    else:
        at = _through_amm(rng, builder, order, own, base, quote)
    if order.tip_lamports:
        instructions.pay(builder, trader, rng.choice(p.TIP_ACCOUNTS), order.tip_lamports)
    builder.compute_units += rng.randrange(4_000)
    if order.fails:
        return failed(builder, pool, at), None
    settle(order, base, quote)
    return builder, Truth(
        address_of(trader),
        "buy" if order.buy else "sell",
        pool.mint.address,
        base,
        quote,
        pool.quote.address,
        pool.venue.value,
        order.routed and pool.venue is not Venue.PUMP,
        order.campaign,
    )


def amounts(order: Order) -> tuple[int, int]:
    """The base and the quote that an order moves."""
    if order.buy:
        return order.pool.buy(order.amount)[0], order.amount
    return order.amount, order.pool.sell(order.amount)[0]


def settle(order: Order, base: int, quote: int) -> None:
    """Apply a filled order to its pool."""
    pool = order.pool
    if order.buy:
        fee = pool.buy(quote)[1]
        pool.settle(-base, quote - pool.protocol_share(fee))
    else:
        fee = pool.sell(base)[1]
        pool.settle(base, -quote - pool.protocol_share(fee))


def _through_amm(
    rng: Random, builder: TransactionBuilder, order: Order, own: TokenAccount, base: int, quote: int
) -> int:
    """The AMM part of a trade; gives the index of the swap's own instruction."""
    pool, trader = order.pool, order.trader
    cash = builder.ledger.associated(trader, pool.quote)
    temporary = pool.quote is WSOL and not cash.exists
    if temporary:
        instructions.open_account(builder, cash, trader)
    else:
        instructions.open_account(builder, cash, trader)
    if pool.quote is WSOL and order.buy and cash.amount < quote:
        instructions.wrap(builder, cash, trader, quote)
    source, target = (cash, own) if order.buy else (own, cash)
    amount_in, amount_out = (quote, base) if order.buy else (base, quote)
    at = len(builder)
    if order.routed:
        swaps.route(builder, trader, source, target, amount_in, amount_out, 1)
    swaps.amm_swap(
        builder,
        pool,
        trader,
        own,
        cash,
        buy=order.buy,
        base=base,
        quote=quote,
        routed=order.routed,
    )
    if order.routed:
        swaps.route_event(builder, pool, source, target, amount_in, amount_out)
        swaps.route_end(builder)
    if temporary and rng.random() < 0.97:
        instructions.close_account(builder, cash, trader)
    return at


def failed(builder: TransactionBuilder, pool: Pool, at: int) -> TransactionBuilder:
    """Have the instruction with this index fail, as its venue says it."""
    address, code = FAILURES[pool.venue]
    builder.fail(
        at,
        code,
        wire.logs(
            f"Program {address} invoke [1]\nProgram log: AnchorError occurred. "
            f"Error Number: {code}.\nProgram {address} consumed 24311 of 199700 compute units\n"
            f"Program {address} failed: custom program error: {hex(code)}"
        ),
    )
    return builder
