"""Rules, lists, mutes and channels over HTTP: optimistic revisions, history, validation.

A change names the revision that it changes. Another change in between is a 409, never
overwritten. The history is the bucket's own: who, when, and what it said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from pw_api.broker.stored import BYTES_MAX_OF, HISTORY_MAX, kept
from pw_api.http import problems
from pw_api.http.answers import document, json
from pw_api.models import bodies
from pw_api.models.bodies import NOTE_MAX, WHO_MAX, Parsing, line_of, revision_of
from pw_api.models.changes import (
    ChannelsAnswer,
    ChannelsChange,
    ChannelTried,
    CsvAnswer,
    MutesAnswer,
    MutesChange,
    ResetChange,
    RulesChange,
    RulesHistory,
    RulesVerdict,
    WatchlistsAnswer,
    WatchlistsChange,
)
from pw_api.models.openapi import (
    CHANGED,
    CSV,
    JSON,
    NOTHING,
    TEXT,
    YAML,
    answer_of,
    body_of,
    change_of,
    problems_of,
    schema_of,
)
from pw_api.models.shapes import TriggersAnswer
from pw_api.routes.documents.entries import add_entries, conflict
from pw_api.routes.documents.history import BeforeRevision, HistoryLimit, page_of
from pw_api.routes.documents.programs import add_programs
from pw_api.routes.dry_run import add_dry_runs
from pw_common.documents import channels as ch
from pw_common.documents.document import BadDocument, decode
from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.jetstream.requests import Unanswered, ask
from pw_common.process.clock import now_ms
from pw_common.topology.subjects import (
    ASK_NOTIFIER,
    BUCKET_CONFIG,
    KEY_CHANNELS,
    KEY_MUTES,
    KEY_TRIGGERS,
    KEY_WATCHLISTS,
)
from pw_detection.rules.lists import read_csv, read_mutes, read_watchlists, shipped_mutes
from pw_detection.rules.rules import OPS, BadRules, Rule, read_rules, rules_of, shipped_rules
from pw_detection.state.metrics import METRICS

WRONG_LAST_SEQUENCE: Final = 10071
TEST_TIMEOUT_S: Final = 15.0

install = bodies.install


def router(bus: Callable[[], Bus]) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()
    parsing = Parsing()
    _add_rules(routes, bus, parsing)
    for one in LISTS:
        _add_list(routes, bus, parsing, one)
    _add_channels(routes, bus, parsing)
    add_entries(routes, bus, parsing, _store)
    add_programs(routes, bus, parsing, _store)
    add_dry_runs(routes, bus, parsing)

    @routes.post(
        "/watchlists/csv",
        responses=answer_of(CsvAnswer) | problems_of(413),
        openapi_extra=body_of({CSV: TEXT}),
    )
    async def from_csv(request: Request) -> Response:
        """Read `address,label` lines into entries; every bad line is named."""
        entries = await parsing.body(request, _csv)
        return json({"entries": msgspec.to_builtins(entries)})

    return routes


def _add_rules(routes: APIRouter, bus: Callable[[], Bus], parsing: Parsing) -> None:
    @routes.get("/triggers", responses=answer_of(TriggersAnswer))
    async def triggers() -> Response:
        """The rules that hold, their revision, and what a rule may name."""
        found = await kept(bus(), KEY_TRIGGERS)
        rules = msgspec.to_builtins(found.value)
        names = [metric.name for metric in METRICS]
        return document(found, {"rules": rules, "metrics": names, "operators": OPS})

    @routes.put(
        "/triggers",
        responses=CHANGED,
        openapi_extra=change_of(RulesChange),
    )
    async def put_triggers(request: Request) -> Response:
        """Change the rules: `{revision, who, note, rules: […]}`; 409 if somebody was faster."""
        body = await parsing.change(request, RulesChange, TriggersAnswer)
        rules = await parsing.run(_rules, body.get("rules"))
        return await _store(bus(), KEY_TRIGGERS, body, {"rules": msgspec.to_builtins(rules)})

    @routes.post(
        "/triggers/validate",
        responses=answer_of(RulesVerdict) | problems_of(413),
        openapi_extra=body_of({JSON: schema_of(Rule, many=True), YAML: TEXT}),
    )
    async def validate(request: Request) -> Response:
        """Whether rules could be used; every error if not. Takes the YAML or JSON itself."""
        try:
            rules = await parsing.body(request, read_rules)
        except BadRules as error:
            return json({"valid": False, "errors": error.errors})
        return json({"valid": True, "rules": msgspec.to_builtins(rules)})

    @routes.post(
        "/triggers/reset",
        responses=CHANGED,
        openapi_extra=change_of(ResetChange),
    )
    async def reset(request: Request) -> Response:
        """Back to the shipped rules: `{revision, who, note}`."""
        body = await parsing.change(request, ResetChange)
        value = {"rules": msgspec.to_builtins(shipped_rules())}
        return await _store(bus(), KEY_TRIGGERS, body, value)

    @routes.get("/triggers/history", responses=answer_of(RulesHistory))
    async def changes(
        limit: HistoryLimit = HISTORY_MAX, before_revision: BeforeRevision = None
    ) -> Response:
        """Kept revisions, newest first: who, when, the rules, and what changed."""
        return json(await page_of(bus(), parsing, KEY_TRIGGERS, limit, before_revision))


class _List(NamedTuple):
    """A list that is edited whole: how it is read, what is answered and what is taken."""

    key: str
    word: str
    read: Callable[[Any], Any]
    answer: type
    change: type


LISTS: Final = (
    _List(KEY_WATCHLISTS, "watched addresses", read_watchlists, WatchlistsAnswer, WatchlistsChange),
    _List(KEY_MUTES, "mutes", read_mutes, MutesAnswer, MutesChange),
)


def _add_list(routes: APIRouter, bus: Callable[[], Bus], parsing: Parsing, one: _List) -> None:
    async def get_list() -> Response:
        found = await kept(bus(), one.key)
        fields = {"entries": msgspec.to_builtins(found.value.entries)}
        if one.key == KEY_MUTES:
            # What lies below them; a user's entry replaces one of these.
            fields["shipped"] = msgspec.to_builtins(shipped_mutes().entries)
        return document(found, fields)

    async def put_list(request: Request) -> Response:
        body = await parsing.change(request, one.change, one.answer)
        lists = await parsing.run(one.read, body.get("entries"))
        return await _store(bus(), one.key, body, msgspec.to_builtins(lists))

    path = f"/{one.key}"
    routes.add_api_route(
        path, get_list, methods=["GET"], name=one.key, responses=answer_of(one.answer),
        description=f"All {one.word}, and their revision.",
    )  # fmt: skip
    routes.add_api_route(
        path, put_list, methods=["PUT"], name=f"put_{one.key}",
        responses=CHANGED, openapi_extra=change_of(one.change),
        description=f"Change all {one.word}; 409 if somebody was faster.",
    )  # fmt: skip


def _add_channels(routes: APIRouter, bus: Callable[[], Bus], parsing: Parsing) -> None:
    @routes.get("/channels", responses=answer_of(ChannelsAnswer))
    async def channels() -> Response:
        """Where alerts go, and the origin of that list; secrets are never shown."""
        found = await kept(bus(), KEY_CHANNELS)
        entries = [ch.redacted_channel(one) for one in found.value.entries]
        return document(found, {"from": found.origin, "entries": entries})

    @routes.put(
        "/channels",
        responses=CHANGED,
        openapi_extra=change_of(ChannelsChange),
    )
    async def put_channels(request: Request) -> Response:
        """Change the channels; `(kept)` keeps a secret that is there."""
        body = await parsing.change(request, ChannelsChange, ChannelsAnswer)
        new = ch.read_entries(body.get("entries"))
        whole = ch.with_kept_secrets(new, (await kept(bus(), KEY_CHANNELS)).value)
        if wrong := ch.problems(whole):
            raise BadDocument(wrong)
        value = {"entries": msgspec.to_builtins(whole.entries)}
        return await _store(bus(), KEY_CHANNELS, body, value)

    @routes.post(
        "/channels/{name}/test",
        responses=answer_of(ChannelTried) | problems_of(502),
        openapi_extra=body_of({JSON: NOTHING}),
    )
    async def try_channel(name: str) -> Response:
        """Send a test message through a channel. The body is not read; its type must be JSON."""
        question = msgspec.json.encode({"channel": name[:64]})
        try:
            answer = await ask(bus(), ASK_NOTIFIER, question, timeout_s=TEST_TIMEOUT_S)
            fields = decode(answer, dict[str, Any])
        except (Unanswered, BadDocument) as error:
            why = error.why if isinstance(error, Unanswered) else "no answer of ours"
            return problems.problem(503, f"No notifier answers ({why}): is one running?")
        if "error" in fields:
            status = 404 if fields.get("is_unknown") is True else 502
            return problems.problem(status, str(fields["error"]))
        return json(fields)


def _rules(value: Any) -> Any:
    if not isinstance(value, list):
        raise BadDocument(["rules: allowed: a list"])
    return rules_of(value)


def _csv(body: bytes) -> Any:
    try:
        return read_csv(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadDocument([f"not UTF-8 at byte {error.start}"]) from error


async def _store(bus: Bus, key: str, body: dict[str, Any], value: dict[str, Any]) -> Response:
    """Write a value at the revision that the body names."""
    revision = revision_of(body)
    said = {"who": line_of(body, "who", WHO_MAX), "note": line_of(body, "note", NOTE_MAX)}
    whole = msgspec.json.encode({**value, **said, "at_ms": now_ms()})
    allowed = BYTES_MAX_OF[key]
    if len(whole) > allowed:
        raise BadDocument([f"body: {len(whole)} bytes to store; allowed: at most {allowed}"])
    try:
        made = await bus.kv_put(BUCKET_CONFIG, key, whole, revision=revision)
    except ApiRefused as error:
        if error.err_code != WRONG_LAST_SEQUENCE:
            raise
        now = await bus.kv_last(BUCKET_CONFIG, key)
        last = 0 if now is None else now[1]
        return problems.problem(409, conflict(revision, last))
    return json({"revision": made})
