"""One endpoint: its stream read into the pipeline, and what is known of its health.

    a stream | `connected` | what ends the state                  | silence counts
    closed   | no          | `stream` is called                   | no
    opening  | no          | the first message, or the stream's   | yes
             |             | end                                  |
    reading  | yes         | an update that fills a message, or   | yes
             |             | the stream's end                     |
    sending  | yes         | the sender took it: there was room   | no: it is we who keep the source

A stream ends by its source's word, or by `cut`: for silence, a lost filter, a wider one, a
standby that is ahead, or a claim that cannot be. The next stream is asked for what it missed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pw_common.ordering.backoff import Backoff
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.service.run import Runtime
from pw_common.wire.heartbeat import EndpointHealth
from pw_ingest.config import Endpoint, Settings
from pw_ingest.core.endpoints.merge import Merge
from pw_ingest.core.endpoints.opening import Held
from pw_ingest.core.endpoints.plausible import Steady
from pw_ingest.core.endpoints.quiet import FilterWatch
from pw_ingest.core.rpc.follow import Break
from pw_ingest.core.sequencing.identity import META, PING, Seen, read_update
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_ingest.core.subscription.ladder import Ladder
from pw_ingest.sink.sender import Sender
from pw_ingest.source.any_source import AnySource, StreamEnded
from pw_ingest.source.guard import Guard
from pw_ingest.source.stream import Source

NS_PER_MS = 1_000_000
# Before the next stream of an endpoint whose last one brought nothing new.
RECONNECT: Final = Backoff(first_s=0.25, most_s=10.0)


async def _nothing() -> None:
    pass


def _source_of(endpoint: Endpoint, settings: Settings, runtime: Runtime, guard: Guard) -> AnySource:
    if not endpoint.is_rpc:
        return Source(endpoint)
    # A node is asked by an HTTP client, which a stream does without: it is slow to load.
    if settings.rpc_follow:
        from pw_ingest.source.followed_source import FollowedSource  # noqa: PLC0415

        return FollowedSource(endpoint, settings, runtime, guard.is_possible)
    from pw_ingest.source.rpc_source import RpcSource  # noqa: PLC0415

    return RpcSource(endpoint, settings, runtime, guard.is_possible)


@dataclass(frozen=True)
class Shared:
    """What all readers of an ingest share. Where they race, `merge` decides what is new."""

    settings: Settings
    runtime: Runtime
    pipeline: Pipeline
    sender: Sender
    merge: Merge | None
    steady: Steady


class EndpointReader:
    """Reads one endpoint."""

    def __init__(self, number: int, endpoint: Endpoint, shared: Shared) -> None:
        settings, runtime = shared.settings, shared.runtime
        self.number = number
        self.name = endpoint.redacted
        # Where the key is that it asks for.
        self.key_setting = "PW_INGEST_TOKEN_FILE"
        if endpoint.is_rpc:
            self.key_setting = "PW_INGEST_RPC_URL or PW_INGEST_RPC_HEADER_FILE"
        self.guard = Guard(self.name, settings, runtime, shared.steady)
        # Whether another endpoint carries on alone.
        self.may_leave: Callable[[], bool] = lambda: False
        self.source = _source_of(endpoint, settings, runtime, self.guard)
        # Set again before the first stream, once the checkpoint says how new we are.
        self.ladder = Ladder(settings.rungs(), settings.filter_retry_s)
        # Whoever needs to know which filters are in use; called before an update is taken.
        self.on_connected: Callable[[], Awaitable[None]] = _nothing
        self._settings = settings
        self._runtime = runtime
        self._pipeline = shared.pipeline
        self._sender = shared.sender
        self._merge = shared.merge
        self._turn = asyncio.Lock()
        self._luck = random.Random()  # noqa: S311
        self._watch = FilterWatch()
        self._stale_why = ""
        self._read_at_s = 0.0
        self._opened_s = 0.0
        self._reading = False
        self._attempt = 0
        self.connected = False
        self.detail = ""
        self.updates = 0
        self.slot = 0
        self.created_ns = 0

    def health(self, *, active: bool) -> EndpointHealth:
        """What the heartbeat says of it."""
        wrong = self._merge.views[self.number].wrong if self._merge else ""
        lag_ms = max(0, now_ms() - self.created_ns // NS_PER_MS) if self.created_ns else None
        return EndpointHealth(
            endpoint=self.name,
            connected=self.connected,
            active=active,
            slot=self.slot or None,
            lag_ms=lag_ms if self.connected and not self.guard.is_clockless else None,
            detail=wrong or self.detail,
            clock_ahead_ms=self.guard.clock_ahead_ms if self.connected else 0,
            refused=self.guard.refused,
            refusing=self.guard.said(),
            filter=self.ladder.now.filter,
        )

    async def stream(self, from_slot: int | None) -> StreamEnded:
        """Read one stream to its end."""
        self._stale_why = ""
        self._read_at_s = self._opened_s = monotonic_s()
        self._reading = True
        self._watch = FilterWatch()
        self.guard.opened()
        if self._merge is not None:
            self._merge.opened(self.number, is_live=from_slot is None)
        try:
            self.ladder.opens(self._opened_s)
            await self.source.open(from_slot, self.ladder.now.request)
            while True:
                update = await self.source.read()
                self._read_at_s = monotonic_s()
                if not self.connected:
                    self._on_connected(from_slot)
                    await self.on_connected()
                if isinstance(update, Break):
                    await self._break(update, self._read_at_s)
                else:
                    await self._take(update, self._read_at_s)
        except StreamEnded as ended:
            await self._pass_on(self.guard.due(monotonic_s(), ends=True), monotonic_s())
            return ended
        finally:
            self._reading = False
            self.connected = False
            if self._merge is not None:
                self._merge.closed(self.number)
            await self.source.close_stream()

    def pause_s(self, ended: StreamEnded, *, moved: bool) -> float:
        """Note an end; returns how long to wait before the next attempt."""
        why = self._stale_why or ended.code.lower()
        self._attempt = 0 if moved else self._attempt + 1
        pause_s = RECONNECT.wait_s(self._attempt, self._luck.random())
        self.detail = str(ended)
        self._runtime.metrics.count("pw_ingest_reconnects_total", why=why)
        self._runtime.log.warning(
            "source_disconnected",
            endpoint=self.name,
            why=why,
            details=ended.details,
            retry_in_s=round(pause_s, 2),
        )
        return pause_s

    def narrows(self, ended: StreamEnded) -> bool:
        """Whether the stream was refused for what it asked, and less is asked for next."""
        refused = self.ladder.now.filter
        if not self.ladder.refused(ended.code, ended.details, monotonic_s()):
            return False
        self._runtime.metrics.count("pw_ingest_filter_refused_total", filter=refused)
        self._runtime.log.warning(
            "filter_refused",
            endpoint=self.name,
            refused=refused,
            asks_for=self.ladder.now.filter,
            why=str(ended),
        )
        return True

    async def widen(self) -> None:
        """Ask for what was refused long ago; the stream that is open goes on meanwhile."""
        for rung in self.ladder.wider(monotonic_s()):
            refusal = await self.source.takes(rung.request)
            if refusal is None:
                self._runtime.log.info("filter_taken", endpoint=self.name, filter=rung.filter)
                self.ladder.taken(rung)
                self.cut("wider_filter")
                return
            self._runtime.log.warning(
                "filter_still_refused", endpoint=self.name, filter=rung.filter, why=str(refusal)
            )

    def look(self, now_s: float) -> None:
        """Cut a stream that is dead, or that a server keeps without our filter."""
        if not self._reading:
            return
        if now_s - self._read_at_s > self._settings.stale_s:
            self.cut("stale")
            return
        finding = self._watch.look(now_s, self.source.pinged_at_s)
        if finding == "lost":
            self.cut("filter_lost")
        elif finding == "ask":
            self.source.send_filter()

    def is_dataless(self, now_s: float) -> bool:
        """Whether it has never sent anything but pings, on a stream that is old enough."""
        is_old = now_s - self._opened_s > self._settings.stale_s
        return self.connected and not self.updates and is_old

    def cut(self, why: str) -> None:
        """End the stream from our side; what was missed is asked for by the next one."""
        self._stale_why = why
        self.source.cancel()

    async def release_due(self, now_s: float) -> None:
        """Go on with what was held at a source's beginning, though nothing more came."""
        if self._reading:
            await self._pass_on(self.guard.due(now_s), now_s)

    async def _take(self, update: bytes, now_s: float) -> None:
        seen = read_update(update)
        if seen.identity.kind == PING:
            return
        self._watch.data(now_s)
        refused = self.guard.refused
        believed = self.guard.admit(update, seen, now_s)
        if believed:
            await self._pass_on(believed, now_s)
        if self.guard.refused > refused and self.guard.standing.is_liar(now_s):
            self._leave(now_s)

    async def _break(self, found: Break, now_s: float) -> None:
        """What comes next does not follow: after everything that came before it."""
        await self._pass_on(self.guard.due(now_s, ends=True), now_s)
        async with self._turn:
            self._pipeline.left_out(found.why, is_whole=found.is_whole)

    def _leave(self, now_s: float) -> None:
        # Alone it is kept: what it says that can be is better than nothing.
        if not self.may_leave():
            return
        self.guard.standing.leave(now_s)
        self.cut("lied")

    async def _pass_on(self, believed: Sequence[Held], now_s: float) -> None:
        # What was held may be released by the clock while the reader goes on: in order.
        async with self._turn:
            for one in believed:
                await self._merge_in(one.update, one.seen, now_s)

    async def _merge_in(self, update: bytes, seen: Seen, now_s: float) -> None:
        self.updates += 1
        self.slot = seen.identity.slot or self.slot
        self.created_ns = seen.created_ns or self.created_ns
        pipeline, merge, leads = self._pipeline, self._merge, True
        # Only a player of recordings knows that history does not go on; a chain's always does.
        is_player = self.guard.judge is None
        behind_slot = None
        if merge is not None:
            if self.guard.judge is not None:
                merge.views[self.number].ahead_ms = self.guard.judge.ahead_ms
            leads = merge.leads(self.number)
            if not merge.admits(self.number, seen, pipeline.complete_slot or 0):
                return
            behind_slot = merge.behind_slot() if seen.identity.kind == META else None
        messages = pipeline.take(
            update, seen, now_s, declared=leads and is_player, behind_slot=behind_slot
        )
        if messages:
            self._reading = False
            await self._sender.send(messages)
            self._read_at_s = monotonic_s()
            self._reading = True

    def _on_connected(self, from_slot: int | None) -> None:
        self.connected = True
        self.detail = ""
        self._runtime.set_ready()
        self._runtime.log.info("source_connected", endpoint=self.name, from_slot=from_slot)
