"""Alerts over HTTP, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Response

from pw_api.broker.pages import newest_wanted
from pw_api.http.answers import json
from pw_api.http.parameters import Address, BeforeSeq, Limit
from pw_api.models.openapi import answer_of
from pw_api.models.shapes import AlertsAnswer
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage
from pw_common.topology.subjects import STREAM_ALERT
from pw_common.wire.alerts import Alert, AlertKind, decode_alert, ended_of

# A rule's name, or that of a notice or condition of the system, as `missing_PW_TX/parser` is.
TRIGGER: Final = r"^[A-Za-z0-9][A-Za-z0-9_/-]{0,127}$"
Trigger = Annotated[
    str | None,
    Query(pattern=TRIGGER, description="The name of a rule, or of a condition of the system"),
]
LIMIT: Final = 50


def router(bus: Callable[[], Bus]) -> APIRouter:
    """The route below `/api/v1`."""
    routes = APIRouter()

    @routes.get("/alerts", responses=answer_of(AlertsAnswer))
    async def alerts(
        limit: Limit = LIMIT,
        before_seq: BeforeSeq = None,
        mint: Address = None,
        trigger: Trigger = None,
        kind: AlertKind | None = None,
    ) -> Response:
        """Alerts, newest first; ask again with `before_seq=next_before_seq` for older ones.

        Where few alerts match, a page may have fewer than `limit`, or none, and still name a next
        page: each request looks at a bounded number of alerts.
        """
        named = {"mint": mint, "trigger": trigger, "kind": kind}
        wanted = {name: value for name, value in named.items() if value is not None}

        def shown(message: StoredMessage) -> dict[str, Any] | None:
            alert = _alert(message)
            if alert is None or not all(_has(alert, *one) for one in wanted.items()):
                return None
            place = {"seq": message.seq, "stored_ms": message.time_ms}
            return {**place, **msgspec.to_builtins(alert)}

        page = await newest_wanted(bus(), STREAM_ALERT, shown, limit=limit, before_seq=before_seq)
        return json({"alerts": page.found, "next_before_seq": page.next_before_seq})

    return routes


def _alert(message: StoredMessage) -> Alert | None:
    try:
        return decode_alert(message.body)
    except msgspec.MsgspecError:
        return None


def _has(alert: Alert, name: str, value: str) -> bool:
    """Whether an alert matches; a summary counts for every token that it names."""
    if name == "mint" and any(one.mint == value for one in ended_of(alert)):
        return True
    return bool(getattr(alert, name) == value)
