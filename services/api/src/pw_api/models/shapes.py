"""Alerts, tokens and rules as they are answered, for OpenAPI and the types made from it."""

from __future__ import annotations

from typing import Literal

import msgspec

from pw_common.documents.mint_facts import MintFacts
from pw_common.wire.alerts import Alert, Condition, Unknown, Verdict
from pw_detection.rules.rules import Rule


class StoredAlert(Alert, frozen=True, kw_only=True, tag="alert.v1"):
    """An alert with its sequence in PW_ALERT and when the broker stored it."""

    seq: int
    stored_ms: int


class AlertsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts, newest first. Ask again with `before_seq=next_before_seq` for older ones.

    At the beginning of PW_ALERT that is null, and `before=next_before` goes on in history, which
    answers with a PastAlertsAnswer.
    """

    alerts: list[StoredAlert]
    next_before_seq: int | None
    next_before: str | None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token's state, facts and metrics; null where unknown, and `unknown` says why.

    `gapped` names its windows in which blocks are missing; absent where none are.
    """

    mint: str
    state: str
    name: str | None
    symbol: str | None
    creator: str | None
    venues: list[str]
    last_trade_ms: int | None
    metrics: dict[str, float | None]
    unknown: dict[str, Unknown]
    gapped: list[str] | msgspec.UnsetType = msgspec.UNSET


class TokensAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens as the detector last reported them, HOT ones first.

    Ask again with `after=next_after` for the rest. The order changes each second: if that
    token has left the list, begin again.
    """

    tokens: list[Token]
    next_after: str | None


class ShownText(msgspec.Struct, frozen=True, kw_only=True, rename={"by": "from"}):
    """A name or symbol and whose word it is: the stream's where it has one, else the node's.

    `rpc` is what the node says where that differs from the stream; null where it does not.
    """

    value: str
    by: Literal["stream", "rpc"]
    rpc: str | None = None


class FactsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a token beside its trades.

    `node` is what the node said last; null, or older, where `missing` says why. `name` and
    `symbol` are null where nobody has one; `stream_missing` says why the stream was not asked.
    """

    mint: str
    name: ShownText | None
    symbol: ShownText | None
    node: MintFacts | None
    missing: str = ""
    stream_missing: str = ""


class WhyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rule for a token: `blocked` is what keeps it from firing, `near` by how much."""

    trigger: str
    verdict: Verdict
    conditions: list[Condition]
    blocked: list[str]
    near: list[str]


class TriggersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that hold. `unusable` says why the newest revision is not among them."""

    revision: int
    rules: list[Rule]
    metrics: list[str]
    operators: list[str]
    unusable: str = ""


class DeadLetterReplayed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a dead letter that was sent back.

    `sent_before`: the parsers got it within the last ten minutes already. `delivered_before`:
    its channel has had the alert.
    """

    seq: int
    outcome: Literal["sent", "sent_before", "delivered_before"]
