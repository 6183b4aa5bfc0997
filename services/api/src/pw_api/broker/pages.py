"""Pages of a stream with only what is wanted: filtered first, so that a page is full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage
from pw_common.jetstream.consuming.pages import newest_first

# One request looks at no more messages than this; the next request goes on where it ended.
LOOKED_AT_MAX: Final = 4_096
# How many are read at a time once some of a page were left out.
READ: Final = 512

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """What is wanted, newest first; `next_before_seq` continues, None at the beginning."""

    found: list[T]
    next_before_seq: int | None


async def newest_wanted(
    bus: Bus,
    stream: str,
    wanted: Callable[[StoredMessage], T | None],
    *,
    limit: int,
    before_seq: int | None,
) -> Found[T]:
    """The newest `limit` messages below `before_seq` that are wanted.

    Args:
        wanted: What a message is shown as; None for one that is left out.

    Raises:
        BrokerAway: no answer.
        ApiRefused: no such stream.
    """
    found: list[T] = []
    before, looked_at = before_seq, 0
    while len(found) < limit and looked_at < LOOKED_AT_MAX:
        count = READ if looked_at else limit
        page = await newest_first(bus, stream, limit=count, before_seq=before)
        for message in page.messages:
            shown = wanted(message)
            found += [] if shown is None else [shown]
            if len(found) == limit and message is not page.messages[-1]:
                return Found(found, message.seq)
        before, looked_at = page.next_before_seq, looked_at + count
        if before is None:
            break
    return Found(found, before)
