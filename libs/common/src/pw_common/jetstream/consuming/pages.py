"""A stream page by page, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage
from pw_common.jetstream.consuming.ranges import read_range

# Walking back over deleted messages widens its window up to this, this often.
WINDOW_MAX: Final = 4096
WINDOWS_MAX: Final = 16


@dataclass(frozen=True)
class Page:
    """Messages, newest first; `next_before_seq` continues, None at the beginning."""

    messages: list[StoredMessage]
    next_before_seq: int | None


async def newest_first(
    bus: Bus, stream: str, *, limit: int, before_seq: int | None = None, headers_only: bool = False
) -> Page:
    """The newest `limit` messages below `before_seq`, newest first, whatever was deleted between.

    Raises:
        BrokerAway: no answer.
        ApiRefused: no such stream.
    """
    state = (await bus.api(f"STREAM.INFO.{stream}"))["state"]
    first = max(1, int(state["first_seq"]))
    end = min(before_seq or 2**63, int(state["last_seq"]) + 1)
    found: list[StoredMessage] = []
    width = limit
    for _ in range(WINDOWS_MAX):
        if end <= first or len(found) >= limit:
            break
        start = max(first, end - width)
        within = read_range(bus, stream, start, end - 1, headers_only=headers_only)
        window = [message async for message in within]
        found.extend(reversed(window))
        end = start
        width = min(2 * width, WINDOW_MAX)
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1].seq)
    return Page(found, end if end > first else None)
