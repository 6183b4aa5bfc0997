"""What the API answers with, as typed values.

Raw amounts travel as decimal text, since many readers of JSON keep 53 bits; here they are whole
numbers (`…_raw`, in the smallest unit of a token). Times are milliseconds since 1970 (`…_ms`).
Fields that this version does not know are left out, so a newer server breaks nothing; and what a
newer server may add to, as the kinds of alerts are, is text.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from pocketwatcher.errors import BadAnswer, plain

T = TypeVar("T")

# A sum of 64-bit amounts has at most 39 digits, and a sign.
RAW_CHARS_MAX: Final = 40


class Raw(int):
    """A raw amount: an ordinary whole number, which came as text."""

    __slots__ = ()


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was answered."""


class Condition(Model, frozen=True, kw_only=True):
    """One condition of a rule, with the value that it met; `value` is None where unknown."""

    text: str
    metric: str = ""
    value: float | None = None
    unknown: str | None = None
    verdict: str = ""


class Buyer(Model, frozen=True, kw_only=True):
    """One of a token's largest buyers. `share` is 0 to 1 of all that was bought."""

    trader: str
    buys: int = 0
    volume_sol: float = 0.0
    share: float = 0.0
    labels: tuple[str, ...] = ()


class NearRule(Model, frozen=True, kw_only=True):
    """Another rule that almost held, and what it fell short by."""

    trigger: str
    fell_short_by: tuple[str, ...] = ()


class Ended(Model, frozen=True, kw_only=True):
    """An episode that a summary says has ended."""

    mint: str
    episode: str


class Alert(Model, frozen=True, kw_only=True):
    """A rule that held for a token, or a notice about the system itself (`mint` is then empty).

    `kind` is opened, escalated, closed, blind or sighted; `severity` info, warning or critical.
    `metrics` are by name, None where unknown, and `unknown` says why. Prices are SOL for one whole
    token. `seq` is the place in the stream of alerts, with which `follow` goes on; None where the
    alert came from history, which does not keep it.
    """

    id: str
    kind: str
    trigger: str
    severity: str
    slot: int
    event_time_ms: int
    episode: str = ""
    n: int = 0
    opened_slot: int = 0
    mint: str = ""
    title: str = ""
    detail: str = ""
    conditions: tuple[Condition, ...] = ()
    metrics: dict[str, float | None] = {}
    unknown: dict[str, str] = {}
    top_buyers: tuple[Buyer, ...] = ()
    evidence: tuple[str, ...] = ()
    price_sol: float | None = None
    market_cap_sol: float | None = None
    supply_raw: Raw | None = None
    decimals: int | None = None
    name: str | None = None
    symbol: str | None = None
    creator: str | None = None
    venues: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    links: dict[str, str] = {}
    near: tuple[NearRule, ...] = ()
    truncated: tuple[str, ...] = ()
    gapped: tuple[str, ...] = ()
    ended: tuple[Ended, ...] = ()
    seq: int | None = None
    stored_ms: int | None = None


class PriceAfter(Model, frozen=True, kw_only=True):
    """What a token cost so long after its alert, and what was traded since the row before."""

    after_ms: int
    price: float | None = None
    high: float | None = None
    low: float | None = None
    trades: int = 0
    liquidity_quote_raw: Raw | None = None


class Hole(Model, frozen=True, kw_only=True):
    """A time of which something is missing. Both ends are event time, None where not known."""

    first_ms: int | None = None
    last_ms: int | None = None
    why: str = ""
    gap: str = ""
    first_slot: int | None = None
    last_slot: int | None = None


class HistoryHead(Model, frozen=True, kw_only=True):
    """How far history has come, since when it keeps what, and what is missing (`holes`).

    `behind_s` is by how many seconds its reading lies behind the stream.
    """

    slot: int
    event_time_ms: int
    swaps_since_ms: int | None = None
    minutes_since_ms: int | None = None
    holes: tuple[Hole, ...] = ()
    behind_s: float = 0.0
    swaps: int = 0


class PastAlert(Model, frozen=True, kw_only=True):
    """An alert, and what its token cost afterwards.

    `price` is the last one up to the alert, in whole `quote_mint` for one whole token; `after` is
    how it went on. Each is None where that is not known.
    """

    alert: Alert
    quote_mint: str | None = None
    price: float | None = None
    after: tuple[PriceAfter, ...] | None = None


class AlertAnswer(PastAlert, frozen=True, kw_only=True):
    """One alert. Where history does not know it, `missing` says why."""

    missing: str = ""
    history: HistoryHead | None = None


class Swap(Model, frozen=True, kw_only=True):
    """One trade of a token (`mint`) for a quote, which is None where it is not known.

    `price` is whole quote for one whole token. `amended`: it came later, with a filled gap.
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
    """One step. Prices are whole quote for one whole token.

    `bought_raw` and `sold_raw` are of the token, `spent_raw` and `received_raw` of the quote.
    `buyers` and `sellers` are different wallets, None where the step is longer than a minute.
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


class Found(Model, frozen=True, kw_only=True):
    """What a search found: `kind` is token, wallet or signature."""

    kind: str
    address: str
    name: str = ""
    symbol: str = ""


def whole(raw: int, decimals: int) -> Decimal:
    """Raw units as whole ones, exactly."""
    # Not by arithmetic, which would round to the digits of the context.
    return Decimal((int(raw < 0), tuple(map(int, str(abs(raw)))), -decimals))


def decoded(body: bytes | str, kind: type[T]) -> T:
    """An answer's JSON as a value.

    Raises:
        BadAnswer: it is something else; says at which field.
    """
    try:
        return msgspec.json.decode(body, type=kind, dec_hook=_raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadAnswer(f"an answer that this client cannot read: {plain(str(error))}") from error


def _raw(_kind: type, value: Any) -> Raw:
    """A raw amount out of its text; what is stored may have it as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Raw(value)
    if isinstance(value, str) and len(value) <= RAW_CHARS_MAX:
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            return Raw(value)
    raise ValueError("a raw amount is a whole number in decimal digits")
