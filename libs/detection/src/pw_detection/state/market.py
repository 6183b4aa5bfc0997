"""The state of every token that trades: windows, prices, facts. A fold over closed slots.

Every piece has a horizon of at most two hours of event time: folding those alone gives the
same state as folding everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import Swap, TokenCreated
from pw_detection.state.prices import SolPrice
from pw_detection.state.token import FIVE_STEP_MS, VENUES_MS, Token
from pw_detection.state.wallets import MINUTE_MS, Wallets
from pw_detection.state.windows import BUY, FIVE_MINUTES, FRESH, HOUR, SPANS, VALUED, Span

__all__ = ["FACTS_MS", "FRESH_AFTER_MS", "SOL_MINT", "VENUES_MS", "Market", "Token"]

SOL_MINT: Final = "So11111111111111111111111111111111111111112"
# A wallet is fresh when the stream saw no trade of it for this long.
FRESH_AFTER_MS: Final = 3_600_000
# Creation facts are known for this long: a restart folds no more than that again.
FACTS_MS: Final = 7_200_000
NEVER: Final = 2**63 - 1
# What each takes, its share of what is kept ready included: `bench/bench_detector_hours.py`.
TRADE_BYTES: Final = 100
# Its signature, which repeats are known by too.
RECENT_BYTES: Final = 300
WALLET_BYTES: Final = 240
TOKEN_BYTES: Final = 1_600
FACTS_BYTES: Final = 1_000
FIVE_MINUTES_MS: Final = FIVE_MINUTES.length_ms


class Market:
    """All tokens. `muted_wallets` (infrastructure, by choice) are left out of the windows."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.wallets = Wallets()
        self.facts: dict[str, TokenCreated] = {}
        self.muted_wallets: frozenset[str] = frozenset()
        self.event_time_ms = 0
        self.covered_since_ms = 0
        # Source -> the filter by which its slots are seen, and since when all are seen alike.
        self._filters: dict[str, str] = {}
        self.alike_since_ms = 0
        # Slots with missing blocks before them -> when; and the newest of these times.
        self._broken: dict[int, int] = {}
        self.broken_ms = 0
        # What a restart folds first is not a beginning: all since this was there, 0 if unknown.
        self.restarts_at_ms = 0
        # How many trades the hours and the five minutes hold, and how much all may take.
        self.trades = 0
        self.recent = 0
        self.bytes_max = NEVER
        # What is held beside the market and within the same limit.
        self.beside_bytes = 0
        # Beyond it, what is older than this was dropped; 0 while nothing is.
        self.cut_ms = 0
        self.restarts_cut_ms = 0
        self.cut_trades = 0
        self.cut_tokens = 0
        # Trades before this will be in no window when evaluation goes on: a restart says so.
        self.windows_from_ms = 0
        # While nothing is evaluated, windows are counted once at the end: `settle`.
        self.defers = False
        self.sol = SolPrice()
        self._created_ms: dict[str, int] = {}
        # Minute -> tokens of which something may fall out then.
        self._due: dict[int, list[Token]] = {}

    def reset(self) -> None:
        """A discontinuity: nothing before it says anything about what follows."""
        self.tokens.clear()
        self.wallets = Wallets()
        self.facts.clear()
        self.sol = SolPrice()
        self._created_ms.clear()
        self._due.clear()
        self.trades = self.recent = self.cut_ms = self.alike_since_ms = self.broken_ms = 0
        self._filters.clear()
        self._broken.clear()

    def fold(self, closed: ClosedSlot) -> frozenset[str]:
        """Take a closed slot; returns the mints that traded in it."""
        if closed.reset:
            self.reset()
            since_ms, self.restarts_at_ms = self.restarts_at_ms, 0
            self.cut_ms, self.restarts_cut_ms = self.restarts_cut_ms, 0
            self.covered_since_ms = max(since_ms or closed.event_time_ms, self.cut_ms)
        self.event_time_ms = closed.event_time_ms
        self._note_filters(closed)
        if closed.is_broken:
            self._broken[closed.slot] = self.broken_ms = closed.event_time_ms
        for created in closed.tokens:
            self._create(created, closed.event_time_ms)
        touched = {swap.mint for swap in closed.swaps if self._trade(swap, closed.event_time_ms)}
        self.sol.close_slot(closed.quotes, closed.event_time_ms)
        self._forget_facts()
        if self.bytes_held > self.bytes_max:
            self._cut()
        return frozenset(touched)

    def _note_filters(self, closed: ClosedSlot) -> None:
        """Where more or less is seen than before, a window over both was not watched alike.

        What a narrower filter left out is not seen, so what seems to begin after it may not.
        """
        changed = [name for name, seen in closed.filters if self._filters.get(name, seen) != seen]
        self._filters.update(closed.filters)
        if changed:
            self.alike_since_ms = closed.event_time_ms
            self.covered_since_ms = max(self.covered_since_ms, closed.event_time_ms)

    @property
    def bytes_held(self) -> int:
        """What the state takes, from counts that every detector of this stream has."""
        return (
            TRADE_BYTES * self.trades
            + RECENT_BYTES * self.recent
            + WALLET_BYTES * len(self.wallets)
            + TOKEN_BYTES * len(self.tokens)
            + FACTS_BYTES * len(self.facts)
            + self.beside_bytes
        )

    @property
    def is_cut(self) -> bool:
        """Whether the present hour is not held whole."""
        return self.cut_ms > HOUR.first_ms(self.event_time_ms)

    def _cut(self) -> None:
        """Drop the oldest minutes until the rest fits, as if reading had begun after them.

        A token without a trade since goes whole, a busy one loses its oldest trades. Where the
        cut is depends on what is held since then and on nothing before: a restart that folds
        the horizon again finds the same.
        """
        now_ms = self.event_time_ms
        cut_ms = max(self.cut_ms, HOUR.first_ms(now_ms)) + HOUR.step_ms
        while self.bytes_held > self.bytes_max and cut_ms <= now_ms:
            self.cut_ms = cut_ms
            for token in list(self.tokens.values()):
                if token.trades.times and token.trades.times[0] < cut_ms:
                    five_ms = max(cut_ms, FIVE_MINUTES.first_ms(now_ms))
                    recent, old = token.cut(five_ms, cut_ms)
                    self.recent -= recent
                    self.trades -= old
                    self.cut_trades += old
                if not token.trades.times:
                    token.due = NEVER
                    del self.tokens[token.mint]
                    self.cut_tokens += 1
            self.wallets.forget(cut_ms)
            cut_ms += HOUR.step_ms
        self.covered_since_ms = max(self.covered_since_ms, self.cut_ms)

    def settle(self) -> None:
        """Count all trades that windows do not hold yet; nothing may read a window before."""
        if self.defers:
            self.defers = False
            for token in self.tokens.values():
                token.settle()

    def amend(self, filled: ClosedSlot) -> None:
        """Count what a gap had hidden: trades within the windows, and tokens made meanwhile."""
        self._mend(filled.mends)
        for created in filled.tokens:
            if created.mint not in self.facts:
                self._create(created, filled.event_time_ms)
        for swap in filled.swaps:
            if swap.trader not in self.muted_wallets and swap.confidence >= CONFIDENCE_MIN:
                self._insert(swap, filled.event_time_ms)

    def _mend(self, slots: Iterable[int]) -> None:
        """What was missing before these slots is there: windows over them are whole again."""
        for slot in slots:
            self._broken.pop(slot, None)
        self.broken_ms = max(self._broken.values(), default=0)

    def _insert(self, swap: Swap, event_time_ms: int) -> None:
        wallets, now_ms = self.wallets, self.event_time_ms
        if event_time_ms < self.cut_ms:
            return
        # A wallet that traded since is known; whether it did before is not. One that is known
        # from over an hour before is forgotten, whether its number is still there or not.
        number = wallets.numbers.get(swap.trader)
        last_ms = None if number is None else wallets.last_ms[number]
        fresh = last_ms is None or last_ms <= now_ms - FRESH_AFTER_MS
        if number is None:
            number = wallets.enter(swap.trader, event_time_ms)
        else:
            wallets.last_ms[number] = max(wallets.last_ms[number], event_time_ms)
        if event_time_ms < self.windows_from_ms:
            return
        token = self.tokens.get(swap.mint)
        if token is None:
            token = self.tokens[swap.mint] = Token(swap.mint, self.wallets.names)
            token.decimals = swap.base_decimals
        token.named(swap.venues, event_time_ms)
        token.last_trade_ms = max(token.last_trade_ms, event_time_ms)
        token.settle()
        self._advance(token)
        if event_time_ms >= HOUR.first_ms(now_ms):
            lamports = self._lamports(swap)
            token.insert(
                event_time_ms,
                number,
                (BUY if swap.side == "buy" else 0)
                | (0 if lamports is None else VALUED)
                | (FRESH if fresh else 0),
                lamports or 0,
                swap.base_amount_raw,
                swap.signature,
                first_five_ms=FIVE_MINUTES.first_ms(now_ms),
            )
            self.trades += 1
            self.recent += event_time_ms >= FIVE_MINUTES.first_ms(now_ms)
        self._look_again(token, self._turn(token))

    def advance(self, mints: Iterable[str]) -> None:
        """Bring the windows of these tokens to the present."""
        for mint in mints:
            token = self.tokens.get(mint)
            if token is not None:
                token.settle()
                self._advance(token)
                token.forget_venues(self.event_time_ms)

    def _advance(self, token: Token) -> None:
        recent, old = token.advance(self.event_time_ms)
        self.recent -= recent
        self.trades -= old

    def sweep(self) -> list[str]:
        """Bring all tokens to the present and drop those without a trade for an hour.

        Only those of which something may have fallen out are looked at.
        """
        now = self.event_time_ms // MINUTE_MS
        gone = []
        for minute in sorted(one for one in self._due if one <= now):
            for token in self._due.pop(minute):
                if token.due != minute:
                    continue  # It was looked at since, and is noted elsewhere.
                token.due = NEVER
                self._advance(token)
                token.rest()
                if len(token.trades):
                    self._look_again(token, max(now + 1, self._turn(token)))
                else:
                    gone.append(token.mint)
                    del self.tokens[token.mint]
        self.wallets.forget(self.event_time_ms - FRESH_AFTER_MS)
        self._forget_broken()
        return gone

    def _turn(self, token: Token) -> int:
        """The minute in which something of a token falls out; at once where it has nothing."""
        return token.leaves_ms // MINUTE_MS if len(token.trades) else 0

    def _look_again(self, token: Token, minute: int) -> None:
        if minute < token.due:
            token.due = minute
            self._due.setdefault(minute, []).append(token)

    def covers(self, mint: str, span: Span) -> bool:
        """Whether a whole window of this token was seen: all its life, or all the span."""
        created_ms = self._created_ms.get(mint)
        if created_ms is not None and created_ms >= max(self.cut_ms, self.alike_since_ms):
            return True
        return self.covered_since_ms <= span.first_ms(self.event_time_ms)

    def gapped(self, mint: str) -> tuple[str, ...]:
        """The names of the windows of this token in which blocks are missing."""
        if self._created_ms.get(mint, -1) >= self.broken_ms:
            return ()  # All its life lies after them.
        now_ms = self.event_time_ms
        return tuple(span.name for span in SPANS if self.broken_ms > span.first_ms(now_ms))

    def is_alike(self, span: Span) -> bool:
        """Whether a whole window was seen by one and the same filter."""
        return self.alike_since_ms <= span.first_ms(self.event_time_ms)

    def covers_wallets(self, span: Span) -> bool:
        """Whether the stream was seen for an hour before the window began."""
        return self.covered_since_ms <= span.first_ms(self.event_time_ms) - FRESH_AFTER_MS

    def _trade(self, swap: Swap, event_time_ms: int) -> bool:
        trader = swap.trader
        # A restart folds again what had been cut off before it.
        if trader in self.muted_wallets or event_time_ms < self.cut_ms:
            return False
        # Who traded, or whether it was a trade, is too uncertain to act on.
        if swap.confidence < CONFIDENCE_MIN:
            return False
        wallets = self.wallets
        number = wallets.numbers.get(trader)
        if number is None:
            number, marks = wallets.enter(trader, event_time_ms), FRESH
        else:
            last_ms = wallets.last_ms
            marks = FRESH if event_time_ms - last_ms[number] >= FRESH_AFTER_MS else 0
            last_ms[number] = event_time_ms
        if event_time_ms < self.windows_from_ms:
            return False
        token = self.tokens.get(swap.mint)
        if token is None:
            token = self.tokens[swap.mint] = Token(swap.mint, self.wallets.names)
        elif event_time_ms >= token.leaves_ms:
            self._advance(token)
        token.decimals, token.last_trade_ms = swap.base_decimals, event_time_ms
        if swap.venues:
            token.named(swap.venues, event_time_ms)
        elif token.venues:
            token.forget_venues(event_time_ms)
        quote = swap.quote_mint
        lamports = swap.quote_amount_raw if quote == SOL_MINT else self._lamports(swap)
        if lamports is None:
            lamports = 0
        else:
            marks |= VALUED
        if swap.side == "buy":
            marks |= BUY
        count = token.defer if self.defers else token.add
        count(event_time_ms, number, marks, lamports, swap.base_amount_raw, swap.signature)
        self.trades += 1
        self.recent += 1
        # It leaves the five minutes first.
        leaves_ms = event_time_ms - event_time_ms % FIVE_STEP_MS + FIVE_MINUTES_MS
        if leaves_ms < token.leaves_ms:
            token.leaves_ms = leaves_ms
            self._look_again(token, leaves_ms // MINUTE_MS)
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

    def _forget_broken(self) -> None:
        """Facts that no window reaches any more."""
        oldest_ms = self.event_time_ms - FACTS_MS
        self._broken = {slot: ms for slot, ms in self._broken.items() if ms > oldest_ms}

    def _forget_facts(self) -> None:
        """They are in the order of time, so what is too old stands first."""
        while self._created_ms:
            mint = next(iter(self._created_ms))
            if self._created_ms[mint] > self.event_time_ms - FACTS_MS:
                break
            del self._created_ms[mint]
            del self.facts[mint]
