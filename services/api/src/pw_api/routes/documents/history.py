"""The kept revisions: of one document page by page, and who changed what of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Response

from pw_api.broker.stored import FIELD, HISTORY_MAX, history
from pw_api.core.differences import with_differences
from pw_api.http.answers import json
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

    @routes.get("/changes", responses=answer_of(DocumentChanges))
    async def changes(limit: ChangesLimit = 50) -> Response:
        """Who changed what when: of every document of the configuration, newest first."""
        found: list[dict[str, Any]] = []
        for key in IDENTITY:
            page = await page_of(bus(), key, min(limit, HISTORY_MAX), None)
            found += [
                {"of": key, **{name: one[name] for name in SAID if name in one}}
                for one in page["history"]
            ]
        # A revision is a sequence of the whole bucket: the order of all changes.
        found.sort(key=lambda one: int(one["revision"]), reverse=True)
        return json({"changes": found[:limit]})

    return routes


async def page_of(bus: Bus, key: str, limit: int, before_revision: int | None) -> dict[str, Any]:
    """Revisions, newest first, each with what it changed.

    The oldest one that is kept is compared with what is shipped.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    # One more, to which the oldest of the page is compared.
    found = await history(bus, key, limit=limit + 1, before_revision=before_revision)
    page, rest = found[:limit], found[limit:]
    below = rest[0][FIELD[key]] if rest else _shipped(key)
    entries = with_differences(page, field=FIELD[key], identity=IDENTITY[key], below=below)
    return {
        "history": list(entries),
        "next_before_revision": page[-1]["revision"] if rest else None,
    }


def _shipped(key: str) -> list[dict[str, Any]]:
    if key != KEY_TRIGGERS:
        return []
    # As they would be stored: a tuple is no list, and each of them would count as changed.
    rules: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(shipped_rules()))
    return rules
