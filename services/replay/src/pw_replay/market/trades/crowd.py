"""The organic market: many traders, many tokens, both sides, log-normal sizes."""

from __future__ import annotations

from random import Random

from pw_replay.market.pools import (
    LAMPORTS,
    Pool,
    Venue,
    amm,
    default_quote_reserve,
    pump_curve,
)
from pw_replay.market.trades import plain
from pw_replay.market.trades.trades import Order, Truth, trade
from pw_replay.market.wire.ledger import USDC, WSOL, Ledger, Mint, wallet_key
from pw_replay.market.wire.transaction_builder import TransactionBuilder

TRADERS = 3_000
VALIDATORS = 200
_FAILURE_SHARE = 0.08
_EXCHANGE_LAMPORTS = 10**16


class Crowd:
    """Everybody who is not part of a campaign."""

    def __init__(self, rng: Random, ledger: Ledger, pools: list[Pool] | None = None) -> None:
        self.rng = rng
        self.ledger = ledger
        self.pools = open_pools(ledger) if pools is None else pools
        self.failure_share = _FAILURE_SHARE
        self._holders: list[list[bytes]] = [[] for _ in self.pools]
        self._doubles = _doubles(self.pools)
        self._deposits = [pool for pool in self.pools if pool.lp_mint is not None]
        self._exchanges = [ledger.wallet(f"exchange/{n}", _EXCHANGE_LAMPORTS) for n in range(4)]
        self._bots = [ledger.wallet(f"bot/{n}", 100 * LAMPORTS) for n in range(6)]
        self._payers = [ledger.wallet(f"payer/{n}", 10**14) for n in range(4)]
        self._traders: dict[int, bytes] = {}
        self._fresh = 0
        self._last_fresh = b""

    def vote(self, slot: int, blockhash: bytes) -> TransactionBuilder:
        """A validator's vote."""
        return plain.vote(self.ledger, self.rng.randrange(VALIDATORS), slot, blockhash)

    def act(self) -> tuple[TransactionBuilder, Truth | None]:
        """One transaction that somebody sends: mostly a trade."""
        kind = self.rng.random()
        if kind < 0.82:
            return self._trade()
        if kind < 0.96:
            return self._transfer(), None
        if kind < 0.985:
            return self._arbitrage(), None
        provider = self.rng.choice(self._bots)
        pool = self.rng.choice(self._deposits)
        return plain.add_liquidity(self.rng, self.ledger, provider, pool, 0.0005), None

    def _trader(self) -> bytes:
        number = self.rng.randrange(TRADERS)
        known = self._traders.get(number)
        if known is None:
            lamports = int(self.rng.lognormvariate(3.0, 1.0) * LAMPORTS)
            known = self.ledger.wallet(f"trader/{number}", lamports)
            self._traders[number] = known
        return known

    def _trade(self) -> tuple[TransactionBuilder, Truth | None]:
        rng = self.rng
        # Squaring favours the first pools: a few tokens get most of the trades.
        number = int(len(self.pools) * rng.random() ** 2)
        pool = self.pools[number]
        holders = self._holders[number]
        fails = rng.random() < self.failure_share
        wants_sell = rng.random() < min(0.9, 0.46 * pool.heat)
        if holders and wants_sell:
            return self._sell(pool, holders, fails)
        trader = self._trader()
        size = min(rng.lognormvariate(-1.2, 1.1), 20.0)
        amount = max(1_000_000, int(size * LAMPORTS))
        if self.ledger.balance(trader) < amount + 50_000_000:
            return self._refill(trader), None
        if pool.quote is USDC:
            amount = amount * 3 // 20
            cash = self.ledger.associated(trader, USDC)
            if not cash.exists:
                self.ledger.endow(cash, int(rng.lognormvariate(7.0, 1.0) * 1_000_000))
            if cash.amount < amount:
                return self._transfer(), None
        base, _ = pool.buy(amount)
        if base > pool.sellable:
            if holders:
                return self._sell(pool, holders, fails)
            return self._transfer(), None
        if not fails and not self.ledger.associated(trader, pool.mint).amount:
            holders.append(trader)
        return self._send(pool, trader, True, amount, fails)

    def _sell(
        self, pool: Pool, holders: list[bytes], fails: bool
    ) -> tuple[TransactionBuilder, Truth | None]:
        at = self.rng.randrange(len(holders))
        trader = holders[at]
        held = self.ledger.associated(trader, pool.mint).amount
        all_of_it = self.rng.random() < 0.5
        amount = held if all_of_it else max(1, int(held * self.rng.uniform(0.2, 0.9)))
        if amount == 0 or pool.sell(amount)[0] <= 0:
            holders[at] = holders[-1]
            holders.pop()
            return self._transfer(), None
        if self.ledger.balance(trader) < 20_000_000:
            return self._refill(trader), None
        if amount == held and not fails:
            holders[at] = holders[-1]
            holders.pop()
        return self._send(pool, trader, False, amount, fails)

    def _send(
        self, pool: Pool, trader: bytes, buy: bool, amount: int, fails: bool
    ) -> tuple[TransactionBuilder, Truth | None]:
        rng = self.rng
        routed = pool.venue is not Venue.PUMP and rng.random() < 0.35
        order = Order(
            trader,
            pool,
            buy,
            amount,
            routed=routed,
            table=routed or rng.random() < 0.15,
            tip_lamports=rng.randrange(10_000, 2_000_000) if rng.random() < 0.25 else 0,
            fee_payer=rng.choice(self._payers) if rng.random() < 0.03 else None,
            fails=fails,
        )
        return trade(rng, self.ledger, order)

    def _refill(self, trader: bytes) -> TransactionBuilder:
        lamports = int(self.rng.lognormvariate(2.5, 0.8) * LAMPORTS)
        return plain.transfer(
            self.rng, self.ledger, self.rng.choice(self._exchanges), trader, lamports
        )

    def _transfer(self) -> TransactionBuilder:
        rng = self.rng
        if rng.random() < 0.3:
            # A wallet that nobody has seen before and that never comes again, so the
            # ledger forgets it when the next one appears.
            self.ledger.lamports.pop(self._last_fresh, None)
            self._fresh += 1
            fresh = wallet_key(self.ledger.seed, f"fresh/{self._fresh}")
            self._last_fresh = fresh
            self.ledger.lamports[fresh] = 0
            lamports = int(rng.uniform(0.05, 3.0) * LAMPORTS)
            return plain.transfer(rng, self.ledger, rng.choice(self._exchanges), fresh, lamports)
        source, target = self._trader(), self._trader()
        lamports = int(rng.lognormvariate(-2.0, 1.0) * LAMPORTS)
        if source == target or self.ledger.balance(source) < lamports + 10_000_000:
            return self._refill(target)
        fails = rng.random() < self.failure_share
        return plain.transfer(rng, self.ledger, source, target, lamports, fails=fails)

    def _arbitrage(self) -> TransactionBuilder:
        one, other = self.rng.choice(self._doubles)
        one_is_cheaper = one.quote_reserve * other.base_reserve <= (
            other.quote_reserve * one.base_reserve
        )
        first, second = (one, other) if one_is_cheaper else (other, one)
        lamports = int(self.rng.uniform(0.2, 2.0) * LAMPORTS)
        bot = self.rng.choice(self._bots)
        cash = self.ledger.associated(bot, WSOL)
        if cash.exists and cash.amount < lamports:
            return self._refill(bot)
        return plain.arbitrage(self.rng, self.ledger, bot, first, second, lamports)


def open_pools(ledger: Ledger) -> list[Pool]:
    """The pools that every market opens with."""
    pools: list[Pool] = []
    for number in range(60):
        mint = Mint.of(wallet_key(ledger.seed, f"mint/{number}"), 6)
        turn = number % 10
        if turn in (0, 3, 6, 9):
            pools.append(pump_curve(ledger, mint, (number % 7) * 4 * LAMPORTS))
        elif turn in (1, 7):
            pools.append(amm(ledger, Venue.PUMP_AMM, mint, WSOL, 150 * LAMPORTS))
        elif turn in (2, 5):
            quote = USDC if number % 20 == 5 else WSOL
            reserve = default_quote_reserve(quote, 400)
            pools.append(amm(ledger, Venue.RAYDIUM_V4, mint, quote, reserve))
        else:
            quote = USDC if number % 20 == 4 else WSOL
            reserve = default_quote_reserve(quote, 250)
            pools.append(amm(ledger, Venue.RAYDIUM_CPMM, mint, quote, reserve))
            if turn == 8:
                pools.append(amm(ledger, Venue.RAYDIUM_V4, mint, quote, reserve))
    return pools


def _doubles(pools: list[Pool]) -> list[tuple[Pool, Pool]]:
    """Pairs of pools of one token against SOL: where arbitrage is possible."""
    found: dict[str, Pool] = {}
    pairs: list[tuple[Pool, Pool]] = []
    for pool in pools:
        if pool.quote is WSOL and pool.mint.address in found:
            pairs.append((found[pool.mint.address], pool))
        found.setdefault(pool.mint.address, pool)
    return pairs
