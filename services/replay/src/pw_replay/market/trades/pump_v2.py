"""pump.fun's second generation: launches with names, and trades with 26 or 27 accounts.

Source: github.com/pump-fun/pump-public-docs, docs/instructions and idl/pump.json; a coin
against SOL moves lamports, and its wrapped SOL accounts are named but neither used nor there.
"""

from __future__ import annotations

import base64
import struct
from functools import lru_cache
from random import Random

from pw_replay.market.pools import (
    CURVE_QUOTE,
    CURVE_SELLABLE,
    CURVE_SUPPLY,
    Pool,
    named,
    pump_curve,
)
from pw_replay.market.wire import instructions, wire
from pw_replay.market.wire import programs as p
from pw_replay.market.wire.ledger import WSOL, Ledger, Mint, TokenAccount
from pw_replay.market.wire.transaction_builder import TransactionBuilder

_U64 = struct.Struct("<Q").pack
_U64X2 = struct.Struct("<QQ").pack
_TRANSFER = b"\x02\x00\x00\x00"

# Of the one percent that a trade costs, what goes to the coin's creator.
CREATOR_TENTHS = 3
MINT_RENT = 2_519_520
CURVE_RENT = 1_468_560
# What the mint is short of once its name is in it.
RENT_TOP_UP_MIN = 1_070_000
RENT_TOP_UP_MAX = 2_100_000
EVENT_TIME_S = 1_767_225_600

_CURVE = 10
_USER = 13


@lru_cache(maxsize=8_192)
def _user_accounts(seed: int, user: bytes) -> tuple[bytes, bytes, bytes]:
    """A user's wrapped SOL account, volume counter and its account: named, never read."""
    name = user.hex()
    return (
        named(seed, f"wrapped/{name}"),
        named(seed, f"volume/{name}"),
        named(seed, f"volume-wrapped/{name}"),
    )


@lru_cache(maxsize=4_096)
def _curve_accounts(seed: int, curve: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """A curve's wrapped SOL account, its creator's vault and the vault's, how fees are shared."""
    name = curve.hex()
    return (
        named(seed, f"curve-wrapped/{name}"),
        named(seed, f"creator/{name}"),
        named(seed, f"creator-wrapped/{name}"),
        named(seed, f"shared/{name}"),
    )


@lru_cache(maxsize=8)
def _fee_accounts(seed: int) -> tuple[bytes, bytes]:
    return named(seed, "pump-fees-wrapped"), named(seed, "pump-buyback-wrapped")


def swap(
    builder: TransactionBuilder,
    pool: Pool,
    trader: bytes,
    own: TokenAccount,
    *,
    buy: bool,
    base: int,
    quote: int,
    exact_in: bool = False,
    height: int = 1,
) -> None:
    """A trade of a coin against SOL. `quote` is what the trader pays in all, or receives net."""
    fee = (pool.buy(quote) if buy else pool.sell(base))[1]
    creator_fee = fee * CREATOR_TENTHS // 10
    protocol_fee = fee - creator_fee
    curve_sol = quote - fee if buy else quote + fee
    accounts, creator = _accounts(builder, pool, trader, own, buy=buy)
    name = "sell_v2" if not buy else "buy_exact_quote_in_v2" if exact_in else "buy_v2"
    if name == "buy_v2":
        data = p.BUY_V2 + _U64X2(base, quote + quote // 10)
    elif buy:
        data = p.BUY_EXACT_QUOTE_IN_V2 + _U64X2(quote, base - base // 10)
    else:
        data = p.SELL_V2 + _U64X2(base, quote - quote // 10)
    said = "".join(part.capitalize() for part in name.split("_"))
    builder.log(
        wire.logs(f"Program {p.PUMP_ADDRESS} invoke [{height}]\nProgram log: Instruction: {said}")
    )
    if height == 1:
        builder.top(p.PUMP, accounts, data)
    else:
        builder.inner(p.PUMP, accounts, data, height)
    if buy:
        instructions.transfer_checked(builder, pool.base_vault, own, pool.key, base, height + 1)
        for target, lamports in (
            (creator, creator_fee),
            (pool.key, curve_sol),
            (p.PUMP_FEES, protocol_fee),
        ):
            builder.inner(p.SYSTEM, (trader, target), _TRANSFER + _U64(lamports), height + 1)
            builder.move_sol(trader, target, lamports)
        builder.log(instructions.SYSTEM_INNER_LOGS * 3)
    else:
        instructions.transfer_checked(builder, own, pool.base_vault, trader, base, height + 1)
        # A program takes lamports from its own account without a call.
        builder.move_sol(pool.key, trader, quote)
        builder.move_sol(pool.key, p.PUMP_FEES, protocol_fee)
        builder.move_sol(pool.key, creator, creator_fee)
    fees = (protocol_fee, creator_fee)
    body = _trade_event(pool, trader, creator, name, buy=buy, base=base, sol=curve_sol, fees=fees)
    builder.inner(p.PUMP, (p.PUMP_EVENTS,), p.EVENT_TAG + body, height + 1)
    builder.log(wire.fresh_log("Program data: " + base64.b64encode(body).decode()))
    builder.log(_DONE)
    builder.compute_units += 96_000


_DONE = wire.logs(
    f"Program {p.PUMP_ADDRESS} consumed 91204 of 187400 compute units\n"
    f"Program {p.PUMP_ADDRESS} success"
)


def _accounts(
    builder: TransactionBuilder, pool: Pool, trader: bytes, own: TokenAccount, *, buy: bool
) -> tuple[tuple[bytes, ...], bytes]:
    seed, mint = builder.ledger.seed, pool.mint
    fees_wrapped, buyback_wrapped = _fee_accounts(seed)
    curve_wrapped, creator, creator_wrapped, shared = _curve_accounts(seed, pool.key)
    user_wrapped, volume, volume_wrapped = _user_accounts(seed, trader)
    vault = pool.base_vault.key
    accounts = (
        *(p.PUMP_GLOBAL, mint.key, WSOL.key, mint.program, p.TOKEN, p.ATA),
        *(p.PUMP_FEES, fees_wrapped, p.PUMP_BUYBACK, buyback_wrapped),
        *(pool.key, vault, curve_wrapped, trader, own.key, user_wrapped),
        *(creator, creator_wrapped, shared),
        *((p.PUMP_VOLUME,) if buy else ()),
        *(volume, volume_wrapped, p.PUMP_FEE_CONFIG, p.PUMP_FEE_PROGRAM, p.SYSTEM),
        *(p.PUMP_EVENTS, p.PUMP),
    )
    if not accounts[_CURVE] == pool.key or not accounts[_USER] == trader:
        raise ValueError("the curve and the user are not where the second generation names them")
    builder.writable(own.key)
    changed = (
        *(p.PUMP_FEES, fees_wrapped, p.PUMP_BUYBACK, buyback_wrapped, pool.key, vault),
        *(curve_wrapped, user_wrapped, creator, creator_wrapped, volume, volume_wrapped),
    )
    written = {*changed, trader, own.key}
    builder.pool_accounts(changed, [one for one in accounts if one not in written])
    return accounts, creator


def _trade_event(
    pool: Pool,
    trader: bytes,
    creator: bytes,
    name: str,
    *,
    buy: bool,
    base: int,
    sol: int,
    fees: tuple[int, int],
) -> bytes:
    sign = 1 if buy else -1
    virtual_sol, virtual_base = pool.quote_reserve + sign * sol, pool.base_reserve - sign * base
    real_sol = virtual_sol - CURVE_QUOTE
    return b"".join(
        (
            p.PUMP_TRADE_EVENT,
            pool.mint.key + _U64X2(sol, base) + bytes((buy,)) + trader,
            struct.pack("<5Q", EVENT_TIME_S, virtual_sol, virtual_base, real_sol, virtual_base),
            p.PUMP_FEES + _U64X2(70, fees[0]) + creator + _U64X2(30, fees[1]),
            struct.pack("<?3Qq", True, 0, 0, sol, EVENT_TIME_S),
            _text(name),
            # No mayhem, no cashback, no buyback, no shareholders; against SOL.
            b"\x00" + bytes(8 * 4) + bytes(4),
            bytes(32) + struct.pack("<3Q", sol, virtual_sol, real_sol),
        )
    )


def launch_curve(ledger: Ledger, mint: Mint) -> Pool:
    """The curve of a coin that is not launched yet: neither it nor its vault exists."""
    pool = pump_curve(ledger, mint)
    pool.base_vault.exists, pool.base_vault.amount = False, 0
    for key in (mint.key, pool.key, pool.base_vault.key):
        ledger.lamports[key] = 0
    return pool


def launch(
    builder: TransactionBuilder, rng: Random, pool: Pool, creator: bytes, name: str, symbol: str
) -> None:
    """Create a coin with its name in the mint, which makes the mint short of rent."""
    mint, vault = pool.mint, pool.base_vault
    mayhem = tuple(named(builder.ledger.seed, f"mayhem/{n}") for n in range(3))
    mayhem_vault = named(builder.ledger.seed, f"mayhem/{mint.address}")
    uri = f"https://example.invalid/{mint.address}.json"
    builder.writable(pool.key, vault.key, mayhem[1], mayhem[2], mayhem_vault)
    builder.readonly(
        p.PUMP_MINTS, p.PUMP_GLOBAL, p.SYSTEM, p.TOKEN_2022, p.ATA, p.MAYHEM, mayhem[0]
    )
    builder.readonly(p.PUMP_EVENTS)
    accounts = (
        *(mint.key, p.PUMP_MINTS, pool.key, vault.key, p.PUMP_GLOBAL, creator, p.SYSTEM),
        *(p.TOKEN_2022, p.ATA, p.MAYHEM, *mayhem, mayhem_vault, p.PUMP_EVENTS, p.PUMP),
    )
    words = _text(name) + _text(symbol) + _text(uri)
    builder.log(
        wire.logs(f"Program {p.PUMP_ADDRESS} invoke [1]\nProgram log: Instruction: CreateV2")
    )
    builder.top(p.PUMP, accounts, p.CREATE_V2 + words + creator + b"\x00\x00")
    create = b"\x00\x00\x00\x00"
    token, inner = p.TOKEN_2022, builder.inner
    inner(p.SYSTEM, (creator, mint.key), create + _U64X2(MINT_RENT, 234) + token)
    inner(token, (mint.key,), b"\x27\x00" + bytes(32) + mint.key)
    inner(token, (mint.key,), b"\x14\x06" + p.PUMP_MINTS + b"\x00")
    inner(p.SYSTEM, (creator, pool.key), create + _U64X2(CURVE_RENT, 83) + p.PUMP)
    inner(p.ATA, (creator, vault.key, pool.key, mint.key, p.SYSTEM, token), b"\x00")
    inner(token, (mint.key,), b"\x15\x07\x00", 3)
    inner(p.SYSTEM, (creator, vault.key), create + _U64X2(mint.rent, 170) + token, 3)
    inner(token, (vault.key,), b"\x16", 3)
    inner(token, (vault.key, mint.key), b"\x12" + pool.key, 3)
    top_up = rng.randrange(RENT_TOP_UP_MIN, RENT_TOP_UP_MAX)
    inner(p.SYSTEM, (creator, mint.key), _TRANSFER + _U64(top_up))
    named_in_mint = bytes.fromhex("d2e11ea258b84d8d") + words
    inner(token, (mint.key, p.PUMP_MINTS, mint.key, p.PUMP_MINTS), named_in_mint)
    inner(token, (mint.key, vault.key, p.PUMP_MINTS), b"\x07" + _U64(CURVE_SUPPLY))
    inner(token, (mint.key, p.PUMP_MINTS), b"\x06\x00\x00")
    body = b"".join(
        (
            p.PUMP_CREATE_EVENT + words + mint.key + pool.key + creator + creator,
            struct.pack("<q", EVENT_TIME_S),
            struct.pack("<4Q", pool.base_reserve, pool.quote_reserve, CURVE_SELLABLE, CURVE_SUPPLY),
            token + b"\x00\x00",
        )
    )
    inner(p.PUMP, (p.PUMP_EVENTS,), p.EVENT_TAG + body)
    builder.log(wire.fresh_log("Program data: " + base64.b64encode(body).decode()))
    builder.log(_DONE)
    for target, lamports in (
        (mint.key, MINT_RENT + top_up),
        (pool.key, CURVE_RENT),
        (vault.key, mint.rent),
    ):
        builder.move_sol(creator, target, lamports)
    builder.open(vault)
    builder.issue(vault, CURVE_SUPPLY)
    builder.compute_units += 110_000


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(4, "little") + raw
