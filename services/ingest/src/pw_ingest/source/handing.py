"""What the tasks of a source hand to whoever reads it, and how they end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from pw_common.process.clock import monotonic_s
from pw_common.process.tasks import end_tasks
from pw_common.text.plain_text import ERROR_CHARS_MAX, plain_text
from pw_common.text.redact import redacted
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.rpc.follow import Break
from pw_ingest.source.any_source import StreamEnded
from pw_rpc.node import BadAnswer, Denied, NodeFailed, NotHad
from pw_rpc.pace import IDLE_EVERY_S

NODE_ERRORS: Final = (NodeFailed, NotHad, BadAnswer)
PING: Final = pb.SubscribeUpdate(ping=pb.SubscribeUpdatePing()).SerializeToString()


class Handing:
    """One stream at a time. `trouble` is what the node said last that holds it up."""

    def __init__(self) -> None:
        self._ready: deque[bytes | Break] = deque()
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._is_cut = False
        self._end: StreamEnded | None = None
        self._runner: asyncio.Task[None] | None = None
        self.trouble = ""

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let `work` fill a new stream; what a node can cause ends the stream alone."""
        self._ready.clear()
        self._is_cut, self._end = False, None
        self._runner = asyncio.create_task(self._run(work), name=name)

    async def read(self) -> bytes | Break:
        """The next update, or the break before it.

        Raises:
            StreamEnded: there is no next one.
        """
        while self._is_cut or not self._ready:
            if self._is_cut:
                raise StreamEnded("CANCELLED", self.trouble or "ended by us")
            if self._runner is None or self._runner.done():
                raise self._end or await self._failed()
            self._room.set()
            self._news.clear()
            await self._news.wait()
        return self._ready.popleft()

    def ping(self) -> None:
        """The node answers, though it has nothing for us."""
        if not self._ready:
            self._ready.append(PING)
            self._news.set()

    async def rest(self, seconds: float) -> None:
        """Wait because we want to: meanwhile the node is not taken for a silent one."""
        until_s = monotonic_s() + seconds
        while (left_s := until_s - monotonic_s()) > 0:
            await asyncio.sleep(min(left_s, IDLE_EVERY_S))
            self.ping()

    async def put(self, some: Iterable[bytes | Break]) -> float:
        """Hand these on once the reader has taken all before; how long that took, in seconds."""
        began_s = monotonic_s()
        while self._ready and self._ready[0] != PING:
            self._room.clear()
            await self._room.wait()
        self._ready.extend(some)
        self._news.set()
        return monotonic_s() - began_s

    def cut(self) -> None:
        """End the stream from our side; a pending `read` then raises `StreamEnded`."""
        self._is_cut = True
        self._ready.clear()
        self._news.set()

    async def close(self) -> None:
        """End the stream and what works for it."""
        self.cut()
        if self._runner is not None:
            await end_tasks(self._runner)
            self._runner = None

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StreamEnded as ended:
            self._end = ended
        except NODE_ERRORS as error:
            self._end = _ended(error)
        except ExceptionGroup as several:
            of_node, others = several.split(NODE_ERRORS)
            if others is not None or of_node is None:
                raise
            self._end = _ended(of_node.exceptions[0])
        finally:
            self._news.set()

    async def _failed(self) -> StreamEnded:
        """What no node can cause ends ingest, as everywhere."""
        if self._runner is not None:
            await self._runner
        return StreamEnded("CANCELLED", "ended by us")


def _ended(error: BaseException) -> StreamEnded:
    """Nothing but a refused key is for ever: the same slot is asked for again."""
    code = "UNAUTHENTICATED" if isinstance(error, Denied) else "UNAVAILABLE"
    return StreamEnded(code, plain_text(redacted(str(error)), ERROR_CHARS_MAX))
