"""Alerts, and what their tokens cost afterwards."""

from __future__ import annotations

import msgspec

from pocketwatcher.models.decoding import Model, Raw
from pocketwatcher.models.head import HistoryHead


class Condition(Model, frozen=True, kw_only=True):
    """One condition of a rule (`text`), with the value that its metric had.

    `value` is None where it is unknown, and `unknown` then says why. `verdict` is holds, fails or
    unknown.
    """

    text: str
    metric: str = ""
    value: float | None = None
    unknown: str | None = None
    verdict: str = ""


class Buyer(Model, frozen=True, kw_only=True):
    """One of a token's largest buyers in the five minutes before its alert.

    `volume_sol` is what it spent, in SOL; `share` is 0 to 1 of all that was spent. `labels` are the
    lists that it is in.
    """

    trader: str
    buys: int = 0
    volume_sol: float = 0.0
    share: float = 0.0
    labels: tuple[str, ...] = ()


class NearRule(Model, frozen=True, kw_only=True):
    """Another rule that almost held, and the conditions that it fell short by."""

    trigger: str
    fell_short_by: tuple[str, ...] = ()


class Ended(Model, frozen=True, kw_only=True):
    """An episode that a summary says has ended."""

    mint: str
    episode: str


class Alert(Model, frozen=True, kw_only=True):
    """A rule (`trigger`) that held for a token, or a notice about the system (`mint` is then "").

    `kind` is opened, escalated, closed, blind or sighted; `severity` info, warning or critical.
    An `episode` is the time in which a rule goes on to hold for a token, and `n` counts its alerts
    from 0. `event_time_ms` is the time of `slot`, in ms since 1970.

    `metrics` are by name, None where unknown, and `unknown` says why. `price_sol` is SOL for one
    whole token, `market_cap_sol` SOL, and `supply_raw` the smallest unit of the token, of which
    10^`decimals` are a whole one. `evidence` are signatures. `truncated` names what was shortened
    so that the alert could be stored, `gapped` the windows of which blocks are missing.

    `seq` is the place in the stream of alerts, with which `follow` goes on, and `stored_ms` when
    the broker took it. Both are None where the alert came from history, which keeps neither.
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
    metrics: dict[str, float | None] = msgspec.field(default_factory=dict)
    unknown: dict[str, str] = msgspec.field(default_factory=dict)
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
    links: dict[str, str] = msgspec.field(default_factory=dict)
    near: tuple[NearRule, ...] = ()
    truncated: tuple[str, ...] = ()
    gapped: tuple[str, ...] = ()
    ended: tuple[Ended, ...] = ()
    seq: int | None = None
    stored_ms: int | None = None


class PriceAfter(Model, frozen=True, kw_only=True):
    """What a token cost `after_ms` milliseconds after its alert.

    `price` is the last one up to `end_ms`, the end of the minute in which so much time had passed;
    `high`, `low` and `trades` are of the time since the row before, or since the alert. Prices are
    whole quote for one whole token, None where nothing was traded.
    `liquidity_quote_raw` is what the token's pools held of the quote, in its smallest unit; None
    where their venues do not say.
    """

    after_ms: int
    end_ms: int | None = None
    price: float | None = None
    high: float | None = None
    low: float | None = None
    trades: int = 0
    liquidity_quote_raw: Raw | None = None


class PastAlert(Model, frozen=True, kw_only=True):
    """An alert, and what its token cost afterwards.

    `price` is the last one up to `since_ms`, in whole `quote_mint` for one whole token; `after` is
    how it went on from there. `since_ms` is the alert's time, or the end of its minute where the
    swaps of that minute are no longer kept. Each is None where that is not known.
    """

    alert: Alert
    quote_mint: str | None = None
    price: float | None = None
    since_ms: int | None = None
    after: tuple[PriceAfter, ...] | None = None


class AlertAnswer(PastAlert, frozen=True, kw_only=True):
    """One alert, and what its token cost afterwards, as in PastAlert.

    Where history does not know it, `missing` says why, and `history` may be None.
    """

    missing: str = ""
    history: HistoryHead | None = None
