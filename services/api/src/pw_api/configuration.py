"""Rules, lists, mutes and channels over HTTP: optimistic revisions, history, validation.

A change names the revision that it changes. Another change in between is a 409, never
overwritten. The history is the bucket's own: who, when, and what it said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from nats.errors import Error as NatsError

from pw_api import problems
from pw_api.alerts import json
from pw_api.dry_run import dry_run
from pw_common.bus import ApiRefused, Bus
from pw_common.channels import Channels, shown, with_kept_secrets
from pw_common.channels import problems as channel_problems
from pw_common.clock import now_ms
from pw_common.log_reader import LogReader
from pw_common.subjects import (
    ASK_NOTIFIER,
    BUCKET_CONFIG,
    KEY_CHANNELS,
    KEY_MUTES,
    KEY_TRIGGERS,
    KEY_WATCHLISTS,
)
from pw_detection.lists import BadList, Mutes, WatchLists, read_csv, shipped_mutes
from pw_detection.metrics import METRICS
from pw_detection.rules import OPS, BadRules, read_rules, shipped_rules

WRONG_LAST_SEQUENCE: Final = 10071
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
HISTORY_MAX: Final = 32
TEST_TIMEOUT_S: Final = 15.0
WHO_MAX: Final = 100


class Refused(Exception):
    """An answer other than the expected one."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def router(bus: Callable[[], Bus]) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()

    @routes.get("/triggers")
    async def triggers() -> Response:
        """The rules that hold, their revision, and what a rule may name."""
        value, revision = await _read(bus(), KEY_TRIGGERS)
        rules = value["rules"] if value else msgspec.to_builtins(shipped_rules())
        names = [metric.name for metric in METRICS]
        return json({"revision": revision, "rules": rules, "metrics": names, "operators": OPS})

    @routes.put("/triggers")
    async def put_triggers(request: Request) -> Response:
        """Change the rules: `{revision, who, note, rules: […]}`; 409 if somebody was faster."""
        return await _answer(_put_rules(bus(), await _body(request)))

    @routes.post("/triggers/validate")
    async def validate(request: Request) -> Response:
        """Whether rules could be used; every error if not. Takes the YAML or JSON itself."""
        try:
            rules = read_rules((await _raw(request)).decode("utf-8", "replace"))
        except BadRules as error:
            return json({"valid": False, "errors": error.errors})
        return json({"valid": True, "rules": msgspec.to_builtins(rules)})

    @routes.post("/triggers/reset")
    async def reset(request: Request) -> Response:
        """Back to the shipped rules: `{revision, who, note}`."""
        body = {**await _body(request), "rules": msgspec.to_builtins(shipped_rules())}
        return await _answer(_put_rules(bus(), body))

    @routes.get("/triggers/history")
    async def history() -> Response:
        """Every kept revision, newest first: who, when, and the rules."""
        return json({"history": with_differences(await _history(bus(), KEY_TRIGGERS))})

    @routes.post("/triggers/dry-run")
    async def try_out(request: Request) -> Response:
        """The alerts that rules would have given over the last hour. Takes YAML or JSON."""
        try:
            rules = read_rules((await _raw(request)).decode("utf-8", "replace"))
        except BadRules as error:
            return _unusable(list(error.errors))
        found = await dry_run(bus(), rules, now_ms())
        return json(found)

    for key, kind in ((KEY_WATCHLISTS, WatchLists), (KEY_MUTES, Mutes)):
        _add_list(routes, bus, key, kind)

    @routes.post("/watchlists/csv")
    async def from_csv(request: Request) -> Response:
        """Read `address,label` lines into entries; every bad line is named."""
        try:
            entries = read_csv((await _raw(request)).decode("utf-8", "replace"))
        except BadList as error:
            return _unusable(list(error.errors))
        return json({"entries": msgspec.to_builtins(entries)})

    @routes.get("/channels")
    async def channels() -> Response:
        """Where alerts go; secrets are never shown."""
        value, revision = await _read(bus(), KEY_CHANNELS)
        entries = msgspec.convert(value or {}, Channels).entries
        return json({"revision": revision, "entries": [shown(one) for one in entries]})

    @routes.put("/channels")
    async def put_channels(request: Request) -> Response:
        """Change the channels; `(kept)` keeps a secret that is there."""
        return await _answer(_put_channels(bus(), await _body(request)))

    @routes.post("/channels/{name}/test")
    async def try_channel(name: str) -> Response:
        """Send a test message through a channel."""
        question = msgspec.json.encode({"channel": name[:64]})
        try:
            answer = await bus().client.request(ASK_NOTIFIER, question, timeout=TEST_TIMEOUT_S)
        except (NatsError, OSError, TimeoutError) as error:
            why = f"No notifier answers ({type(error).__name__}): is one running?"
            return problems.problem(503, why)
        told = msgspec.json.decode(answer.data)
        return problems.problem(502, told["error"]) if "error" in told else json(told)

    return routes


def _add_list(routes: APIRouter, bus: Callable[[], Bus], key: str, kind: type[Any]) -> None:
    @routes.get(f"/{key}")
    async def get_list() -> Response:
        value, revision = await _read(bus(), key)
        kept = (
            shipped_mutes()
            if value is None and kind is Mutes
            else msgspec.convert(value or {}, kind)
        )
        entries = msgspec.to_builtins(kept.entries)
        return json({"revision": revision, "entries": entries})

    @routes.put(f"/{key}")
    async def put_list(request: Request) -> Response:
        return await _answer(_put_list(bus(), key, kind, await _body(request)))


async def _put_rules(bus: Bus, body: dict[str, Any]) -> Response:
    try:
        rules = read_rules(msgspec.json.encode(body.get("rules")).decode())
    except BadRules as error:
        raise Refused(_unusable(list(error.errors))) from error
    return await _store(bus, KEY_TRIGGERS, body, {"rules": msgspec.to_builtins(rules)})


async def _put_list(bus: Bus, key: str, kind: type[Any], body: dict[str, Any]) -> Response:
    try:
        lists = msgspec.convert({"entries": body.get("entries", ())}, kind)
    except msgspec.ValidationError as error:
        raise Refused(_unusable([str(error)])) from error
    return await _store(bus, key, body, msgspec.to_builtins(lists))


async def _put_channels(bus: Bus, body: dict[str, Any]) -> Response:
    value, _ = await _read(bus, KEY_CHANNELS)
    try:
        new = msgspec.convert({"entries": body.get("entries", ())}, Channels)
    except msgspec.ValidationError as error:
        raise Refused(_unusable([str(error)])) from error
    kept = with_kept_secrets(new, msgspec.convert(value or {}, Channels))
    if wrong := channel_problems(kept):
        raise Refused(_unusable(wrong))
    return await _store(bus, KEY_CHANNELS, body, msgspec.to_builtins(kept))


async def _store(bus: Bus, key: str, body: dict[str, Any], value: dict[str, Any]) -> Response:
    """Write a value at the revision that the body names."""
    revision = body.get("revision")
    if not isinstance(revision, int) or revision < 0:
        raise Refused(_unusable(["revision: the number that GET gave, 0 for the first change"]))
    who = str(body.get("who", ""))[:WHO_MAX]
    stored = {**value, "who": who, "note": str(body.get("note", ""))[:WHO_MAX], "at_ms": now_ms()}
    try:
        made = await bus.kv_put(BUCKET_CONFIG, key, msgspec.json.encode(stored), revision=revision)
    except ApiRefused as error:
        if error.err_code != WRONG_LAST_SEQUENCE:
            raise
        _, now = await _read(bus, key)
        why = f"Revision {revision} is not the last one, {now} is: read it and change that."
        raise Refused(problems.problem(409, why)) from error
    return json({"revision": made})


async def _read(bus: Bus, key: str) -> tuple[dict[str, Any] | None, int]:
    entry = await bus.kv_get(BUCKET_CONFIG, key)
    if entry is None:
        return None, 0
    value: dict[str, Any] = msgspec.json.decode(entry[0])
    return value, entry[1]


async def _history(bus: Bus, key: str) -> list[dict[str, Any]]:
    reader = LogReader(bus, f"KV_{BUCKET_CONFIG}", subject=f"$KV.{BUCKET_CONFIG}.{key}")
    found: list[dict[str, Any]] = []
    try:
        await reader.open()
        while reader.pending and len(found) < HISTORY_MAX:
            messages = await reader.fetch(HISTORY_MAX)
            found += [{"revision": m.seq, **msgspec.json.decode(m.body)} for m in messages]
            if not messages:
                break
    finally:
        await reader.close()
    return found[::-1]


def with_differences(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each revision of the rules changed against the one before, by rule name.

    `history` is newest first; the oldest kept one is compared with the shipped rules.
    """
    shipped: list[dict[str, Any]] = msgspec.to_builtins(shipped_rules())
    told = []
    for at, entry in enumerate(history):
        earlier = history[at + 1]["rules"] if at + 1 < len(history) else shipped
        before = {rule["name"]: rule for rule in earlier}
        after = {rule["name"]: rule for rule in entry["rules"]}
        difference = {
            "added": sorted(after.keys() - before.keys()),
            "removed": sorted(before.keys() - after.keys()),
            "changed": sorted(n for n in after.keys() & before.keys() if after[n] != before[n]),
        }
        told.append({**entry, "diff": difference})
    return told


async def _answer(work: Any) -> Response:
    try:
        response: Response = await work
    except Refused as refused:
        return refused.response
    return response


async def _raw(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge
    return bytes(body)


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(await _raw(request))
    except msgspec.MsgspecError as error:
        raise NotJson(str(error)) from error
    return body if isinstance(body, dict) else {}


def _unusable(errors: list[str]) -> Response:
    told = [{"where": "body", "what": error} for error in errors]
    return problems.problem(422, "; ".join(errors)[:2_000], errors=told)


class BodyTooLarge(Exception):
    """A body over BODY_BYTES_MAX."""


class NotJson(ValueError):
    """A body that is no JSON."""


def install(app: Any) -> None:
    """Answer what bodies do wrong as problems."""

    @app.exception_handler(BodyTooLarge)  # type: ignore[untyped-decorator]
    async def too_large(_request: Request, _error: BodyTooLarge) -> Response:
        return problems.problem(413, f"At most {BODY_BYTES_MAX} bytes.")

    @app.exception_handler(NotJson)  # type: ignore[untyped-decorator]
    async def not_json(_request: Request, error: NotJson) -> Response:
        return problems.problem(422, f"body: not JSON: {error}")
