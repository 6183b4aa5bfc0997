"""The state of every token that trades: windows, prices, facts. A fold over closed slots.

Every piece has a horizon of at most two hours of event time: folding those alone gives the
same state as folding everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from pw_common.messages import Swap, TokenCreated
from pw_detection.assembly import ClosedSlot
from pw_detection.prices import LAMPORTS_PER_SOL, SolPrice, weighted_median
from pw_detection.windows import FIVE_MINUTES, HOUR, SPANS, Bought, Span, Trade, Window

SOL_MINT: Final = "So11111111111111111111111111111111111111112"
# A wallet is fresh when the stream saw no trade of it for this long.
FRESH_AFTER_MS: Final = 3_600_000
# A token's price is read from its newest valued trades within five minutes.
PRICE_TRADES: Final = 21
# Creation facts are known for this long: a restart folds no more than that again.
FACTS_MS: Final = 7_200_000
# Where a token trades is known for this long after a trade that named it.
VENUES_MS: Final = 3_600_000


class Token:
    """One token's windows and facts."""

    def __init__(self, mint: str) -> None:
        self.mint = mint
        self.windows = {span.name: Window(span) for span in SPANS}
        self.decimals: int | None = None
        self.venues: tuple[str, ...] = ()
        self.last_trade_ms = 0
        self._named_ms = 0

    def named(self, venues: tuple[str, ...], event_time_ms: int) -> None:
        """A trade named where it was done; one that does not says nothing."""
        if venues:
            self.venues, self._named_ms = venues, event_time_ms

    def forget_venues(self, event_time_ms: int) -> None:
        """What was named too long ago is unknown by now."""
        if event_time_ms - self._named_ms >= VENUES_MS:
            self.venues = ()

    def price(self) -> Fraction | None:
        """Lamports for one raw unit: the weighted median of its newest valued trades."""
        newest = list(self.windows[FIVE_MINUTES.name].trades)[-PRICE_TRADES:]
        return weighted_median([(trade.lamports or 0, trade.base_raw) for trade in newest])

    def first_price(self, span: Span) -> Fraction | None:
        """Lamports for one raw unit in the first valued trade of a window."""
        for trade in self.windows[span.name].trades:
            if trade.lamports and trade.base_raw:
                return Fraction(trade.lamports, trade.base_raw)
        return None

    def price_sol(self) -> float | None:
        """SOL for one whole token."""
        price = self.price()
        if price is None or self.decimals is None:
            return None
        return float(price * 10**self.decimals / LAMPORTS_PER_SOL)

    def top_buyers(self, count: int) -> list[tuple[str, Bought]]:
        """The largest buyers of five minutes, by what they paid, then by address."""
        buyers = self.windows[FIVE_MINUTES.name].buyers.items()
        return sorted(buyers, key=lambda one: (-one[1].lamports, one[0]))[:count]

    def evidence(self, count: int) -> list[str]:
        """Signatures of the largest purchases of five minutes, in the order of time."""
        trades = [trade for trade in self.windows[FIVE_MINUTES.name].trades if trade.buy]
        largest = sorted(trades, key=lambda one: (-(one.lamports or 0), one.signature))[:count]
        largest.sort(key=lambda one: (one.event_time_ms, one.signature))
        return list(dict.fromkeys(trade.signature for trade in largest))


class Market:
    """All tokens. `muted_wallets` (infrastructure, by choice) are left out of the windows."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.facts: dict[str, TokenCreated] = {}
        self.muted_wallets: frozenset[str] = frozenset()
        self.event_time_ms = 0
        self.covered_since_ms = 0
        # What a restart folds first is no beginning: all since this was there, 0 if unknown.
        self.restarts_at_ms = 0
        self.sol = SolPrice()
        self._created_ms: dict[str, int] = {}
        # Wallet -> its last trade, in the order of it, for an hour.
        self._last_trade: dict[str, int] = {}

    def reset(self) -> None:
        """A discontinuity: nothing before it says anything about what follows."""
        self.tokens.clear()
        self.facts.clear()
        self.sol = SolPrice()
        self._created_ms.clear()
        self._last_trade.clear()

    def fold(self, closed: ClosedSlot) -> frozenset[str]:
        """Take a closed slot; returns the mints that traded in it."""
        if closed.reset:
            self.reset()
            since_ms, self.restarts_at_ms = self.restarts_at_ms, 0
            self.covered_since_ms = since_ms or closed.event_time_ms
        self.event_time_ms = closed.event_time_ms
        for created in closed.tokens:
            self._create(created, closed.event_time_ms)
        touched = {swap.mint for swap in closed.swaps if self._trade(swap, closed.event_time_ms)}
        self.sol.close_slot(closed.quotes, closed.event_time_ms)
        self._forget()
        return frozenset(touched)

    def amend(self, filled: ClosedSlot) -> None:
        """Count what a gap had hidden: trades within the windows, and tokens made meanwhile."""
        for created in filled.tokens:
            if created.mint not in self.facts:
                self._create(created, filled.event_time_ms)
        for swap in filled.swaps:
            if swap.trader not in self.muted_wallets:
                self._insert(swap, filled.event_time_ms)

    def _insert(self, swap: Swap, event_time_ms: int) -> None:
        token = self.tokens.get(swap.mint)
        if token is None:
            token = self.tokens[swap.mint] = Token(swap.mint)
            token.decimals = swap.base_decimals
            token.named(swap.venues, event_time_ms)
        token.last_trade_ms = max(token.last_trade_ms, event_time_ms)
        # A wallet that traded since is known; whether it did before is not. One that is known
        # from over an hour before is as good as forgotten: when it goes is a matter of order.
        known_ms = self._last_trade.get(swap.trader)
        fresh = known_ms is None or event_time_ms - known_ms >= FRESH_AFTER_MS
        if known_ms is None or known_ms < event_time_ms:
            self._last_trade.pop(swap.trader, None)
            self._last_trade[swap.trader] = event_time_ms
        trade = Trade(
            event_time_ms,
            swap.trader,
            swap.side == "buy",
            self._lamports(swap),
            swap.base_amount_raw,
            fresh,
            swap.signature,
        )
        for window in token.windows.values():
            if event_time_ms >= window.span.first_ms(self.event_time_ms):
                window.insert(trade)

    def advance(self, mints: Iterable[str]) -> None:
        """Bring the windows of these tokens to the present."""
        for mint in mints:
            token = self.tokens.get(mint)
            if token is not None:
                self._advance(token)

    def _advance(self, token: Token) -> None:
        for window in token.windows.values():
            window.advance(self.event_time_ms)
        token.forget_venues(self.event_time_ms)

    def sweep(self) -> list[str]:
        """Bring all tokens to the present and drop those without a trade for an hour."""
        gone = []
        for mint, token in self.tokens.items():
            self._advance(token)
            if not token.windows[HOUR.name].trades:
                gone.append(mint)
        for mint in gone:
            del self.tokens[mint]
        return gone

    def covers(self, mint: str, span: Span) -> bool:
        """Whether a whole window of this token was seen: all its life, or all the span."""
        if mint in self._created_ms:
            return True
        return self.covered_since_ms <= span.first_ms(self.event_time_ms)

    def covers_wallets(self, span: Span) -> bool:
        """Whether the stream was seen for an hour before the window began."""
        return self.covered_since_ms <= span.first_ms(self.event_time_ms) - FRESH_AFTER_MS

    def _trade(self, swap: Swap, event_time_ms: int) -> bool:
        if swap.trader in self.muted_wallets:
            return False
        token = self.tokens.get(swap.mint)
        if token is None:
            token = self.tokens[swap.mint] = Token(swap.mint)
        token.decimals = swap.base_decimals
        token.named(swap.venues, event_time_ms)
        token.forget_venues(event_time_ms)
        token.last_trade_ms = event_time_ms
        last_ms = self._last_trade.pop(swap.trader, None)
        self._last_trade[swap.trader] = event_time_ms
        trade = Trade(
            event_time_ms,
            swap.trader,
            swap.side == "buy",
            self._lamports(swap),
            swap.base_amount_raw,
            last_ms is None or event_time_ms - last_ms >= FRESH_AFTER_MS,
            swap.signature,
        )
        for window in token.windows.values():
            window.advance(event_time_ms)
            window.add(trade)
        return True

    def _lamports(self, swap: Swap) -> int | None:
        if swap.quote_mint is None or swap.quote_amount_raw is None:
            return None
        if swap.quote_mint == SOL_MINT:
            return swap.quote_amount_raw
        return self.sol.lamports(swap.quote_amount_raw)

    def _create(self, created: TokenCreated, event_time_ms: int) -> None:
        self._created_ms.pop(created.mint, None)
        self._created_ms[created.mint] = event_time_ms
        self.facts[created.mint] = created

    def _forget(self) -> None:
        """Both maps are in the order of time, so what is too old stands first."""
        while self._last_trade:
            wallet = next(iter(self._last_trade))
            if self._last_trade[wallet] > self.event_time_ms - FRESH_AFTER_MS:
                break
            del self._last_trade[wallet]
        while self._created_ms:
            mint = next(iter(self._created_ms))
            if self._created_ms[mint] > self.event_time_ms - FACTS_MS:
                break
            del self._created_ms[mint]
            del self.facts[mint]
