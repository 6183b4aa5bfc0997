"""Programs over HTTP: users' own entries, and which new layouts of venues were acknowledged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from fastapi import APIRouter, Request, Response

from pw_api.broker.stored import HISTORY_MAX, kept
from pw_api.http.answers import document, json
from pw_api.models.bodies import Parsing
from pw_api.models.changes import (
    AcknowledgedAnswer,
    AcknowledgedChange,
    ProgramsAnswer,
    ProgramsChange,
    ProgramsHistory,
    ProgramsVerdict,
)
from pw_api.models.openapi import (
    CHANGED,
    JSON,
    TEXT,
    YAML,
    answer_of,
    body_of,
    change_of,
    problems_of,
    schema_of,
)
from pw_api.routes.documents.history import BeforeRevision, HistoryLimit, page_of
from pw_common.documents.document import BadDocument
from pw_common.documents.programs import (
    ProgramEntry,
    read_acknowledged,
    read_programs,
    read_programs_file,
)
from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import BUCKET_INSTANCES, KEY_ACKNOWLEDGED, KEY_PROGRAMS
from pw_common.wire.heartbeat import Heartbeat
from pw_common.wire.messages import WrongSchema, decode_heartbeat
from pw_health.sources import merged

# Stores the document of a key at the revision that a body names.
Store: TypeAlias = Callable[[Bus, str, dict[str, Any], dict[str, Any]], Awaitable[Response]]


def add_programs(routes: APIRouter, bus: Callable[[], Bus], parsing: Parsing, store: Store) -> None:
    """Routes below `/programs`."""

    @routes.get("/programs", responses=answer_of(ProgramsAnswer))
    async def programs() -> Response:
        """Users' programs, and by source the table that its messages get now; "": shipped."""
        found = await kept(bus(), KEY_PROGRAMS)
        beats = await _beats(bus())
        in_force = {one.source.source: one.source.programs for one in beats if one.source}
        entries = msgspec.to_builtins(found.value.entries)
        return document(found, {"entries": entries, "in_force": in_force})

    @routes.put(
        "/programs",
        responses=CHANGED,
        openapi_extra=change_of(ProgramsChange),
    )
    async def put_programs(request: Request) -> Response:
        """Change them: `{revision, who, note, entries: […]}`; 409 if somebody was faster."""
        body = await parsing.change(request, ProgramsChange, ProgramsAnswer)
        table = await parsing.run(read_programs, body.get("entries"))
        return await store(bus(), KEY_PROGRAMS, body, msgspec.to_builtins(table))

    @routes.post(
        "/programs/validate",
        responses=answer_of(ProgramsVerdict) | problems_of(413),
        openapi_extra=body_of({JSON: schema_of(ProgramEntry, many=True), YAML: TEXT}),
    )
    async def validate(request: Request) -> Response:
        """Whether programs could be used; every error if not. Takes the YAML or JSON itself."""
        try:
            table = await parsing.body(request, read_programs_file)
        except BadDocument as error:
            return json({"valid": False, "errors": error.errors})
        return json({"valid": True, "entries": msgspec.to_builtins(table.entries)})

    @routes.get("/programs/history", responses=answer_of(ProgramsHistory))
    async def changes(
        limit: HistoryLimit = HISTORY_MAX, before_revision: BeforeRevision = None
    ) -> Response:
        """Every kept revision, newest first: who, when, the programs, and what changed."""
        return json(await page_of(bus(), parsing, KEY_PROGRAMS, limit, before_revision))

    _add_acknowledged(routes, bus, parsing, store)


def _add_acknowledged(
    routes: APIRouter, bus: Callable[[], Bus], parsing: Parsing, store: Store
) -> None:
    @routes.get("/programs/acknowledged", responses=answer_of(AcknowledgedAnswer))
    async def acknowledged() -> Response:
        """What was acknowledged, and what is new in the venues' layouts."""
        found = await kept(bus(), KEY_ACKNOWLEDGED)
        drifts = merged(one for beat in await _beats(bus()) for one in beat.drift)
        new = [msgspec.to_builtins(one) for one in drifts if one.kind == "new"]
        entries = msgspec.to_builtins(found.value.entries)
        return document(found, {"entries": entries, "new": new})

    @routes.put(
        "/programs/acknowledged",
        responses=CHANGED,
        openapi_extra=change_of(AcknowledgedChange),
    )
    async def put_acknowledged(request: Request) -> Response:
        """Change it: `{revision, who, note, entries: [{program, tag}, …]}`."""
        body = await parsing.change(request, AcknowledgedChange, AcknowledgedAnswer)
        seen = await parsing.run(read_acknowledged, body.get("entries"))
        return await store(bus(), KEY_ACKNOWLEDGED, body, msgspec.to_builtins(seen))


async def _beats(bus: Bus) -> list[Heartbeat]:
    beats = []
    for body in (await bus.kv_all(BUCKET_INSTANCES)).values():
        try:
            beats.append(decode_heartbeat(body))
        except WrongSchema:
            continue  # Of another version.
    return sorted(beats, key=lambda beat: beat.at_ms)
