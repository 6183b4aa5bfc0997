"""Whole trades as they look in 2026: through bots, at unlisted venues, launches with names."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from random import Random

from pw_replay.market.pools import Pool, Venue
from pw_replay.market.trades import pump_v2, swaps
from pw_replay.market.trades.trades import Order, Truth, amounts, failed, settle
from pw_replay.market.wire import instructions, wire
from pw_replay.market.wire import programs as p
from pw_replay.market.wire.ledger import WSOL, Ledger, TokenAccount, address_of
from pw_replay.market.wire.transaction_builder import TransactionBuilder

_U64 = struct.Struct("<Q").pack
_U64X2 = struct.Struct("<QQ").pack


@dataclass(frozen=True, slots=True)
class Bot:
    """A program in front of a venue, and the wallet that it pays its share of a trade to."""

    program: bytes
    fees: bytes
    fee_per_mille: int = 10


@dataclass(frozen=True, slots=True)
class Way:
    """How an order is sent: pump's second generation, for an exact amount in, through a bot."""

    v2: bool = False
    exact_in: bool = False
    bot: Bot | None = None


def trade(
    rng: Random, ledger: Ledger, order: Order, way: Way
) -> tuple[TransactionBuilder, Truth | None]:
    """Write an order as a transaction against its pool, which moves unless the order fails."""
    pool, trader = order.pool, order.trader
    base, quote = amounts(order)
    signers = (trader,) if order.fee_payer is None else (order.fee_payer, trader)
    builder = TransactionBuilder(ledger, signers, pool.table if order.table else None)
    instructions.budget(builder, 250_000, rng.randrange(20_000, 900_000))
    at = add(builder, order, way, base=base, quote=quote)
    if order.tip_lamports:
        instructions.pay(builder, trader, rng.choice(p.TIP_ACCOUNTS), order.tip_lamports)
    builder.compute_units += rng.randrange(4_000)
    if order.fails:
        return failed(builder, pool, at), None
    settle(order, base, quote)
    return builder, truth_of(order, base, quote, _layout(order, way))


def _layout(order: Order, way: Way) -> str:
    if way.bot is not None:
        return "bot"
    if order.pool.mint is WSOL:
        return "sol_price"
    return "pump_v2" if way.v2 else "unlisted" if order.pool.venue is Venue.UNLISTED else ""


def truth_of(order: Order, base: int, quote: int, layout: str) -> Truth:
    """What an order is meant to be, once it was filled."""
    pool = order.pool
    return Truth(
        address_of(order.trader),
        "buy" if order.buy else "sell",
        pool.mint.address,
        base,
        quote,
        pool.quote.address,
        pool.venue.value,
        order.routed and pool.venue is not Venue.PUMP,
        order.campaign,
        layout,
    )


def add(builder: TransactionBuilder, order: Order, way: Way, *, base: int, quote: int) -> int:
    """Add a swap with what it needs before and after to a transaction; gives its own index."""
    pool, trader, ledger = order.pool, order.trader, builder.ledger
    own = ledger.associated(trader, pool.mint)
    temporary: list[TokenAccount] = []
    for account, spent, is_spent in (
        (own, base, not order.buy),
        (ledger.associated(trader, pool.quote), quote, order.buy),
    ):
        if account.mint is WSOL and pool.venue is Venue.PUMP:
            continue
        if account.mint is WSOL and not account.exists:
            temporary.append(account)
        instructions.open_account(builder, account, trader)
        builder.writable(account.key)
        if account.mint is WSOL and is_spent and account.amount < spent:
            instructions.wrap(builder, account, trader, spent)
    at = len(builder)
    height = 1
    if way.bot is not None:
        height = 2
        _enter(builder, way.bot, trader, pool, base=base, quote=quote)
    if pool.venue is Venue.PUMP and (way.v2 or height > 1):
        pump_v2.swap(
            *(builder, pool, trader, own),
            buy=order.buy,
            base=base,
            quote=quote,
            exact_in=way.exact_in,
            height=height,
        )
    elif pool.venue is Venue.PUMP:
        swaps.pump_swap(builder, pool, trader, own, buy=order.buy, base=base, quote=quote)
    else:
        _through_amm(builder, order, own, base=base, quote=quote, nested=height > 1)
    if way.bot is not None:
        _leave(builder, way.bot, trader, quote if pool.quote is WSOL else quote * 7)
    for account in temporary:
        instructions.close_account(builder, account, trader)
    return at


def _through_amm(
    builder: TransactionBuilder,
    order: Order,
    own: TokenAccount,
    *,
    base: int,
    quote: int,
    nested: bool,
) -> None:
    pool, trader = order.pool, order.trader
    cash = builder.ledger.associated(trader, pool.quote)
    routed = order.routed and not nested
    source, target = (cash, own) if order.buy else (own, cash)
    into, out = (quote, base) if order.buy else (base, quote)
    if routed:
        swaps.route(builder, trader, source, target, into, out, 1)
    if pool.venue is Venue.UNLISTED:
        _unlisted(builder, pool, trader, source, target, into, out, nested=nested or routed)
    else:
        swaps.amm_swap(
            *(builder, pool, trader, own, cash),
            buy=order.buy,
            base=base,
            quote=quote,
            routed=nested or routed,
        )
    if routed:
        swaps.route_event(builder, pool, source, target, into, out)
        swaps.route_end(builder)


_UNLISTED_LOGS = {h: wire.logs(f"Program {p.UNLISTED_ADDRESS} invoke [{h}]") for h in (1, 2)}
_UNLISTED_DONE = wire.logs(
    f"Program {p.UNLISTED_ADDRESS} consumed 28710 of 187400 compute units\n"
    f"Program {p.UNLISTED_ADDRESS} success"
)


def _unlisted(
    builder: TransactionBuilder,
    pool: Pool,
    trader: bytes,
    source: TokenAccount,
    target: TokenAccount,
    into: int,
    out: int,
    *,
    nested: bool,
) -> None:
    """A swap at a venue whose layout nobody knows: two transfers, and neither event nor name."""
    if pool.quote_vault is None:
        raise TypeError("an unlisted pool has two vaults")
    builder.pool_accounts(pool.writable, pool.readonly)
    builder.readonly(source.mint.key, target.mint.key)
    vaults = {one.mint: one for one in (pool.base_vault, pool.quote_vault)}
    given, taken = vaults[source.mint], vaults[target.mint]
    accounts = (
        *(pool.key, trader, source.key, target.key, given.key, taken.key),
        *(source.mint.key, target.mint.key, p.TOKEN),
    )
    data = b"\x2a" + _U64X2(into, out - out // 50)
    height = 2 if nested else 1
    builder.log(_UNLISTED_LOGS[height])
    if nested:
        builder.inner(p.UNLISTED, accounts, data, 2)
    else:
        builder.top(p.UNLISTED, accounts, data)
    instructions.transfer_checked(builder, source, given, trader, into, height + 1)
    instructions.transfer_checked(builder, taken, target, pool.key, out, height + 1)
    builder.log(_UNLISTED_DONE)
    builder.compute_units += 29_000


def _enter(
    builder: TransactionBuilder, bot: Bot, trader: bytes, pool: Pool, *, base: int, quote: int
) -> None:
    """Open a bot's instruction; the swap and its fee follow as its calls."""
    builder.readonly(p.SYSTEM)
    builder.writable(bot.fees)
    builder.log(wire.log(f"Program {address_of(bot.program)} invoke [1]"))
    data = b"\x52\xe1\x77\xe7\x4e\x1d\x2d\x46" + _U64X2(quote, base)
    builder.top(bot.program, (trader, bot.fees, pool.key, p.SYSTEM), data)
    builder.pool_accounts((pool.key,), ())


def _leave(builder: TransactionBuilder, bot: Bot, trader: bytes, lamports: int) -> None:
    fee = max(1, lamports * bot.fee_per_mille // 1000)
    builder.inner(p.SYSTEM, (trader, bot.fees), b"\x02\x00\x00\x00" + _U64(fee))
    builder.move_sol(trader, bot.fees, fee)
    builder.log(instructions.SYSTEM_INNER_LOGS)
    builder.log(wire.log(f"Program {address_of(bot.program)} success"))
    builder.compute_units += 6_000


def launch(
    rng: Random, ledger: Ledger, pool: Pool, creator: bytes, words: tuple[str, str], lamports: int
) -> tuple[TransactionBuilder, Truth | None]:
    """A launch, with its creator's first purchase in the same transaction unless it is of 0."""
    builder = TransactionBuilder(ledger, (creator, pool.mint.key), pool.table if lamports else None)
    instructions.budget(builder, 400_000, rng.randrange(20_000, 900_000))
    pump_v2.launch(builder, rng, pool, creator, *words)
    if not lamports:
        return builder, None
    order = Order(creator, pool, True, lamports)
    base, quote = amounts(order)
    add(builder, order, Way(v2=True), base=base, quote=quote)
    settle(order, base, quote)
    return builder, truth_of(order, base, quote, "launch")
