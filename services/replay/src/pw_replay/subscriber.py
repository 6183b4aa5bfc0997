"""One subscriber: its filter, its bounded queue, and what was put on its wire."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from pw_replay.core.filters import Filter
from pw_replay.core.items import DISCONTINUITY, Item, names_field

MESSAGES_MAX = 512
BYTES_MAX = 8 * 1024 * 1024
# Where nobody waits for a client, it gets more room before it counts as slow.
CUT_MESSAGES_MAX = 4_096
CUT_BYTES_MAX = 32 * 1024 * 1024
# Pings and pongs.
RAW_MAX = 512

# SubscribeUpdate.ping and .pong on the wire: fields 6 and 9.
PING = b"\x32\x00"


class Lagged(RuntimeError):
    """The queue is full and this server cuts slow clients."""


class CutByPlan(RuntimeError):
    """A fault plan cuts this stream now."""


class Subscriber:
    """Items wait here until the stream takes them; `room` is awaited by the player."""

    def __init__(self, filter_: Filter, *, cut_when_full: bool) -> None:
        self.filter = filter_
        self._cut_when_full = cut_when_full
        self._queue: deque[tuple[Item | None, bytes]] = deque()
        self._bytes = 0
        self._raw = 0
        self._messages_max = CUT_MESSAGES_MAX if cut_when_full else MESSAGES_MAX
        self._bytes_max = CUT_BYTES_MAX if cut_when_full else BYTES_MAX
        self._behind = (0, 0)
        self._declare = False
        self._in_hand = 0
        self._cut_by_plan = False
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.gone = False
        self.lagged = False
        self.sent = 0

    @property
    def waiting(self) -> int:
        """Updates that are not on the wire yet, the one being written included."""
        return len(self._queue) + self._in_hand

    def push(self, item: Item) -> None:
        """Queue an item if a filter wants it; a discontinuity waits for the next wanted one."""
        self._declare = self._declare or item.discontinuity
        names = self.filter.names(item)
        if not names:
            return
        if self._declare:
            names = (*names, DISCONTINUITY)
            self._declare = False
        self._queue.append((item, names_field(names)))
        self._bytes += len(item.rest)
        self._filled.set()
        messages, size = self._behind
        if (
            len(self._queue) >= self._messages_max + messages
            or self._bytes >= self._bytes_max + size
        ):
            self._room.clear()
            self.lagged = self.lagged or self._cut_when_full

    def catch_up(self, items: Iterable[Item]) -> None:
        """Queue what was remembered; nobody is cut for being behind by what he resumes with."""
        lagged = self.lagged
        for item in items:
            self.push(item)
        self.lagged = lagged
        if self._cut_when_full:
            self._behind = (len(self._queue), self._bytes)

    def cut(self, *, lagged: bool = False) -> None:
        """End the stream at the next occasion, whatever is still queued."""
        self._cut_by_plan = True
        self.lagged = self.lagged or lagged
        self._filled.set()

    def push_raw(self, update: bytes, *, first: bool = False) -> None:
        """Queue a ping or pong; a client that floods us with pings and does not read gets none.

        With `first` it goes out before all that waits.
        """
        if self._raw >= RAW_MAX:
            return
        self._raw += 1
        if first:
            self._queue.appendleft((None, update))
        else:
            self._queue.append((None, update))
        self._filled.set()

    async def room(self) -> None:
        """Wait until the queue has room; at once for a subscriber that left or is cut."""
        if not self._cut_when_full and not self.gone:
            await self._room.wait()

    async def next(self) -> tuple[Item | None, bytes]:
        """The next item and its filter names, or None and a ready update.

        Raises:
            Lagged: the queue was full.
            CutByPlan: `cut` was called.
        """
        self.written()
        while not self._queue and not self._cut_by_plan:
            self._filled.clear()
            await self._filled.wait()
        if self.lagged:
            raise Lagged
        if self._cut_by_plan:
            raise CutByPlan
        self._in_hand = 1
        item, head = self._queue.popleft()
        if item is None:
            self._raw -= 1
        else:
            self._bytes -= len(item.rest)
        if len(self._queue) < self._messages_max // 2 and self._bytes < self._bytes_max // 2:
            self._room.set()
            self._behind = (0, 0)
        return item, head

    def written(self) -> None:
        """What `next` gave is on the wire."""
        self._in_hand = 0

    def leave(self) -> None:
        """The stream ended: whoever waits for room need not."""
        self.gone = True
        self._room.set()
