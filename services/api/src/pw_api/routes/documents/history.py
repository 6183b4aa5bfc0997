"""The kept revisions: of one document page by page, and who changed what of all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Response

from pw_api.broker.stored import FIELD, HISTORY_MAX, Revisions, body_of, read_revision, revisions
from pw_api.core.differences import Entries, difference
from pw_api.http.answers import json
from pw_api.models.bodies import Parsing
from pw_api.models.changes import DocumentChanges
from pw_api.models.openapi import answer_of
from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import (
    KEY_ACKNOWLEDGED,
    KEY_CHANNELS,
    KEY_MUTES,
    KEY_PROGRAMS,
    KEY_TRIGGERS,
    KEY_WATCHLISTS,
)
from pw_detection.rules.rules import shipped_rules

HistoryLimit = Annotated[
    int, Query(ge=1, le=HISTORY_MAX, description="How many revisions, newest first")
]
BeforeRevision = Annotated[
    int | None, Query(ge=1, le=2**53, description="Only revisions before this one")
]
# What two entries of a document differ by.
IDENTITY: Final = {
    KEY_TRIGGERS: ("name",),
    KEY_PROGRAMS: ("id",),
    KEY_ACKNOWLEDGED: ("program", "tag"),
    KEY_WATCHLISTS: ("address", "of"),
    KEY_MUTES: ("address", "of"),
    KEY_CHANNELS: ("name",),
}
CHANGES_MAX: Final = len(IDENTITY) * HISTORY_MAX
ChangesLimit = Annotated[int, Query(ge=1, le=CHANGES_MAX, description="How many, newest first")]
# What is said of a revision; never what it holds, since channels have secrets.
SAID: Final = ("revision", "who", "note", "at_ms", "diff", "unusable")


def router(bus: Callable[[], Bus]) -> APIRouter:
    """The route below `/api/v1`."""
    routes = APIRouter()
    parsing = Parsing()

    @routes.get("/changes", responses=answer_of(DocumentChanges))
    async def changes(limit: ChangesLimit = 50) -> Response:
        """Who changed what when: of every document of the configuration, newest first."""
        of = {key: await revisions(bus(), key) for key in IDENTITY}
        # A revision is a sequence of the whole bucket: the order of all changes. Only those that
        # are answered are read.
        newest = sorted((seq for one in of.values() for seq in one.seqs), reverse=True)[:limit]
        found: list[dict[str, Any]] = []
        for key, kept in of.items():
            count = sum(seq >= newest[-1] for seq in kept.seqs) if newest else 0
            found += [
                {"of": key, **{name: one[name] for name in SAID if name in one}}
                async for one in _compared(bus(), parsing, key, kept, kept.seqs[:count])
            ]
        found.sort(key=lambda one: int(one["revision"]), reverse=True)
        return json({"changes": found})

    return routes


async def page_of(
    bus: Bus, parsing: Parsing, key: str, limit: int, before_revision: int | None
) -> dict[str, Any]:
    """Revisions, newest first, each with what it changed, where that is known.

    The first one of all is compared with what is shipped.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    kept = await revisions(bus, key)
    seqs = [one for one in kept.seqs if before_revision is None or one < before_revision]
    page = seqs[:limit]
    return {
        "history": [one async for one in _compared(bus, parsing, key, kept, page)],
        "next_before_revision": page[-1] if len(seqs) > limit else None,
    }


async def _compared(
    bus: Bus, parsing: Parsing, key: str, kept: Revisions, page: list[int]
) -> AsyncIterator[dict[str, Any]]:
    """The revisions of a page, with what each changed.

    Two are held at a time, and what takes long is done beside the event loop.
    """
    if not page:
        return

    async def read(seq: int) -> dict[str, Any]:
        return await parsing.run(read_revision, key, seq, await body_of(bus, seq))

    one = await read(page[0])
    # One more, to which the oldest of the page is compared.
    earlier = [seq for seq in kept.seqs if seq < page[0]][: len(page)]
    for seq in earlier:
        before = await read(seq)
        yield await parsing.run(_with_difference, key, one, _entries(key, before))
        one = before
    if len(earlier) < len(page):
        below = _shipped(key) if kept.is_all else None
        yield await parsing.run(_with_difference, key, one, below)


def _with_difference(key: str, one: dict[str, Any], before: Entries | None) -> dict[str, Any]:
    return {**one, "diff": difference(before, _entries(key, one), IDENTITY[key])}


def _entries(key: str, one: dict[str, Any]) -> Entries | None:
    """Of a revision that cannot be used nobody knows them."""
    return None if "unusable" in one else one[FIELD[key]]


def _shipped(key: str) -> Entries:
    if key != KEY_TRIGGERS:
        return []
    # As they would be stored: a tuple is no list, and each of them would count as changed.
    rules: Entries = msgspec.json.decode(msgspec.json.encode(shipped_rules()))
    return rules
