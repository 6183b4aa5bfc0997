"""Keeps streams open: of one endpoint, of one at a time with standbys, or of all at once.

Which endpoint and slot come next is decided in `core/endpoints/succession.py`, where the table
is. Here it is carried out, stream after stream of one line (a race has a line for each):

    step     | what happens                                        | then
    READS    | the endpoint's stream is read to its end            | NARROWS or WAITS
    NARROWS  | it was refused for what it asked: it asks for less  | READS, at once
    WAITS    | the pause; in a race longer for who was left        | CHOOSES, or the end: no token
    CHOOSES  | it is asked where it begins, and so are others      | READS

Beside the lines one task asks for wider filters, and one asks standbys where they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from pw_common.process.clock import monotonic_s
from pw_common.process.tasks import end_tasks
from pw_common.service.run import Runtime
from pw_common.wire.coverage import narrowest
from pw_ingest.core.endpoints.merge import Merge
from pw_ingest.core.endpoints.plausible import Anchor, Refusal
from pw_ingest.core.endpoints.standby import Look, should_switch
from pw_ingest.core.endpoints.succession import AskWindows, End, Facts, Kind, Next, Succession, Wait
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_ingest.core.sequencing.resume import Plan
from pw_ingest.sink.sender import Sender
from pw_ingest.source.endpoint_reader import EndpointReader
from pw_ingest.source.stream import RECEIVE_BYTES_MAX

LOOK_EVERY_S: Final = 2.0
DENIED_WAIT_S: Final = 60.0
LEFT_LOOK_S: Final = 0.5
WIDEN_LOOK_S: Final = 1.0
# How long an endpoint waits for those before it to say something.
FIRST_WORD_S: Final = 3.0


class SourceRefuses(RuntimeError):
    """The source will not take us: trying again would not help."""


class Streams:
    """Keeps streams open for ever; `merge` decides whether all or one at a time."""

    def __init__(
        self,
        readers: Sequence[EndpointReader],
        pipeline: Pipeline,
        sender: Sender,
        runtime: Runtime,
        merge: Merge | None,
    ) -> None:
        self._readers = readers
        self._pipeline = pipeline
        self._sender = sender
        self._runtime = runtime
        self._merge = merge
        self._succession = Succession(len(readers), races=merge is not None)
        for reader in readers:
            reader.may_leave = partial(self._others_stand, reader)
            reader.on_connected = self._note_filter

    @property
    def races(self) -> bool:
        """Whether all endpoints are read at once."""
        return self._succession.races

    @property
    def active(self) -> int:
        """The number of the endpoint that is read; in a race the first."""
        return self._succession.active

    def anchor(self) -> Anchor | None:
        """What a next run may measure by: of the active endpoint, or the first that is there."""
        active = [self._readers[self.active], *self._readers]
        known = [reader for reader in active if reader in self._trusted() and reader.guard.anchor]
        connected = [reader for reader in known if reader.connected]
        best = (connected or known)[:1]
        return best[0].guard.anchor if best else None

    async def run(self) -> None:
        """Read until cancelled.

        Raises:
            SourceRefuses: no endpoint takes our token.
        """
        beside = [asyncio.create_task(self._widen(), name="ingest-widen")]
        if len(self._readers) > 1 and not self.races:
            looking = self._look_at_standbys()
            beside.append(asyncio.create_task(looking, name="ingest-standbys"))
        try:
            every = self._readers if self.races else self._readers[:1]
            await asyncio.gather(*(self._one(reader) for reader in every))
        finally:
            await end_tasks(*beside)

    async def _widen(self) -> None:
        """Ask endpoints again for what they refused, while their narrower stream is open."""
        while True:
            await asyncio.sleep(WIDEN_LOOK_S)
            for reader in self._readers:
                if reader.connected and reader.ladder.is_due(monotonic_s()):
                    await reader.widen()

    async def _note_filter(self) -> None:
        """What is seen now: of several open streams only what the narrowest shows is whole."""
        open_now = [reader.ladder.now.filter for reader in self._readers if reader.connected]
        seen = narrowest(open_now) if open_now else self._pipeline.filter
        if seen != self._pipeline.filter:
            # What is held came by the filter of before.
            held = self._pipeline.flush(monotonic_s())
            self._pipeline.filter = seen
            await self._sender.send(held)

    async def _one(self, reader: EndpointReader) -> None:
        """Stream after stream; with standbys, of one endpoint after the other."""
        await self._after_earlier(reader)
        plan = Plan(self._pipeline.resume_from())
        while True:
            received, slot = reader.updates, reader.slot
            ended = await reader.stream(plan.from_slot)
            await self._sender.send(self._pipeline.flush(monotonic_s()))
            await self._note_filter()
            has_received = reader.updates > received
            if not has_received and reader.narrows(ended):
                continue
            end = End(
                endpoint=reader.number,
                asked_slot=plan.from_slot,
                received=has_received,
                code=ended.code,
                details=ended.details,
                newest_slot=reader.slot,
                is_too_large=ended.is_too_large,
            )
            await self._wait(reader, end, reader.pause_s(ended, moved=reader.slot > slot))
            following = await self._choose(reader, end)
            reader, plan = self._turn_to(reader, following), following.plan

    async def _wait(self, reader: EndpointReader, end: End, usual_s: float) -> None:
        """The pause before the next stream.

        Raises:
            SourceRefuses: no endpoint takes our token.
        """
        waits = self._succession.ended(end)
        if waits is Wait.GIVE_UP:
            raise SourceRefuses(
                f"{reader.name} refuses us ({reader.detail}): "
                f"is the key in {reader.key_setting} right?"
            )
        if not self._carried_by_others(reader):
            self._runtime.set_ready(f"not connected to {reader.name}: {reader.detail}")
        await self._pause(reader, {Wait.RARELY: DENIED_WAIT_S, Wait.NONE: 0.0}.get(waits, usual_s))

    async def _pause(self, reader: EndpointReader, pause_s: float) -> None:
        """Wait before the next stream; for an endpoint that was left, while others carry on."""
        await asyncio.sleep(pause_s)
        while self.races and reader.guard.standing.is_left(monotonic_s()):
            if not self._others_stand(reader):
                return
            await asyncio.sleep(LEFT_LOOK_S)

    def _others_stand(self, reader: EndpointReader) -> bool:
        """Whether another endpoint can go on instead."""
        now_s = monotonic_s()
        return any(
            other is not reader
            and other.number not in self._succession.denied
            and not other.guard.standing.is_left(now_s)
            and (other.connected or not self.races)
            for other in self._readers
        )

    async def _after_earlier(self, reader: EndpointReader) -> None:
        """Let the earlier endpoints speak first: this one is judged by them."""
        until_s = monotonic_s() + FIRST_WORD_S
        earlier = self._readers[: reader.number]
        while monotonic_s() < until_s and not all(one.updates or one.detail for one in earlier):  # noqa: ASYNC110
            await asyncio.sleep(FIRST_WORD_S / 100)

    async def _choose(self, reader: EndpointReader, end: End) -> Next:
        """The next stream; endpoints are asked where they begin, where that decides."""
        if end.is_too_large:
            claim = f"an update over {RECEIVE_BYTES_MAX >> 20} MiB"
            reader.guard.refuse(Refusal("too_large", claim), monotonic_s())
        first_available = None
        if self._succession.wants_window(end):
            first_available = await self._first_available(reader)
        facts = Facts(
            resume_from=self._pipeline.resume_from(),
            standing={one.number for one in self._trusted()},
            is_carried=self._carried_by_others(reader),
        )
        following = self._succession.next(end, facts, first_available)
        if isinstance(following, AskWindows):
            windows = {
                number: await self._first_available(self._readers[number])
                for number in following.others
            }
            following = self._succession.least_lost(following, windows)
        return following

    def _turn_to(self, reader: EndpointReader, following: Next) -> EndpointReader:
        """Tell the pipeline what begins; returns whose stream it is."""
        other, plan = self._readers[following.endpoint], following.plan
        if following.kind is Kind.GOES_ON:
            anchor = reader.guard.anchor
            if other is not reader and anchor is not None and reader in self._trusted():
                other.guard.establish(anchor)
            self._pipeline.resumed(plan.from_slot)
        elif following.kind is Kind.BREAKS:
            if plan.is_live:
                self._pipeline.live(plan.why)
            else:
                self._pipeline.resumed(plan.from_slot, break_why=plan.why)
            self._runtime.log.warning("source_cannot_resume", endpoint=other.name, why=plan.why)
        return other

    async def _first_available(self, reader: EndpointReader) -> int | None:
        """The first slot that it has to replay; None where it says none that can be."""
        slot = await reader.source.first_available()
        return slot if slot is not None and reader.guard.is_possible(slot) else None

    def _carried_by_others(self, reader: EndpointReader) -> bool:
        return self._merge is not None and self._merge.others_open(reader.number)

    def _trusted(self) -> list[EndpointReader]:
        """The endpoints that were not left for what they claimed."""
        now_s = monotonic_s()
        return [one for one in self._readers if not one.guard.standing.is_left(now_s)]

    async def _look_at_standbys(self) -> None:
        """Ask the others where they are; leave an endpoint that fell behind or stands still."""
        looks: list[Look] = []
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            active = self._readers[self.active]
            for reader in self._readers:
                if reader is active:
                    continue
                slot = await reader.source.slot()
                if slot is not None and reader.guard.is_possible(slot):
                    reader.slot = slot or reader.slot
            others = [reader.slot for reader in self._trusted() if reader is not active]
            best = max(others, default=0)
            looks = [*looks[-2:], Look(active.number, active.slot, best)]
            if active.connected and should_switch(looks):
                looks = []
                active.cut("behind")
            elif best and active.is_dataless(monotonic_s()):
                active.cut("no_data")
