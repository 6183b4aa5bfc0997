"""Requests for a quote: a market maker fills an order out of its own wallet."""

from __future__ import annotations

import struct
from random import Random

from pw_replay.market.pools import named
from pw_replay.market.trades import pump_v2
from pw_replay.market.trades.trades import Order, Truth, amounts
from pw_replay.market.wire import instructions, wire
from pw_replay.market.wire import programs as p
from pw_replay.market.wire.ledger import WSOL, Ledger, TokenAccount, address_of
from pw_replay.market.wire.transaction_builder import TransactionBuilder

VENUE = "jupiter_rfq"
_U64 = struct.Struct("<Q").pack
_U64X2 = struct.Struct("<QQ").pack

_FILL_LOGS = wire.logs(
    f"Program {p.ORDER_ENGINE_ADDRESS} invoke [1]\nProgram log: Instruction: Fill"
)
_FILL_DONE = wire.logs(
    f"Program {p.ORDER_ENGINE_ADDRESS} consumed 19897 of 32128 compute units\n"
    f"Program {p.ORDER_ENGINE_ADDRESS} success"
)


def fill(
    rng: Random, ledger: Ledger, order: Order, maker: bytes
) -> tuple[TransactionBuilder, Truth | None]:
    """An order that a market maker fills out of its own wallet at a pool's price.

    Both sign, and the maker pays the network's fee. A sale for SOL is paid in lamports out of
    wrapped SOL that is unwrapped on the way.
    """
    pool, taker = order.pool, order.trader
    base, quote = amounts(order)
    builder = TransactionBuilder(ledger, (maker, taker))
    instructions.budget(builder, 60_000, rng.randrange(1_000, 50_000))
    own = ledger.associated(taker, pool.mint)
    stock = ledger.associated(maker, pool.mint)
    till = ledger.associated(maker, pool.quote)
    in_lamports = pool.quote is WSOL
    cash = ledger.associated(taker, pool.quote)
    if order.buy:
        instructions.open_account(builder, own, taker)
    elif not in_lamports:
        instructions.open_account(builder, cash, taker)
    builder.writable(own.key, stock.key, till.key, *(() if in_lamports else (cash.key,)))
    builder.readonly(p.TOKEN, p.SYSTEM, pool.mint.key, pool.quote.key)
    into, out = (quote, base) if order.buy else (base, quote)
    data = p.FILL + _U64X2(into, out) + struct.pack("<q", pump_v2.EVENT_TIME_S) + bytes(4)
    builder.log(_FILL_LOGS)
    if in_lamports:
        _fill_in_lamports(builder, order, maker, (own, stock, till), data, base=base, quote=quote)
    else:
        taken, given = ((cash, till), (stock, own)) if order.buy else ((own, stock), (till, cash))
        accounts = (
            *(taker, maker, taken[0].key, taken[1].key, given[1].key, given[0].key),
            *(taken[0].mint.key, p.TOKEN, given[0].mint.key, p.TOKEN, p.SYSTEM),
        )
        builder.top(p.ORDER_ENGINE, accounts, data)
        instructions.transfer(builder, *taken, taker, into, 2)
        instructions.transfer(builder, *given, maker, out, 2)
    builder.log(_FILL_DONE)
    builder.compute_units += 20_000
    return builder, Truth(
        address_of(taker),
        "buy" if order.buy else "sell",
        pool.mint.address,
        base,
        quote,
        pool.quote.address,
        VENUE,
        False,
        "",
        "rfq",
    )


def _fill_in_lamports(
    builder: TransactionBuilder,
    order: Order,
    maker: bytes,
    accounts: tuple[TokenAccount, TokenAccount, TokenAccount],
    data: bytes,
    *,
    base: int,
    quote: int,
) -> None:
    if order.buy:
        raise ValueError("only sales are paid in lamports")
    own, stock, till = accounts
    taker, mint = order.trader, order.pool.mint.key
    # It lives for this one call.
    passing = named(builder.ledger.seed, f"rfq/{address_of(maker)}")
    builder.ledger.lamports.setdefault(passing, 0)
    builder.writable(passing)
    listed = (
        *(taker, maker, own.key, stock.key, p.ORDER_ENGINE, till.key, mint, p.TOKEN),
        *(WSOL.key, p.TOKEN, p.SYSTEM, passing),
    )
    builder.top(p.ORDER_ENGINE, listed, data)
    instructions.transfer(builder, own, stock, taker, base, 2)
    rent = p.TOKEN_ACCOUNT_RENT
    create = b"\x00\x00\x00\x00" + _U64X2(rent, 165) + p.TOKEN
    builder.inner(p.SYSTEM, (maker, passing), create)
    builder.inner(p.TOKEN, (passing, WSOL.key), b"\x12" + maker)
    builder.inner(p.TOKEN, (till.key, passing, maker), b"\x03" + _U64(quote))
    builder.inner(p.TOKEN, (passing, maker, maker), b"\x09")
    builder.inner(p.SYSTEM, (maker, taker), b"\x02\x00\x00\x00" + _U64(quote))
    # The passing account takes and gives the rent and the wrapped SOL within the call.
    builder.unwrap(till, taker, quote)
