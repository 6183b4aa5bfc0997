"""The kept revisions of a document, page by page."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import Query

from pw_api.broker.stored import FIELD, HISTORY_MAX, history
from pw_api.core.differences import with_differences
from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import KEY_PROGRAMS, KEY_TRIGGERS
from pw_detection.rules.rules import shipped_rules

HistoryLimit = Annotated[
    int, Query(ge=1, le=HISTORY_MAX, description="How many revisions, newest first")
]
BeforeRevision = Annotated[
    int | None, Query(ge=1, le=2**53, description="Only revisions before this one")
]
IDENTITY: Final = {KEY_TRIGGERS: "name", KEY_PROGRAMS: "id"}


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
