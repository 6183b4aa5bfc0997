"""What the answers that are no pydantic views look like, for OpenAPI and the types made from it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import FastAPI

from pw_common.text.amounts import LAMPORTS, RAW
from pw_common.wire.alerts import Alert, Condition, Unknown, Verdict
from pw_detection.rules.rules import Rule

TEMPLATE: Final = "#/components/schemas/{name}"


class StoredAlert(Alert, frozen=True, kw_only=True, tag="alert.v1"):
    """An alert with its place in PW_ALERT and when the broker stored it."""

    seq: int
    stored_ms: int


class AlertsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts, newest first. Ask again with `before_seq=next_before_seq` for older ones."""

    alerts: list[StoredAlert]
    next_before_seq: int | None


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
    """Tokens as the detector told them last."""

    tokens: list[Token]


class WhyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rule for a token: `blocked` is what keeps it from ringing, `near` by how much."""

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


_ANSWERS: Final = (AlertsAnswer, StoredAlert, TokensAnswer, TriggersAnswer, WhyRow)


def answer_of(kind: type, *, many: bool = False) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with this; `many`: with a list of it."""
    schema: dict[str, Any] = {"$ref": TEMPLATE.format(name=kind.__name__)}
    if many:
        schema = {"type": "array", "items": schema}
    return {200: {"description": "OK", "content": {"application/json": {"schema": schema}}}}


def install(app: FastAPI) -> None:
    """Add these shapes to what `/openapi.json` names."""
    made = app.openapi
    _, components = msgspec.json.schema_components(_ANSWERS, ref_template=TEMPLATE)

    def openapi() -> dict[str, Any]:
        whole = made()
        named = whole.setdefault("components", {}).setdefault("schemas", {})
        for name, schema in components.items():
            named.setdefault(name, _with_text(schema))
        return whole

    # FastAPI's own way to extend it.
    app.openapi = openapi  # type: ignore[method-assign]


def _with_text(schema: Any) -> Any:
    """The schema with raw amounts as what `amounts_as_text` makes of them."""
    if isinstance(schema, list):
        return [_with_text(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: _text(key, one) for key, one in inner.items()}
        if name == "properties"
        else _with_text(inner)
        for name, inner in schema.items()
    }


def _text(name: str, schema: Any) -> Any:
    if not (name.endswith(RAW) or name == LAMPORTS):
        return _with_text(schema)
    kinds = schema.get("anyOf", [schema])
    shown = [{"type": "string"} if one.get("type") == "integer" else one for one in kinds]
    return {**schema, "anyOf": shown} if "anyOf" in schema else shown[0]
