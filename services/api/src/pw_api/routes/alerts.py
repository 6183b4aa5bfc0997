"""Alerts over HTTP, page by page: two answers, by what a request names.

| it names                         | answered by | order              | goes on with           |
| -------------------------------- | ----------- | ------------------ | ---------------------- |
| `first_ms`, `end_ms` or `before` | history     | event time         | `next_before`          |
| anything else                    | PW_ALERT    | as they were kept  | `next_before_seq`, and |
|                                  |             |                    | then `next_before`     |

So what the page shows as it happens needs no history, and has the sequence that live alerts have;
and no answer is made of both, of which one could be missing without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from pw_api.broker.history import NoHistory
from pw_api.broker.pages import newest_wanted
from pw_api.core.places import ALERT, alert_place, alert_text
from pw_api.http import problems
from pw_api.http.answers import json
from pw_api.http.parameters import Address, BeforeSeq, Limit
from pw_api.models.openapi import either_of, problems_of
from pw_api.models.past import AlertAnswer, PastAlert, PastAlertsAnswer
from pw_api.models.shapes import AlertsAnswer
from pw_api.routes.kept.parameters import ask, in_order, page_of, past_of
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import (
    StoredMessage,
    get_last_message,
    get_message,
)
from pw_common.topology import subjects
from pw_common.topology.subjects import STREAM_ALERT
from pw_common.wire.alerts import Alert, AlertKind, decode_alert, ended_of
from pw_common.wire.history import (
    TIME_MS_MAX,
    AlertAsked,
    AlertPlace,
    AlertsAsked,
    StoredAlert,
)

# A rule's name, or that of a notice or condition of the system, as `missing_PW_TX/parser` is.
TRIGGER: Final = r"^[A-Za-z0-9][A-Za-z0-9_/-]{0,127}$"
Trigger = Annotated[
    str | None,
    Query(pattern=TRIGGER, description="The name of a rule, or of a condition of the system"),
]
FirstMs = Annotated[
    int | None, Query(ge=0, le=TIME_MS_MAX, description="Of history: from this event time on")
]
EndMs = Annotated[
    int | None, Query(ge=0, le=TIME_MS_MAX, description="Of history: before this event time")
]
Before = Annotated[
    str | None, Query(pattern=ALERT, description="Of history: only those before `next_before`")
]
Id = Annotated[
    str, Path(pattern=f"^(?:{subjects.TOKEN.pattern})$", description="The `id` of an alert")
]
LIMIT: Final = 50
NOT_YET: Final = "History has not read this alert yet: ask again in a moment."


def router(bus: Callable[[], Bus]) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()
    _add_pages(routes, bus)
    _add_one(routes, bus)
    return routes


def _add_pages(routes: APIRouter, bus: Callable[[], Bus]) -> None:
    @routes.get("/alerts", responses=either_of(AlertsAnswer, PastAlertsAnswer) | problems_of(504))
    async def alerts(
        request: Request,
        limit: Limit = LIMIT,
        before_seq: BeforeSeq = None,
        mint: Address = None,
        trigger: Trigger = None,
        kind: AlertKind | None = None,
        first_ms: FirstMs = None,
        end_ms: EndMs = None,
        before: Before = None,
    ) -> Response:
        """Alerts, newest first; ask again with `before_seq=next_before_seq` for older ones.

        Where few alerts match, a page may have fewer than `limit`, or none, and still name a next
        page: each request looks at a bounded number of alerts. Where PW_ALERT begins,
        `next_before` goes on in history. `first_ms`, `end_ms` and `before` ask history alone, which
        keeps alerts of all time, by event time, with what their tokens cost afterwards.
        """
        if first_ms is None and end_ms is None and before is None:
            wanted = {"mint": mint, "trigger": trigger, "kind": kind}
            return json(await _recent(bus(), wanted, limit, before_seq))
        if before_seq is not None:
            why = "is of PW_ALERT: go on with before, or leave first_ms, end_ms and before out"
            raise RequestValidationError(
                [{"loc": ("query", "before_seq"), "msg": why, "type": "order"}]
            )
        asked = AlertsAsked(
            mint=mint,
            trigger=trigger,
            kinds=() if kind is None else (kind,),
            first_ms=first_ms or 0,
            end_ms=TIME_MS_MAX if end_ms is None else end_ms,
            before=alert_place(before),
            limit=limit + 1,
        )
        in_order(asked.first_ms, asked.end_ms)
        answer = await ask(request, bus, asked, StoredAlert)
        page, next_before = page_of([_past(one) for one in answer.rows], limit, _text)
        return json(PastAlertsAnswer(alerts=page, next_before=next_before, history=answer.head))


def _add_one(routes: APIRouter, bus: Callable[[], Bus]) -> None:
    @routes.get("/alerts/{id}", responses=past_of(AlertAnswer))
    async def alert(request: Request, id: Id) -> Response:  # noqa: A002 - the path's name
        """One alert, and what its token cost afterwards."""
        try:
            answer = await ask(request, bus, AlertAsked(id=id), StoredAlert)
        except NoHistory as error:
            # What was decided is in PW_ALERT too; only what followed is not.
            if (found := await _stored(bus(), id)) is None:
                raise
            return json(AlertAnswer(alert=found, missing=str(error)))
        if answer.rows:
            past = msgspec.structs.asdict(_past(answer.rows[0]))
            return json(AlertAnswer(**past, history=answer.head))
        if (found := await _stored(bus(), id)) is None:
            return problems.problem(404, "There is no such alert, or it is kept no longer.")
        return json(AlertAnswer(alert=found, missing=NOT_YET, history=answer.head))


async def _recent(
    bus: Bus, named: dict[str, str | None], limit: int, before_seq: int | None
) -> dict[str, Any]:
    wanted = {name: value for name, value in named.items() if value is not None}
    # Where PW_ALERT begins, as far as its alerts could be read.
    oldest = AlertPlace(TIME_MS_MAX, "")

    def shown(message: StoredMessage) -> dict[str, Any] | None:
        nonlocal oldest
        alert = _alert(message.body)
        if alert is None:
            return None
        oldest = min(oldest, AlertPlace(alert.event_time_ms, alert.id), key=_order)
        if not all(_has(alert, *one) for one in wanted.items()):
            return None
        place = {"seq": message.seq, "stored_ms": message.time_ms}
        return {**place, **msgspec.to_builtins(alert)}

    page = await newest_wanted(bus, STREAM_ALERT, shown, limit=limit, before_seq=before_seq)
    next_seq = page.next_before_seq
    if next_seq is None and before_seq is not None and not oldest.id:
        # PW_ALERT was trimmed up to there meanwhile: it goes on where PW_ALERT begins now.
        oldest = await _begin(bus) or oldest
    return {
        "alerts": page.found,
        "next_before_seq": next_seq,
        "next_before": alert_text(oldest) if next_seq is None else None,
    }


def _order(place: AlertPlace) -> tuple[int, str]:
    return place.event_time_ms, place.id


async def _begin(bus: Bus) -> AlertPlace | None:
    """Of the oldest alert in PW_ALERT; None where there is none, or it cannot be read."""
    first_seq = int((await bus.api(f"STREAM.INFO.{STREAM_ALERT}"))["state"]["first_seq"])
    message = await get_message(bus, STREAM_ALERT, first_seq)
    alert = None if message is None else _alert(message.body)
    return None if alert is None else AlertPlace(alert.event_time_ms, alert.id)


async def _stored(bus: Bus, name: str) -> Alert | None:
    message = await get_last_message(bus, STREAM_ALERT, subjects.alert(name))
    return None if message is None else _alert(message.body)


def _past(one: StoredAlert) -> PastAlert:
    try:
        alert = decode_alert(bytes(one.alert))
    except msgspec.MsgspecError as error:
        raise NoHistory(f"An alert that history keeps is not readable here: {error}") from error
    return PastAlert(
        alert=alert,
        quote_mint=one.quote_mint,
        price=one.price,
        since_ms=one.since_ms,
        after=None if one.after is None else list(one.after),
    )


def _text(one: PastAlert) -> str:
    return alert_text(AlertPlace(one.alert.event_time_ms, one.alert.id))


def _alert(body: bytes) -> Alert | None:
    try:
        return decode_alert(body)
    except msgspec.MsgspecError:
        return None


def _has(alert: Alert, name: str, value: str) -> bool:
    """Whether an alert matches; a summary counts for every token that it names."""
    if name == "mint" and any(one.mint == value for one in ended_of(alert)):
        return True
    return bool(getattr(alert, name) == value)
