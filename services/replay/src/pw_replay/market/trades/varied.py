"""The varied crowd: what a block of 2026 holds, with every layout that a parser meets there."""

from __future__ import annotations

from random import Random

from pw_replay.market.names import coin_name
from pw_replay.market.pools import LAMPORTS, Pool, Venue, amm, default_quote_reserve, pump_curve
from pw_replay.market.trades import modern, plain, pump_v2, rfq
from pw_replay.market.trades.crowd import Crowd, open_pools
from pw_replay.market.trades.modern import Bot, Way
from pw_replay.market.trades.trades import Order, Truth
from pw_replay.market.wire import programs as p
from pw_replay.market.wire.ledger import USDC, WSOL, Ledger, Mint, wallet_key
from pw_replay.market.wire.transaction_builder import TransactionBuilder

# Launched coins that are still traded; the next replaces the oldest.
LAUNCHES_TRADED = 60
# A lamport's share of a raw unit of USDC at a round 150 USDC per SOL.
_LAMPORTS_PER_USDC = 7
_MARGIN_LAMPORTS = 60_000_000
_LOW_LAMPORTS = 5_000_000


class VariedCrowd(Crowd):
    """Everybody who is not part of a campaign; `failures` is the share of what fails."""

    def __init__(self, rng: Random, ledger: Ledger, failures: float) -> None:
        super().__init__(rng, ledger, [*open_pools(ledger), *_more_pools(ledger)])
        self.failure_share = 0.0
        self._failures = failures
        self._fixed = len(self.pools)
        self._launched = 0
        sol_pool = amm(ledger, Venue.RAYDIUM_CPMM, WSOL, USDC, 3_000_000_000_000, 20_000)
        self._sol_pool = sol_pool
        self._makers = [ledger.wallet(f"maker/{n}", 10**14) for n in range(3)]
        self._fee_bots = tuple(
            Bot(program, ledger.wallet(f"bot-fees/{n}", LAMPORTS))
            for n, program in enumerate((p.PHOTON, p.UNLISTED_BOT))
        )

    def act(self) -> tuple[TransactionBuilder, Truth | None]:
        """One transaction that somebody sends; as many fail as was asked for."""
        if self.rng.random() < self._failures:
            return self._failing(), None
        kind = self.rng.random()
        if kind < 0.70:
            return self._trade()
        if kind < 0.75:
            return self._sol_price()
        if kind < 0.78:
            return self._fill()
        if kind < 0.786:
            return self._launch()
        if kind < 0.93:
            return self._transfer(), None
        if kind < 0.985:
            return self._arbitrage(), None
        pool = self.rng.choice(self._deposits)
        return plain.add_liquidity(
            self.rng, self.ledger, self.rng.choice(self._bots), pool, 0.0005
        ), None

    def _send(
        self, pool: Pool, trader: bytes, buy: bool, amount: int, fails: bool
    ) -> tuple[TransactionBuilder, Truth | None]:
        rng = self.rng
        bot = rng.choice(self._fee_bots) if rng.random() < 0.3 else None
        quote = amount if buy else pool.sell(amount)[0]
        lamports = quote if pool.quote is WSOL else quote * _LAMPORTS_PER_USDC
        spent = amount if buy and pool.quote is WSOL else 0
        if self.ledger.balance(trader) < spent + lamports // 50 + _MARGIN_LAMPORTS and not fails:
            bot = None
        on_curve = pool.venue is Venue.PUMP
        v2 = on_curve and (pool.mint.program == p.TOKEN_2022 or rng.random() < 0.3)
        routed = not on_curve and bot is None and rng.random() < 0.35
        order = Order(
            trader,
            pool,
            buy,
            amount,
            routed=routed,
            # Twenty-seven accounts do not fit without a table.
            table=v2 or routed or bot is not None or rng.random() < 0.15,
            tip_lamports=rng.randrange(10_000, 2_000_000) if rng.random() < 0.25 else 0,
            fee_payer=rng.choice(self._payers) if rng.random() < 0.03 else None,
            fails=fails,
        )
        return modern.trade(rng, self.ledger, order, Way(v2, rng.random() < 0.5, bot))

    def _failing(self) -> TransactionBuilder:
        """What most failures are: a purchase that came too late for its price."""
        rng = self.rng
        pool = self.pools[int(len(self.pools) * rng.random() ** 2)]
        trader = self._trader()
        if self.ledger.balance(trader) < _LOW_LAMPORTS:
            trader = rng.choice(self._exchanges)
        amount = max(1_000_000, int(rng.lognormvariate(-1.2, 1.1) * LAMPORTS))
        if pool.quote is USDC:
            amount //= _LAMPORTS_PER_USDC
            # Its account is there before the market opens, or never.
            self._has_cash(trader, amount)
        builder, _ = self._send(pool, trader, True, amount, True)
        return builder

    def _sol_price(self) -> tuple[TransactionBuilder, Truth | None]:
        """SOL against dollars, which is what gives SOL its price."""
        rng, pool = self.rng, self._sol_pool
        trader = self._trader()
        buy = rng.random() < 0.5
        lamports = max(10_000_000, int(min(rng.lognormvariate(0.0, 1.2), 50.0) * LAMPORTS))
        if not buy and self.ledger.balance(trader) < lamports + _MARGIN_LAMPORTS:
            return self._refill(trader), None
        amount = lamports * 3 // 20 if buy else lamports
        if buy and not self._has_cash(trader, amount):
            return self._transfer(), None
        if self.ledger.balance(trader) < _MARGIN_LAMPORTS:
            return self._refill(trader), None
        order = Order(trader, pool, buy, amount, table=rng.random() < 0.3)
        return modern.trade(rng, self.ledger, order, Way())

    def _has_cash(self, trader: bytes, amount: int) -> bool:
        cash = self.ledger.associated(trader, USDC)
        if not cash.exists:
            self.ledger.endow(cash, int(self.rng.lognormvariate(7.0, 1.0) * 1_000_000))
        return cash.amount >= amount

    def _fill(self) -> tuple[TransactionBuilder, Truth | None]:
        rng, ledger = self.rng, self.ledger
        number = rng.randrange(self._fixed)
        pool, holders = self.pools[number], self._holders[number]
        maker = rng.choice(self._makers)
        if pool.mint.program != p.TOKEN or not holders:
            return self._transfer(), None
        for mint in (pool.mint, pool.quote):
            stock = ledger.associated(maker, mint)
            if not stock.exists:
                ledger.endow(stock, 10**15)
        taker = rng.choice(holders)
        buy = pool.quote is USDC and rng.random() < 0.5
        if buy:
            amount = int(rng.uniform(5, 500) * 1_000_000)
            able = self._has_cash(taker, amount)
        else:
            amount = ledger.associated(taker, pool.mint).amount // 3
            able = amount > 0 and pool.sell(amount)[0] > 0
        if not able or ledger.balance(taker) < _LOW_LAMPORTS:
            return self._transfer(), None
        return rfq.fill(rng, ledger, Order(taker, pool, buy, amount), maker)

    def _launch(self) -> tuple[TransactionBuilder, Truth | None]:
        rng = self.rng
        creator = self._trader()
        lamports = 0 if rng.random() < 0.3 else int(rng.uniform(0.1, 2.0) * LAMPORTS)
        if self.ledger.balance(creator) < lamports + _MARGIN_LAMPORTS:
            return self._refill(creator), None
        key = wallet_key(self.ledger.seed, f"launch/{self._launched}")
        pool = pump_v2.launch_curve(self.ledger, Mint.of(key, 6, p.TOKEN_2022))
        place = self._fixed + self._launched % LAUNCHES_TRADED
        self._launched += 1
        if place == len(self.pools):
            self.pools.append(pool)
            self._holders.append([])
        self.pools[place] = pool
        self._holders[place] = [creator] if lamports else []
        return modern.launch(rng, self.ledger, pool, creator, coin_name(rng), lamports)


def _more_pools(ledger: Ledger) -> list[Pool]:
    """Coins of the second generation, and pools of a venue that no table lists."""
    pools: list[Pool] = []
    for number in range(24):
        key = wallet_key(ledger.seed, f"modern/{number}")
        if number % 3 == 2:
            quote = USDC if number % 6 == 5 else WSOL
            reserve = default_quote_reserve(quote, 300)
            pools.append(amm(ledger, Venue.UNLISTED, Mint.of(key, 6), quote, reserve))
        else:
            coin = Mint.of(key, 6, p.TOKEN_2022)
            pools.append(pump_curve(ledger, coin, (number % 5) * 6 * LAMPORTS))
    return pools
