"""Pools: constant product with a fee, and the accounts that each venue gives them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from pw_replay.market.wire import programs as p
from pw_replay.market.wire.ledger import USDC, WSOL, Ledger, Mint, TokenAccount, address_of

# pump.fun's published starting curve: virtual 30 SOL against 1,073 million tokens,
# of which 793.1 million can be sold.
CURVE_QUOTE = 30_000_000_000
CURVE_BASE = 1_073_000_000_000_000
CURVE_SUPPLY = 1_000_000_000_000_000
CURVE_SELLABLE = 793_100_000_000_000
LAMPORTS = 1_000_000_000


class Venue(Enum):
    """Where a pool trades."""

    PUMP = "pump"
    PUMP_AMM = "pump_amm"
    RAYDIUM_V4 = "raydium_v4"
    RAYDIUM_CPMM = "raydium_cpmm"
    UNLISTED = f"unlisted:{p.UNLISTED_ADDRESS}"


PROGRAM_OF = {
    Venue.PUMP: p.PUMP,
    Venue.PUMP_AMM: p.PUMP_AMM,
    Venue.RAYDIUM_V4: p.RAYDIUM_V4,
    Venue.RAYDIUM_CPMM: p.RAYDIUM_CPMM,
    Venue.UNLISTED: p.UNLISTED,
}


@dataclass(slots=True, eq=False)
class Pool:
    """A market of one token against one quote.

    `base_reserve` and `quote_reserve` decide the price (virtual ones on a bonding
    curve). `writable` and `readonly` are the accounts a swap names, vaults included.
    """

    venue: Venue
    mint: Mint
    quote: Mint
    key: bytes
    authority: bytes
    base_vault: TokenAccount
    quote_vault: TokenAccount | None
    base_reserve: int
    quote_reserve: int
    start_quote: int
    writable: tuple[bytes, ...]
    readonly: tuple[bytes, ...]
    table: bytes
    market: tuple[bytes, ...] = ()
    lp_mint: Mint | None = None

    @property
    def sellable(self) -> int:
        """Raw base units that the pool can still pay out."""
        if self.venue is Venue.PUMP:
            return self.base_vault.amount - (CURVE_SUPPLY - CURVE_SELLABLE)
        return self.base_reserve // 2

    @property
    def heat(self) -> float:
        """The quote reserve relative to its start: above 1 after net buying."""
        return self.quote_reserve / self.start_quote

    def buy(self, quote_in: int) -> tuple[int, int]:
        """Base out and venue fee (quote, inside `quote_in`) for an exact quote in."""
        fee = self._fee(quote_in)
        net = quote_in - fee
        return self.base_reserve * net // (self.quote_reserve + net), fee

    def sell(self, base_in: int) -> tuple[int, int]:
        """Quote out (net of fee) and fee for an exact base in."""
        gross = self.quote_reserve * base_in // (self.base_reserve + base_in)
        fee = self._fee(gross)
        return gross - fee, fee

    def _fee(self, quote: int) -> int:
        return quote // 100 if self.venue is Venue.PUMP else -(-quote // 400)

    def protocol_share(self, fee: int) -> int:
        """The part of a fee that leaves the pool for the protocol's account."""
        if self.venue is Venue.PUMP:
            return fee
        return fee // 5 if self.venue is Venue.PUMP_AMM else 0

    def settle(self, base_change: int, quote_change: int) -> None:
        """Apply a trade to the reserves."""
        self.base_reserve += base_change
        self.quote_reserve += quote_change


def named(seed: int, name: str) -> bytes:
    """An account that is only mentioned, never read: 32 bytes that the seed decides."""
    return hashlib.sha256(f"{seed}/account/{name}".encode()).digest()


def pump_curve(ledger: Ledger, mint: Mint, progress_lamports: int = 0) -> Pool:
    """A bonding curve, optionally with SOL already in it."""
    key = p.pda(p.PUMP, b"bonding-curve", mint.key)
    product = CURVE_QUOTE * CURVE_BASE
    quote = CURVE_QUOTE + progress_lamports
    base = product // quote
    vault = ledger.associated(key, mint)
    ledger.endow(vault, CURVE_SUPPLY - (CURVE_BASE - base))
    ledger.lamports[key] = 1_231_920 + progress_lamports
    return Pool(
        Venue.PUMP,
        mint,
        WSOL,
        key,
        key,
        vault,
        None,
        base,
        quote,
        max(quote, 45 * LAMPORTS),
        writable=(p.PUMP_FEES, key, vault.key),
        readonly=(p.PUMP_GLOBAL, mint.key, p.SYSTEM, mint.program, p.PUMP_EVENTS, p.PUMP),
        table=named(ledger.seed, f"table/{mint.address}"),
    )


class _Layout(NamedTuple):
    """The accounts of a pool, as its program wants them."""

    authority: bytes
    base_vault: TokenAccount
    quote_vault: TokenAccount
    writable: tuple[bytes, ...]
    readonly: tuple[bytes, ...]
    market: tuple[bytes, ...] = ()
    lp_mint: Mint | None = None


def amm(
    ledger: Ledger,
    venue: Venue,
    mint: Mint,
    quote: Mint,
    quote_reserve: int,
    tokens: int = 100_000_000,
) -> Pool:
    """A pool of 100 million tokens (or another number) against `quote_reserve` raw units."""
    base_reserve = tokens * 10**mint.decimals
    key = p.pda(PROGRAM_OF[venue], b"pool", mint.key, quote.key)
    lay_out = {Venue.PUMP_AMM: _pump_amm, Venue.UNLISTED: _unlisted}.get(venue, _raydium)
    layout = lay_out(ledger, venue, key, mint, quote)
    ledger.endow(layout.base_vault, base_reserve)
    ledger.endow(layout.quote_vault, quote_reserve)
    return Pool(
        venue,
        mint,
        quote,
        key,
        layout.authority,
        layout.base_vault,
        layout.quote_vault,
        base_reserve,
        quote_reserve,
        quote_reserve,
        layout.writable,
        layout.readonly,
        table=named(ledger.seed, f"table/{mint.address}"),
        market=layout.market,
        lp_mint=layout.lp_mint,
    )


def _pump_amm(ledger: Ledger, _venue: Venue, key: bytes, mint: Mint, quote: Mint) -> _Layout:
    base_vault, quote_vault = ledger.associated(key, mint), ledger.associated(key, quote)
    fees = ledger.associated(p.PUMP_AMM_FEES, quote)
    if not fees.exists:
        ledger.endow(fees, 4_000 * LAMPORTS)
    readonly = (
        *(p.PUMP_AMM_GLOBAL, mint.key, quote.key, p.PUMP_AMM_FEES, p.TOKEN, p.SYSTEM),
        *(p.ATA, p.PUMP_AMM_EVENTS, p.PUMP_AMM),
    )
    writable = (key, base_vault.key, quote_vault.key, fees.key)
    return _Layout(key, base_vault, quote_vault, writable, readonly)


def _unlisted(ledger: Ledger, venue: Venue, key: bytes, mint: Mint, quote: Mint) -> _Layout:
    program = PROGRAM_OF[venue]
    base_vault = ledger.account(p.pda(program, b"vault", key, mint.key), mint, key)
    quote_vault = ledger.account(p.pda(program, b"vault", key, quote.key), quote, key)
    writable = (key, base_vault.key, quote_vault.key)
    return _Layout(key, base_vault, quote_vault, writable, (p.TOKEN, p.UNLISTED))


def _raydium(ledger: Ledger, venue: Venue, key: bytes, mint: Mint, quote: Mint) -> _Layout:
    program = PROGRAM_OF[venue]
    is_v4 = venue is Venue.RAYDIUM_V4
    authority = p.RAYDIUM_V4_AUTHORITY if is_v4 else p.RAYDIUM_CPMM_AUTHORITY
    vault_keys = [p.pda(program, b"pool_vault", key, one.key) for one in (mint, quote)]
    base_vault = ledger.account(vault_keys[0], mint, authority)
    quote_vault = ledger.account(vault_keys[1], quote, authority)
    names = [f"{mint.address}/{address_of(key)}/{n}" for n in range(10)]
    market = tuple(named(ledger.seed, name) for name in names)
    writable: tuple[bytes, ...]
    readonly: tuple[bytes, ...]
    if is_v4:
        writable = (key, *market[:2], base_vault.key, quote_vault.key, *market[2:8])
        readonly = (authority, market[8], p.OPENBOOK, p.TOKEN, p.RAYDIUM_V4)
        return _Layout(authority, base_vault, quote_vault, writable, readonly, market)
    lp_mint = Mint.of(p.pda(program, b"pool_lp_mint", key), 9)
    readonly = (authority, market[1], mint.key, quote.key, p.TOKEN, p.RAYDIUM_CPMM)
    writable = (key, base_vault.key, quote_vault.key, market[0])
    return _Layout(authority, base_vault, quote_vault, writable, readonly, market, lp_mint)


def default_quote_reserve(quote: Mint, sol: int) -> int:
    """Raw quote units worth `sol` SOL, at a round 150 USDC per SOL."""
    return sol * 150_000_000 if quote is USDC else sol * LAMPORTS
