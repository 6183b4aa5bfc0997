"""One subscriber: its filter, its bounded queue, and what was put on its wire."""

from __future__ import annotations

import asyncio
from collections import deque

from pw_replay.core.filters import Filter
from pw_replay.core.items import DISCONTINUITY, Item, names_field

MESSAGES_MAX = 512
BYTES_MAX = 8 * 1024 * 1024

# SubscribeUpdate.ping and .pong on the wire: fields 6 and 9.
PING = b"\x32\x00"


class Lagged(RuntimeError):
    """The queue is full and this server cuts slow clients."""


class Subscriber:
    """Items wait here until the stream takes them; `room` is awaited by the player."""

    def __init__(self, filter_: Filter, *, cut_when_full: bool) -> None:
        self.filter = filter_
        self._cut_when_full = cut_when_full
        self._queue: deque[tuple[Item | None, bytes]] = deque()
        self._bytes = 0
        self._declare = False
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.gone = False
        self.lagged = False
        self.sent = 0

    @property
    def waiting(self) -> int:
        """Updates in the queue."""
        return len(self._queue)

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
        if len(self._queue) >= MESSAGES_MAX or self._bytes >= BYTES_MAX:
            self._room.clear()
            self.lagged = self.lagged or self._cut_when_full

    def push_raw(self, update: bytes) -> None:
        """Queue a ping or pong; these do not count against the bounds."""
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
        """
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        if self.lagged:
            raise Lagged
        item, head = self._queue.popleft()
        if item is not None:
            self._bytes -= len(item.rest)
        if len(self._queue) < MESSAGES_MAX // 2 and self._bytes < BYTES_MAX // 2:
            self._room.set()
        return item, head

    def leave(self) -> None:
        """The stream ended: whoever waits for room need not."""
        self.gone = True
        self._room.set()
