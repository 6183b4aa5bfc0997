"""Questions to a real history, answered in whole."""

from __future__ import annotations

from contextlib import aclosing

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import EndedEarly, ask_for_parts
from pw_common.jetstream.requests import Unanswered
from pw_common.topology.subjects import ASK_HISTORY
from pw_common.wire.history import ROWS_MAX, HistoryAsked, HistoryHead, SwapPlace, SwapsAsked
from support.poll import poll_until

PLACE = ("event_time_ms", "slot", "index", "signature", "ordinal")


async def asked(bus: Bus, question: HistoryAsked) -> tuple[HistoryHead, list[dict[str, object]]]:
    """The head and all rows of an answer."""
    body = b""
    parts = ask_for_parts(bus, ASK_HISTORY, msgspec.json.encode(question), timeout_s=20.0)
    async with aclosing(parts):
        async for part in parts:
            body += part
    head, *rows = body.splitlines()
    return msgspec.json.decode(head, type=HistoryHead), [msgspec.json.decode(row) for row in rows]


async def every_swap(bus: Bus) -> list[dict[str, object]]:
    """All swaps that are kept, newest first, page by page."""
    found: list[dict[str, object]] = []
    before: SwapPlace | None = None
    while True:
        _, rows = await asked(bus, SwapsAsked(before=before, limit=ROWS_MAX))
        found += rows
        if len(rows) < ROWS_MAX:
            return found
        last = rows[-1]
        before = msgspec.convert([last[name] for name in PLACE], SwapPlace)


async def kept_up_to(bus: Bus, slot: int, question: HistoryAsked) -> HistoryHead:
    """Wait until history has stored a slot."""

    async def there() -> HistoryHead | None:
        try:
            head, _ = await asked(bus, question)
        except (Unanswered, EndedEarly):
            return None
        return head if head.slot >= slot else None

    return await poll_until(there, f"history up to slot {slot}", timeout_s=60)
