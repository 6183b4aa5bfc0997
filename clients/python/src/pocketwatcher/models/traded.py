"""What was traded: swaps, and their sums by time, by token and by wallet."""

from __future__ import annotations

from decimal import Decimal

from pocketwatcher.models.decoding import Model, Raw, whole


class Swap(Model, frozen=True, kw_only=True):
    """One trade of a token (`mint`) for a quote, which is None where it is not known.

    `side` is buy or sell. `base_amount_raw` is of the token and `quote_amount_raw` of the quote,
    each in the smallest unit, of which 10^`base_decimals` and 10^`quote_decimals` are a whole one;
    `base_amount` and `quote_amount` are whole ones. `price` is whole quote for one whole token.

    `event_time_ms` is the time of its slot, in ms since 1970. `signature` names the transaction and
    `index` its place in the block; `ordinal` counts its swaps from 0, and `session` is the run of
    the source that it came in. `venues` are the exchanges that it went through, in `route_hops`
    steps. `confidence` is 0 to 1, and `reasons` say what lowered it; sums leave out what is below
    0.7. `fee_payer` and `signers` are wallets. `amended`: it came later, with a filled gap.
    """

    slot: int
    event_time_ms: int
    signature: str
    ordinal: int
    trader: str
    side: str
    mint: str
    base_amount_raw: Raw
    base_decimals: int
    quote_mint: str | None = None
    quote_amount_raw: Raw | None = None
    quote_decimals: int | None = None
    price: Decimal | None = None
    index: int = 0
    session: int = 0
    venues: tuple[str, ...] = ()
    route_hops: int = 0
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
    fee_payer: str = ""
    signers: tuple[str, ...] = ()
    amended: bool = False

    @property
    def base_amount(self) -> Decimal:
        """How many whole tokens."""
        return whole(self.base_amount_raw, self.base_decimals)

    @property
    def quote_amount(self) -> Decimal | None:
        """How many whole units of the quote; None where that is not known."""
        if self.quote_amount_raw is None or self.quote_decimals is None:
            return None
        return whole(self.quote_amount_raw, self.quote_decimals)


class Candle(Model, frozen=True, kw_only=True):
    """One step, which began at `begin_ms`. Prices are whole quote for one whole token.

    `bought_raw` and `sold_raw` are of the token, `spent_raw` and `received_raw` of the quote, each
    in its smallest unit. `buyers` and `sellers` are different wallets, None where the step is
    longer than a minute. The newest candle may still grow.
    """

    begin_ms: int
    open: float
    high: float
    low: float
    close: float
    trades: int
    buys: int
    bought_raw: Raw
    sold_raw: Raw
    spent_raw: Raw
    received_raw: Raw
    buyers: int | None = None
    sellers: int | None = None


class Sums(Model, frozen=True, kw_only=True):
    """What one wallet did with one token against one quote. The kinds below say what each is."""

    buys: int
    sells: int
    bought_raw: Raw
    sold_raw: Raw
    spent_raw: Raw
    received_raw: Raw
    first_ms: int
    last_ms: int


class TokenBuyer(Sums, frozen=True, kw_only=True):
    """A wallet (`trader`) that bought a token, with all that it traded of it against one quote.

    It bought `bought_raw` tokens in `buys` trades for `spent_raw` of the quote, and sold `sold_raw`
    in `sells` trades for `received_raw`, each in its smallest unit (10^9 are one SOL), from
    `first_ms` to `last_ms`. All buyers together spent `all_spent_raw`.
    """

    trader: str
    all_spent_raw: Raw


class WalletToken(Sums, frozen=True, kw_only=True):
    """What a wallet did with a token (`mint`) against one quote, None where that is not known.

    It bought `bought_raw` tokens in `buys` trades for `spent_raw` of the quote, and sold `sold_raw`
    in `sells` trades for `received_raw`, each in its smallest unit (10^9 are one SOL), from
    `first_ms` to `last_ms`. `net_raw` is what it bought less what it sold: below 0 where it had
    tokens before, or was sent some. One whole token is 10^`base_decimals`, None where that is not
    known; `symbol` and `name` are empty where they are not.
    """

    mint: str
    quote_mint: str | None = None
    net_raw: Raw
    base_decimals: int | None = None
    symbol: str = ""
    name: str = ""


class WalletProfit(WalletToken, frozen=True, kw_only=True):
    """What a wallet won or lost with a token (`mint`) against one quote, first in, first out.

    `realized_raw` is what it won in the quote (below 0: lost) with the tokens whose cost and price
    are known; `unknown_sold_raw` is how many tokens it sold of which that is not. `held_raw` tokens
    were bought and not sold, and cost `held_cost_raw` of the quote as far as that is known. Each is
    in its smallest unit (10^9 are one SOL); the other fields are those of WalletToken.
    """

    realized_raw: Raw
    unknown_sold_raw: Raw
    held_raw: Raw
    held_cost_raw: Raw


class WalletTotal(Model, frozen=True, kw_only=True):
    """What a wallet traded against one quote over all its tokens, of which there are `tokens`.

    It spent `spent_raw` of the quote in `buys` trades and received `received_raw` in `sells`, each
    in its smallest unit (10^9 are one SOL), from `first_ms` to `last_ms`. The difference is no
    profit: what it holds still is not sold.
    """

    quote_mint: str | None = None
    tokens: int
    buys: int
    sells: int
    spent_raw: Raw
    received_raw: Raw
    first_ms: int
    last_ms: int


class Day(Model, frozen=True, kw_only=True):
    """A day (UTC) that began at `begin_ms`.

    `swaps` are those that were stored, `tokens_created` those whose creation was seen, `alerts`
    those that opened an episode.
    """

    begin_ms: int
    swaps: int = 0
    tokens_created: int = 0
    alerts: int = 0


class Found(Model, frozen=True, kw_only=True):
    """What a search found: `kind` is token, wallet or signature.

    `name` and `symbol` are those of a token as its creator chose them; others may have the same.
    """

    kind: str
    address: str
    name: str = ""
    symbol: str = ""
