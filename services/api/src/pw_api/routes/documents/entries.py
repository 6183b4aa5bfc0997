"""One entry of a document at a time: POST adds it, DELETE removes it, at a revision.

The document that this makes is checked whole and stored as if it had been PUT, so that its bounds,
its history and its conflicts are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from pw_api.broker.stored import Kept, kept
from pw_api.http import problems
from pw_api.models.bodies import Parsing, revision_of, with_revision
from pw_api.models.changes import (
    ChannelAdded,
    MuteAdded,
    Removal,
    RuleAdded,
    WatchedAdded,
)
from pw_api.models.openapi import CHANGED, change_of
from pw_api.routes.documents.programs import Store
from pw_common.documents import channels as ch
from pw_common.documents.document import BadDocument
from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import KEY_CHANNELS, KEY_MUTES, KEY_TRIGGERS, KEY_WATCHLISTS
from pw_detection.rules.lists import effective_mutes, read_mutes, read_watchlists, shipped_mutes
from pw_detection.rules.rules import rules_of

NAMES_SHOWN_MAX: Final = 20
DIGITS: Final = re.compile(r"[0-9]{1,18}")
Entry: TypeAlias = dict[str, Any]
Asked: TypeAlias = str | None


class _Answered(Exception):  # noqa: N818 - not an error
    """The answer where something cannot be done."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Kind:
    """A document of entries: the word for one, what distinguishes two, how all are read."""

    key: str
    word: str
    field: str
    identity: tuple[str, ...]
    # Entries and what holds now -> the entries as they are stored. Raises BadDocument.
    read: Callable[[list[Entry], Any], Any]
    # The body that adds one.
    added: type


def _channels(entries: list[Entry], now: ch.Channels) -> Any:
    whole = ch.with_kept_secrets(ch.read_entries(entries), now)
    if wrong := ch.problems(whole):
        raise BadDocument(wrong)
    return whole.entries


KINDS: Final = (
    Kind(KEY_TRIGGERS, "rule", "rules", ("name",), lambda new, _: rules_of(new), RuleAdded),
    Kind(
        KEY_WATCHLISTS,
        "watched address",
        "entries",
        ("address", "of"),
        lambda new, _: read_watchlists(new).entries,
        WatchedAdded,
    ),
    Kind(
        KEY_MUTES,
        "mute",
        "entries",
        ("address", "of"),
        lambda new, _: read_mutes(new).entries,
        MuteAdded,
    ),
    Kind(KEY_CHANNELS, "channel", "entries", ("name",), _channels, ChannelAdded),
)


def add_entries(routes: APIRouter, bus: Callable[[], Bus], parsing: Parsing, store: Store) -> None:
    """POST and DELETE below each document."""
    for kind in KINDS:
        _add(routes, bus, parsing, store, kind)


def _add(
    routes: APIRouter, bus: Callable[[], Bus], parsing: Parsing, store: Store, kind: Kind
) -> None:
    async def post(request: Request) -> Response:
        body = await parsing.change(request, kind.added)
        try:
            found = await _at(bus(), kind, revision_of(body))
            value = await parsing.run(_with, kind, found, body)
        except _Answered as answer:
            return problems.problem(answer.status, str(answer))
        return await store(bus(), kind.key, body, {kind.field: value})

    async def delete(
        name: str, request: Request, asked: Annotated[Entry, Depends(_query)]
    ) -> Response:
        sent = request.headers.get("content-length", "0") != "0"
        body = await parsing.mapping(request, Removal) if sent else {}
        # A DELETE seldom has a body: its fields may stand in the query.
        body = with_revision(request, {**asked, **body})
        try:
            found = await _at(bus(), kind, revision_of(body))
            value = await parsing.run(_without, kind, found, name, body.get("of"))
        except _Answered as answer:
            return problems.problem(answer.status, str(answer))
        return await store(bus(), kind.key, body, {kind.field: value})

    routes.add_api_route(
        f"/{kind.key}", post, methods=["POST"], name=f"add_{kind.key}",
        responses=CHANGED,
        openapi_extra=change_of(kind.added),
        description=f"Add a {kind.word}: `{{revision, who, note, entry: {{…}}, replace}}`; 409 if "
        "there is one already and `replace` is not true, or if somebody was faster.",
    )  # fmt: skip
    routes.add_api_route(
        f"/{kind.key}/{{name}}", delete, methods=["DELETE"], name=f"remove_{kind.key}",
        responses=CHANGED,
        openapi_extra=change_of(Removal, required=False),
        description=f"Take a {kind.word} away. The revision is in `If-Match`, in the query or in "
        "the body; so are `who`, `note` and, where an address is more than one thing, `of`.",
    )  # fmt: skip


def _query(
    revision: Asked = None, who: Asked = None, note: Asked = None, of: Asked = None
) -> Entry:
    """The query's fields in the shape of a body."""
    fields: Entry = {"revision": revision, "who": who, "note": note, "of": of}
    fields = {name: value for name, value in fields.items() if value is not None}
    if revision is not None and DIGITS.fullmatch(revision):
        fields["revision"] = int(revision)
    return fields


async def _at(bus: Bus, kind: Kind, revision: int) -> Kept:
    """The document at this revision; a conflict is reported before any other error."""
    found = await kept(bus, kind.key)
    if found.revision != revision:
        raise _Answered(HTTPStatus.CONFLICT, conflict(revision, found.revision))
    if found.unusable and found.origin == "file":
        # A first change would remove what is not understood here.
        raise BadDocument([found.unusable])
    return found


def conflict(revision: int, newest: int) -> str:
    """Why a change is not made."""
    return f"Revision {revision} is not the newest, {newest} is: read that and change it."


def _with(kind: Kind, found: Kept, body: dict[str, Any]) -> Any:
    entry, replace = body.get("entry"), body.get("replace", False)
    if not isinstance(entry, dict):
        raise BadDocument([f"entry: allowed: an object, the {kind.word}"])
    if not isinstance(replace, bool):
        raise BadDocument(["replace: allowed: true or false"])
    entries = _entries(kind, found)
    same = [at for at, one in enumerate(entries) if _is_same(kind, one, entry)]
    at = same[0] if same else len(entries)
    # An entry that only removes a shipped mute is not a mute: the user's mute replaces it.
    if same and not replace and entries[at].get("muted") is not False:
        why = f"There is such a {kind.word} already: send `replace: true` to replace it."
        raise _Answered(HTTPStatus.CONFLICT, why)
    entries[at : at + 1] = [entry]
    try:
        return msgspec.to_builtins(kind.read(entries, found.value))
    except BadDocument as error:
        raise BadDocument(_of_one(error, at)) from error


def _of_one(error: BadDocument, at: int) -> list[str]:
    """The errors, named as those of the entry that was sent."""
    return [re.sub(rf"^(?:rules|entries)\[{at}\]", "entry", one) for one in error.errors]


def _without(kind: Kind, found: Kept, name: str, of: object) -> Any:
    if of is not None and not isinstance(of, str):
        raise BadDocument(["of: allowed: text"])
    entries = _entries(kind, found)
    gone = [one for one in entries if _is_meant(kind, one, name, of)]
    rest = [one for one in entries if one not in gone]
    below = _shipped(name, of) if kind.key == KEY_MUTES else []
    if not [one for one in gone if one.get("muted") is not False] and (gone or not below):
        raise _Answered(HTTPStatus.NOT_FOUND, _unknown(kind, found, name))
    rest += [{"address": one.address, "of": one.of, "muted": False} for one in below]
    return msgspec.to_builtins(kind.read(rest, found.value))


def _entries(kind: Kind, found: Kept) -> list[Entry]:
    """What holds, in its stored form."""
    value = found.value if kind.key == KEY_TRIGGERS else found.value.entries
    return list(msgspec.to_builtins(value))


def _is_same(kind: Kind, one: Entry, other: Entry) -> bool:
    # A field that is left out has its default, as in the entry that it makes.
    return all(one[name] == other.get(name, _DEFAULTS.get(name)) for name in kind.identity)


_DEFAULTS: Final = {"of": "wallet"}


def _is_meant(kind: Kind, one: Entry, name: str, of: object) -> bool:
    return one[kind.identity[0]] == name and (of is None or one.get("of") == of)


def _shipped(address: str, of: object) -> list[Any]:
    """The shipped mutes that would hold again."""
    return [
        one
        for one in shipped_mutes().entries
        if one.address == address and (of is None or one.of == of)
    ]


def _unknown(kind: Kind, found: Kept, name: str) -> str:
    names = [_full_name(kind, one) for one in _effective(kind, found)]
    shown = ", ".join(names[:NAMES_SHOWN_MAX]) or "none"
    more = f" and {len(names) - NAMES_SHOWN_MAX} more" if len(names) > NAMES_SHOWN_MAX else ""
    return f"There is no {kind.word} {name[:64]!r}; there are: {shown}{more}."


def _effective(kind: Kind, found: Kept) -> list[Entry]:
    """What could have been named: of mutes the shipped ones too."""
    if kind.key != KEY_MUTES:
        return _entries(kind, found)
    return list(msgspec.to_builtins(effective_mutes(found.value).entries))


def _full_name(kind: Kind, one: Entry) -> str:
    """A name; and what it is of, where the name alone may be two entries."""
    return " of ".join(str(one[name]) for name in kind.identity)
