"""`alert.v1`: what the detector stores, and the notifier, the API and people read.

An episode is one rule holding for one token from the slot at which it opened. Its alerts
are numbered: 0 opened, 1… escalated, the last closed. Where an edit of a rule ends several
episodes at once, one summary stands for their last alerts and names them. Everything in the
body of a token's alert is a function of the stream and the configuration; what depends on the
run travels in headers. Any other alert with an empty mint is about no token: a `blind` one says
that a condition of the system began, a `sighted` one that it is over, `unlisted_program` that a
program trades which no table names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from pw_common.text.plain_text import LABEL_CHARS_MAX, SENTENCE_CHARS_MAX, plain_text
from pw_common.wire.messages import digest_of_bodies, encode

AlertKind: TypeAlias = Literal["opened", "escalated", "closed", "blind", "sighted"]
Severity: TypeAlias = Literal["info", "warning", "critical"]
# Why a metric has no value. `no_sells` is an infinite ratio: `>` holds for it.
Unknown: TypeAlias = Literal[
    "cold",
    "no_trades",
    "no_buys",
    "no_sells",
    "unvalued",
    "no_price",
    "no_supply",
    "no_earlier_price",
]
Verdict: TypeAlias = Literal["holds", "fails", "unknown"]

SCHEMA_ALERT = "alert.v1"
TRIGGER_REVISION = "Pw-Trigger-Revision"
# How many episodes one summary names; this many fit into a message of any broker.
ENDED_MAX = 250
# A symbol, a rule's name and a word on how it went.
TITLE_CHARS_MAX = 120
EVIDENCE_MAX = 10
TOP_BUYERS = 5


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a rule with the value that it met. `value` is null where unknown."""

    text: str
    metric: str
    value: float | None
    unknown: Unknown | None = None
    verdict: Verdict


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """One of a token's largest buyers in five minutes. `share` is 0..1 of all buy volume."""

    trader: str
    buys: int
    volume_sol: float
    share: float
    labels: tuple[str, ...] = ()


class NearRule(msgspec.Struct, frozen=True, kw_only=True):
    """Another rule that did not hold: each condition that it fell short by."""

    trigger: str
    fell_short_by: tuple[str, ...]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """An episode that a summary says has ended."""

    mint: str
    episode: str


class Alert(msgspec.Struct, frozen=True, kw_only=True, tag=SCHEMA_ALERT):
    """One alert of an episode, or a summary of several that ended with an edit of their rule.

    `metrics` holds every metric by name, null where unknown; `unknown` says why. `truncated`
    names the fields of which a part was left out because the whole was too large to store.
    Prices are in SOL for one whole token, market caps in SOL.
    """

    id: str
    episode: str
    n: int
    kind: AlertKind
    trigger: str
    severity: Severity
    slot: int
    opened_slot: int
    event_time_ms: int
    mint: str = ""
    title: str = ""
    detail: str = ""
    conditions: tuple[Condition, ...] = ()
    metrics: dict[str, float | None] = {}
    unknown: dict[str, Unknown] = {}
    top_buyers: tuple[Buyer, ...] = ()
    evidence: tuple[str, ...] = ()
    price_sol: float | None = None
    market_cap_sol: float | None = None
    supply_raw: int | None = None
    decimals: int | None = None
    name: str | None = None
    symbol: str | None = None
    creator: str | None = None
    venues: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    links: dict[str, str] = {}
    near: tuple[NearRule, ...] = ()
    # What was left out or shortened so that the broker takes it; absent where nothing was.
    truncated: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    # Windows in which blocks are missing, by name; absent where none are.
    gapped: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    # A summary's episodes: it is `closed`, of no token itself, and absent from any other alert.
    ended: tuple[Ended, ...] | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(Alert)


def decode_alert(body: bytes) -> Alert:
    """Raises msgspec.MsgspecError for anything but an `alert.v1` body."""
    try:
        return _decoder.decode(body)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"{type(error).__name__}: {error}") from error


def of_detector(alert: Alert) -> bool:
    """Whether an alert is about tokens: of one, or a summary of several."""
    return bool(alert.mint) or alert.kind == "closed"


def ended_of(alert: Alert) -> tuple[Ended, ...]:
    """The episodes that a summary ends; none for any other alert."""
    return () if alert.ended is msgspec.UNSET else alert.ended


def plain_alert(alert: Alert) -> Alert:
    """An alert as it may be shown: names come from the chain, labels and rules from people.

    What is stored keeps them as they came.
    """
    return msgspec.structs.replace(
        alert,
        trigger=_label(alert.trigger),
        mint=_label(alert.mint),
        title=plain_text(_title(alert), TITLE_CHARS_MAX),
        detail=plain_text(alert.detail, SENTENCE_CHARS_MAX),
        conditions=tuple(
            msgspec.structs.replace(one, text=_label(one.text), metric=_label(one.metric))
            for one in alert.conditions
        ),
        top_buyers=tuple(
            msgspec.structs.replace(
                one, trader=_label(one.trader), labels=tuple(map(_label, one.labels))
            )
            for one in alert.top_buyers
        ),
        name=alert.name and plain_text(alert.name),
        symbol=alert.symbol and plain_text(alert.symbol),
        creator=alert.creator and _label(alert.creator),
        venues=tuple(map(_label, alert.venues)),
        labels=tuple(map(_label, alert.labels)),
        links={
            _label(name): plain_text(url, SENTENCE_CHARS_MAX) for name, url in alert.links.items()
        },
        ended=alert.ended
        if alert.ended is msgspec.UNSET
        else tuple(
            Ended(mint=_label(one.mint), episode=_label(one.episode)) for one in alert.ended
        ),
        near=tuple(
            NearRule(
                trigger=_label(one.trigger), fell_short_by=tuple(map(_label, one.fell_short_by))
            )
            for one in alert.near
        ),
    )


def _title(alert: Alert) -> str:
    """The title with its symbol cut: alerts stored by an earlier version have it whole."""
    symbol = alert.symbol or ""
    if symbol and alert.title.startswith(f"{symbol}:"):
        return plain_text(symbol) + alert.title[len(symbol) :]
    return alert.title


def _label(text: str) -> str:
    return plain_text(text, LABEL_CHARS_MAX)


def episode_id(mint: str, rule: str, opened_slot: int) -> str:
    """The identity of an episode: 32 hex digits."""
    return _hash("episode", mint, rule, str(opened_slot))


def alert_id(episode: str, n: int) -> str:
    """The identity of an episode's n-th alert, and its subject's last token: 32 hex digits."""
    return _hash("alert", episode, str(n))


def alert_digest(alerts: Iterable[Alert]) -> str:
    """sha-256 over the sorted canonical bodies of tokens' alerts; blind ones are no part of it."""
    return digest_of_bodies(encode(alert) for alert in alerts if of_detector(alert))


def _hash(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
