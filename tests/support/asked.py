"""Questions to a real history, answered in whole."""

from __future__ import annotations

from contextlib import aclosing

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import EndedEarly, ask_for_parts
from pw_common.jetstream.requests import Unanswered
from pw_common.topology.subjects import ASK_HISTORY
from pw_common.wire.history import HistoryAsked, HistoryHead
from support.poll import poll_until


async def asked(bus: Bus, question: HistoryAsked) -> tuple[HistoryHead, list[dict[str, object]]]:
    """The head and all rows of an answer."""
    body = b""
    parts = ask_for_parts(bus, ASK_HISTORY, msgspec.json.encode(question), timeout_s=20.0)
    async with aclosing(parts):
        async for part in parts:
            body += part
    head, *rows = body.splitlines()
    return msgspec.json.decode(head, type=HistoryHead), [msgspec.json.decode(row) for row in rows]


async def kept_up_to(bus: Bus, slot: int, question: HistoryAsked) -> HistoryHead:
    """Wait until history has stored a slot."""

    async def there() -> HistoryHead | None:
        try:
            head, _ = await asked(bus, question)
        except (Unanswered, EndedEarly):
            return None
        return head if head.slot >= slot else None

    return await poll_until(there, f"history up to slot {slot}", timeout_s=60)
