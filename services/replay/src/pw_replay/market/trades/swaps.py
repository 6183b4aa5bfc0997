"""Swaps in their venues' own shape: accounts, data, inner instructions and logs.

The shapes follow transactions as seen on mainnet; prices and amounts come from the pool.
"""

from __future__ import annotations

import base64
import struct

from pw_replay.market.pools import PROGRAM_OF, Pool, Venue
from pw_replay.market.wire import programs as p
from pw_replay.market.wire import wire
from pw_replay.market.wire.instructions import SYSTEM_INNER_LOGS, transfer, transfer_checked
from pw_replay.market.wire.ledger import TokenAccount
from pw_replay.market.wire.transaction_builder import TransactionBuilder

_U64 = struct.Struct("<Q").pack
_U64X2 = struct.Struct("<QQ").pack

_INVOKE = {
    (address, height): wire.log(f"Program {address} invoke [{height}]")
    for address in (
        *(p.PUMP_ADDRESS, p.PUMP_AMM_ADDRESS, p.RAYDIUM_V4_ADDRESS),
        *(p.RAYDIUM_CPMM_ADDRESS, p.JUPITER_ADDRESS),
    )
    for height in (1, 2, 3)
}


def _done(address: str, units: int) -> bytes:
    return wire.logs(
        f"Program {address} consumed {units} of 187400 compute units\nProgram {address} success"
    )


def _event(
    builder: TransactionBuilder, program: bytes, authority: bytes, body: bytes, height: int
) -> None:
    builder.inner(program, (authority,), p.EVENT_TAG + body, height)
    builder.log(wire.fresh_log("Program data: " + base64.b64encode(body).decode()))


def pump_swap(
    builder: TransactionBuilder,
    pool: Pool,
    trader: bytes,
    own: TokenAccount,
    *,
    buy: bool,
    base: int,
    quote: int,
) -> None:
    """A bonding curve trade. `quote` is what the trader pays in all, or receives net."""
    builder.pool_accounts(pool.writable, pool.readonly)
    vault = pool.base_vault.key
    curve_sol = quote - pool.buy(quote)[1] if buy else sum(pool.sell(base))
    head = (p.PUMP_GLOBAL, p.PUMP_FEES, pool.mint.key, pool.key, vault, own.key, trader, p.SYSTEM)
    tail = (p.PUMP_EVENTS, p.PUMP)
    builder.log(_INVOKE[p.PUMP_ADDRESS, 1])
    if buy:
        builder.readonly(p.RENT_SYSVAR)
        limit = quote + quote // 10
        accounts = (*head, p.TOKEN, p.RENT_SYSVAR, *tail)
        builder.top(p.PUMP, accounts, p.BUY + _U64X2(base, limit))
        builder.log(wire.log("Program log: Instruction: Buy"))
        transfer(builder, pool.base_vault, own, pool.key, base, 2)
        for target, lamports in ((pool.key, curve_sol), (p.PUMP_FEES, quote - curve_sol)):
            builder.inner(p.SYSTEM, (trader, target), b"\x02\x00\x00\x00" + _U64(lamports))
            builder.move_sol(trader, target, lamports)
        builder.log(SYSTEM_INNER_LOGS * 2)
    else:
        builder.readonly(p.ATA)
        accounts = (*head, p.ATA, p.TOKEN, *tail)
        builder.top(p.PUMP, accounts, p.SELL + _U64X2(base, quote - quote // 10))
        builder.log(wire.log("Program log: Instruction: Sell"))
        transfer(builder, own, pool.base_vault, trader, base, 2)
        builder.move_sol(pool.key, trader, quote)
        builder.move_sol(pool.key, p.PUMP_FEES, curve_sol - quote)
    sign = 1 if buy else -1
    virtual = (pool.quote_reserve + sign * curve_sol, pool.base_reserve - sign * base)
    body = (
        p.PUMP_TRADE_EVENT + pool.mint.key + _U64X2(curve_sol, base) + bytes((buy,)) + trader
    ) + struct.pack("<QQQQQ", 1_767_225_600, *virtual, virtual[0] - 30_000_000_000, virtual[1])
    _event(builder, p.PUMP, p.PUMP_EVENTS, body, 2)
    builder.log(_done(p.PUMP_ADDRESS, 40451 if buy else 30418))
    builder.compute_units += 42_000 if buy else 32_000


def amm_swap(
    builder: TransactionBuilder,
    pool: Pool,
    trader: bytes,
    own_base: TokenAccount,
    own_quote: TokenAccount,
    *,
    buy: bool,
    base: int,
    quote: int,
    routed: bool = False,
) -> None:
    """A trade against an AMM pool: its own instruction, or one hop below a router's."""
    builder.pool_accounts(pool.writable, pool.readonly)
    builder.writable(own_base.key, own_quote.key)
    if pool.venue is Venue.PUMP_AMM:
        _pump_amm(builder, pool, trader, own_base, own_quote, buy, base, quote, routed)
    elif pool.venue is Venue.RAYDIUM_V4:
        _raydium_v4(builder, pool, trader, own_base, own_quote, buy, base, quote, routed)
    else:
        _raydium_cpmm(builder, pool, trader, own_base, own_quote, buy, base, quote, routed)


def _invoke(
    builder: TransactionBuilder, pool: Pool, accounts: tuple[bytes, ...], data: bytes, routed: bool
) -> int:
    """Put the pool's instruction at the top or below a router; gives its transfers' height."""
    program = PROGRAM_OF[pool.venue]
    if routed:
        builder.inner(program, accounts, data, 2)
        return 3
    builder.top(program, accounts, data)
    return 2


def _pump_amm(
    builder: TransactionBuilder,
    pool: Pool,
    trader: bytes,
    own_base: TokenAccount,
    own_quote: TokenAccount,
    buy: bool,
    base: int,
    quote: int,
    routed: bool,
) -> None:
    vault = _quote_vault(pool)
    fees = builder.ledger.associated(p.PUMP_AMM_FEES, pool.quote)
    accounts = (
        *(pool.key, trader, p.PUMP_AMM_GLOBAL, pool.mint.key, pool.quote.key, own_base.key),
        *(own_quote.key, pool.base_vault.key, vault.key, p.PUMP_AMM_FEES, fees.key, p.TOKEN),
        *(p.TOKEN, p.SYSTEM, p.ATA, p.PUMP_AMM_EVENTS, p.PUMP_AMM),
    )
    bound = quote + quote // 10 if buy else quote - quote // 10
    data = (p.BUY if buy else p.SELL) + _U64X2(base, bound)
    builder.log(_INVOKE[p.PUMP_AMM_ADDRESS, 2 if routed else 1])
    builder.log(wire.log(f"Program log: Instruction: {'Buy' if buy else 'Sell'}"))
    height = _invoke(builder, pool, accounts, data, routed)
    if buy:
        share = pool.protocol_share(pool.buy(quote)[1])
        transfer_checked(builder, pool.base_vault, own_base, pool.key, base, height)
        transfer_checked(builder, own_quote, vault, trader, quote - share, height)
        transfer_checked(builder, own_quote, fees, trader, share, height)
    else:
        share = pool.protocol_share(pool.sell(base)[1])
        transfer_checked(builder, own_base, pool.base_vault, trader, base, height)
        transfer_checked(builder, vault, own_quote, pool.key, quote, height)
        transfer_checked(builder, vault, fees, pool.key, share, height)
    kind = p.PUMP_AMM_BUY_EVENT if buy else p.PUMP_AMM_SELL_EVENT
    reserves = (pool.base_vault.amount, vault.amount)
    numbers = (1_767_225_600, base, bound, own_base.amount, own_quote.amount, *reserves)
    gross = quote - share if buy else quote + share
    fees_taken = (20, 0, 5, share)
    body = (
        kind + struct.pack("<14Q", *numbers, gross, *fees_taken, gross, quote) + pool.key + trader
    )
    _event(builder, p.PUMP_AMM, p.PUMP_AMM_EVENTS, body, height)
    builder.log(_done(p.PUMP_AMM_ADDRESS, 81266))
    builder.compute_units += 82_000


def _raydium_v4(
    builder: TransactionBuilder,
    pool: Pool,
    trader: bytes,
    own_base: TokenAccount,
    own_quote: TokenAccount,
    buy: bool,
    base: int,
    quote: int,
    routed: bool,
) -> None:
    vault = _quote_vault(pool)
    source, target = (own_quote, own_base) if buy else (own_base, own_quote)
    amount_in, amount_out = (quote, base) if buy else (base, quote)
    m = pool.market
    accounts = (
        *(p.TOKEN, pool.key, pool.authority, m[0], m[1], pool.base_vault.key, vault.key),
        *(p.OPENBOOK, m[2], m[3], m[4], m[5], m[6], m[7], m[8], source.key, target.key, trader),
    )
    limit = amount_out - amount_out // 20
    builder.log(_INVOKE[p.RAYDIUM_V4_ADDRESS, 2 if routed else 1])
    height = _invoke(builder, pool, accounts, b"\x09" + _U64X2(amount_in, limit), routed)
    direction = 1 if buy else 2
    numbers = (amount_in, limit, direction, source.amount, pool.base_reserve, pool.quote_reserve)
    ray = b"\x03" + struct.pack("<7Q", *numbers, amount_out)
    builder.log(wire.fresh_log("Program log: ray_log: " + base64.b64encode(ray).decode()))
    into, out = (vault, pool.base_vault) if buy else (pool.base_vault, vault)
    transfer(builder, source, into, trader, amount_in, height)
    transfer(builder, out, target, pool.authority, amount_out, height)
    builder.log(_done(p.RAYDIUM_V4_ADDRESS, 31041))
    builder.compute_units += 32_000


def _raydium_cpmm(
    builder: TransactionBuilder,
    pool: Pool,
    trader: bytes,
    own_base: TokenAccount,
    own_quote: TokenAccount,
    buy: bool,
    base: int,
    quote: int,
    routed: bool,
) -> None:
    vault = _quote_vault(pool)
    source, target = (own_quote, own_base) if buy else (own_base, own_quote)
    into, out = (vault, pool.base_vault) if buy else (pool.base_vault, vault)
    amount_in, amount_out = (quote, base) if buy else (base, quote)
    accounts = (
        *(trader, pool.authority, pool.market[1], pool.key, source.key, target.key, into.key),
        *(out.key, p.TOKEN, p.TOKEN, source.mint.key, target.mint.key, pool.market[0]),
    )
    data = p.SWAP_BASE_INPUT + _U64X2(amount_in, amount_out - amount_out // 20)
    builder.log(_INVOKE[p.RAYDIUM_CPMM_ADDRESS, 2 if routed else 1])
    builder.log(wire.log("Program log: Instruction: SwapBaseInput"))
    height = _invoke(builder, pool, accounts, data, routed)
    transfer_checked(builder, source, into, trader, amount_in, height)
    transfer_checked(builder, out, target, pool.authority, amount_out, height)
    amounts = (into.amount, out.amount, amount_in, amount_out, 0, 0)
    event = p.RAYDIUM_CPMM_SWAP_EVENT + pool.key + struct.pack("<6Q?", *amounts, True)
    builder.log(wire.fresh_log("Program data: " + base64.b64encode(event).decode()))
    builder.log(_done(p.RAYDIUM_CPMM_ADDRESS, 35112))
    builder.compute_units += 36_000


def _quote_vault(pool: Pool) -> TokenAccount:
    if pool.quote_vault is None:
        raise TypeError(f"the {pool.venue.value} pool of {pool.mint.address} has no quote vault")
    return pool.quote_vault


def route(
    builder: TransactionBuilder,
    trader: bytes,
    source: TokenAccount,
    target: TokenAccount,
    amount_in: int,
    amount_out: int,
    hops: int,
) -> None:
    """Open a Jupiter v6 route; routed `amm_swap` calls and `route_end` follow."""
    builder.readonly(p.TOKEN, target.mint.key, p.JUPITER_EVENTS, p.JUPITER)
    builder.writable(source.key, target.key)
    accounts = (
        *(p.TOKEN, trader, source.key, target.key, p.JUPITER, target.mint.key, p.JUPITER),
        *(p.JUPITER_EVENTS, p.JUPITER),
    )
    plan = bytes((hops, 0, 0, 0)) + b"\x07\x64\x00\x01" * hops
    bounds = _U64X2(amount_in, amount_out) + (100).to_bytes(2, "little") + b"\x00"
    builder.log(_INVOKE[p.JUPITER_ADDRESS, 1] + wire.log("Program log: Instruction: Route"))
    builder.top(p.JUPITER, accounts, p.ROUTE + plan + bounds)


def route_event(
    builder: TransactionBuilder,
    pool: Pool,
    source: TokenAccount,
    target: TokenAccount,
    amount_in: int,
    amount_out: int,
) -> None:
    """The router's own event after a hop."""
    body = (
        p.JUPITER_SWAP_EVENT
        + pool.key
        + source.mint.key
        + _U64(amount_in)
        + target.mint.key
        + _U64(amount_out)
    )
    builder.inner(p.JUPITER, (p.JUPITER_EVENTS,), p.EVENT_TAG + body)
    builder.log(_INVOKE[p.JUPITER_ADDRESS, 2] + _done(p.JUPITER_ADDRESS, 2021))


def route_end(builder: TransactionBuilder) -> None:
    """Close a route."""
    builder.log(_done(p.JUPITER_ADDRESS, 118_402))
    builder.compute_units += 30_000
