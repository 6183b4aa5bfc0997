"""How streams follow each other: one endpoint, one at a time with standbys, or all at once."""

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
from pw_ingest.core.endpoints.standby import Answers, Look, should_switch
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_ingest.core.sequencing.resume import (
    OUT_OF_RANGE,
    PASSING,
    TOO_LARGE,
    WINDOW_EXCEEDED,
    Plan,
    TooLarge,
    after_end,
)
from pw_ingest.sink.outbox import Outbox
from pw_ingest.source.any_source import StreamEnded
from pw_ingest.source.feed import Feed
from pw_ingest.source.stream import RECEIVE_BYTES_MAX

FATAL: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})
LOOK_EVERY_S: Final = 2.0
DENIED_WAIT_S: Final = 60.0
LEFT_LOOK_S: Final = 0.5
WIDEN_LOOK_S: Final = 1.0
# How long an endpoint waits for those before it to say something.
FIRST_WORD_S: Final = 3.0


class SourceRefuses(RuntimeError):
    """The source will not take us: trying again would not help."""


class Streams:
    """Keeps streams open for ever; which ones is `race`'s choice."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        pipeline: Pipeline,
        outbox: Outbox,
        runtime: Runtime,
        merge: Merge | None,
    ) -> None:
        self._feeds = feeds
        self._pipeline = pipeline
        self._outbox = outbox
        self._runtime = runtime
        self._merge = merge
        self._answers = Answers()
        # Endpoints that do not take our token.
        self._denied: set[int] = set()
        self._too_large = {feed.number: TooLarge() for feed in feeds}
        self.active = 0
        self.races = merge is not None
        for feed in feeds:
            feed.may_leave = partial(self._others_stand, feed)
            feed.on_connected = self._note_filter

    def anchor(self) -> Anchor | None:
        """What a next run may measure by: of the active endpoint, or the first that is there."""
        active = [self._feeds[self.active], *self._feeds]
        known = [feed for feed in active if feed in self._trusted() and feed.guard.anchor]
        connected = [feed for feed in known if feed.connected]
        best = (connected or known)[:1]
        return best[0].guard.anchor if best else None

    async def run(self) -> None:
        """Read until cancelled.

        Raises:
            SourceRefuses: no endpoint takes our token.
        """
        beside = [asyncio.create_task(self._widen(), name="ingest-widen")]
        if len(self._feeds) > 1 and not self.races:
            looking = self._look_at_standbys()
            beside.append(asyncio.create_task(looking, name="ingest-standbys"))
        try:
            every = self._feeds if self.races else self._feeds[:1]
            await asyncio.gather(*(self._one(feed) for feed in every))
        finally:
            await end_tasks(*beside)

    async def _widen(self) -> None:
        """Ask endpoints again for what they refused, while their narrower stream is open."""
        while True:
            await asyncio.sleep(WIDEN_LOOK_S)
            for feed in self._feeds:
                if feed.connected and feed.ladder.is_due(monotonic_s()):
                    await feed.widen()

    async def _note_filter(self) -> None:
        """What is seen now: of several open streams only what the narrowest shows is whole."""
        open_now = [feed.ladder.now.filter for feed in self._feeds if feed.connected]
        seen = narrowest(open_now) if open_now else self._pipeline.filter
        if seen != self._pipeline.filter:
            # What is held came by the filter of before.
            held = self._pipeline.flush(monotonic_s())
            self._pipeline.filter = seen
            await self._outbox.send(held)

    async def _one(self, feed: Feed) -> None:
        """Stream after stream; with standbys, of one endpoint after the other."""
        await self._after_earlier(feed)
        plan = Plan(self._pipeline.resume_from())
        refusals = 0
        while True:
            received, slot = feed.updates, feed.slot
            ended = await feed.stream(plan.from_slot)
            await self._outbox.send(self._pipeline.flush(monotonic_s()))
            await self._note_filter()
            if feed.updates == received and feed.narrows(ended):
                continue
            pause_s = feed.pause_s(ended, moved=feed.slot > slot)
            if self._is_denied(feed, ended):
                # Asked again rarely: what would help is another token.
                pause_s = DENIED_WAIT_S if self.races else 0.0
            if not self._carried_by_others(feed):
                self._runtime.set_ready(f"not connected to {feed.name}: {ended}")
            await self._pause(feed, pause_s)
            is_refusal = feed.updates == received and plan.from_slot is not None
            if not is_refusal:
                refusals = 0
            elif ended.code not in PASSING:
                refusals += 1
            else:
                self._answers.silent(feed.number)
            if feed.updates > received:
                self._answers.clear()
            feed, plan = await self._next(feed, plan, ended, refusals, is_refusal)
            if plan.why:
                refusals = 0

    async def _pause(self, feed: Feed, pause_s: float) -> None:
        """Wait before the next stream; for an endpoint that was left, while others carry on."""
        await asyncio.sleep(pause_s)
        while self.races and feed.guard.standing.is_left(monotonic_s()):
            if not self._others_stand(feed):
                return
            await asyncio.sleep(LEFT_LOOK_S)

    def _others_stand(self, feed: Feed) -> bool:
        """Whether there is an endpoint to go on with instead of this one."""
        now_s = monotonic_s()
        return any(
            other is not feed
            and other.number not in self._denied
            and not other.guard.standing.is_left(now_s)
            and (other.connected or not self.races)
            for other in self._feeds
        )

    async def _after_earlier(self, feed: Feed) -> None:
        """Let the endpoints before this one speak first: it is judged by them."""
        until_s = monotonic_s() + FIRST_WORD_S
        earlier = self._feeds[: feed.number]
        while monotonic_s() < until_s and not all(one.updates or one.detail for one in earlier):  # noqa: ASYNC110
            await asyncio.sleep(FIRST_WORD_S / 100)

    async def _next(
        self, feed: Feed, plan: Plan, ended: StreamEnded, refusals: int, is_refusal: bool
    ) -> tuple[Feed, Plan]:
        refused_at = plan.from_slot if is_refusal else None
        first_available = None
        if refused_at is not None and ended.code == OUT_OF_RANGE:
            first_available = await self._first_available(feed)
        resume_from = self._pipeline.resume_from()
        following = after_end(
            resume_from=resume_from,
            refused_at=refused_at,
            refusals=refusals,
            code=ended.code,
            details=ended.details,
            first_available=first_available,
        )
        if self._is_blocked(feed, ended, resume_from):
            following = Plan(None, is_live=True, why=TOO_LARGE)
        if self._carried_by_others(feed):
            # Nothing is missing: another stream goes on, and this one joins it where it can.
            return feed, Plan(None if following.is_live else following.from_slot)
        if not following.why or self._another_may_have(feed, ended.code):
            other = self._following(feed)
            if other is not feed or following.why:
                # The first slot of one endpoint means nothing to another.
                following = Plan(self._pipeline.resume_from())
            self._pipeline.resumed(following.from_slot)
            return other, following
        feed, following = await self._with_most(feed, following)
        if following.is_live:
            self._pipeline.live(following.why)
        else:
            self._pipeline.resumed(following.from_slot, break_why=following.why)
        self._answers.clear()
        self._runtime.log.warning("source_cannot_resume", endpoint=feed.name, why=following.why)
        return feed, following

    def _is_blocked(self, feed: Feed, ended: StreamEnded, resume_from: int | None) -> bool:
        """Whether an update too large to take stands in the way, however often we ask."""
        if ended.is_too_large:
            claim = f"an update over {RECEIVE_BYTES_MAX >> 20} MiB"
            feed.guard.refuse(Refusal("too_large", claim), monotonic_s())
        return self._too_large[feed.number].blocks(
            resume_from, feed.slot, is_too_large=ended.is_too_large
        )

    async def _first_available(self, feed: Feed) -> int | None:
        """The first slot that it has to replay; None where it says none that can be."""
        slot = await feed.source.first_available()
        return slot if slot is not None and feed.guard.is_possible(slot) else None

    def _carried_by_others(self, feed: Feed) -> bool:
        return self._merge is not None and self._merge.others_open(feed.number)

    def _another_may_have(self, feed: Feed, code: str) -> bool:
        """Whether an endpoint is left that was not asked for what this one does not have."""
        self._answers.refused(feed.number, code)
        return not self._answers.are_complete(len(self._feeds), self._denied)

    async def _with_most(self, feed: Feed, plan: Plan) -> tuple[Feed, Plan]:
        """Of all that cannot give everything, the one that still has most of it."""
        if self.races:
            return feed, plan
        resume_from = self._pipeline.resume_from() or 0
        for number in self._answers.with_less():
            other = self._feeds[number]
            if other is feed or number in self._denied:
                continue
            # Asked again: its window has moved on since it refused.
            first_slot = await self._first_available(other)
            if first_slot is not None and (plan.is_live or first_slot < (plan.from_slot or 0)):
                feed, plan = other, Plan(max(first_slot, resume_from), why=WINDOW_EXCEEDED)
        self.active = feed.number
        return feed, plan

    def _following(self, feed: Feed) -> Feed:
        """The next endpoint that takes our token, or the same where there is no other."""
        if self.races:
            return feed
        count = len(self._feeds)
        order = [(feed.number + step) % count for step in range(1, count + 1)]
        usable = [number for number in order if number not in self._denied] or order[-1:]
        now_s = monotonic_s()
        standing = [one for one in usable if not self._feeds[one].guard.standing.is_left(now_s)]
        self.active = (standing or usable)[0]
        following = self._feeds[self.active]
        anchor = feed.guard.anchor
        if following is not feed and anchor is not None and feed in self._trusted():
            following.guard.establish(anchor)
        return following

    def _trusted(self) -> list[Feed]:
        """The endpoints that were not left for what they claimed."""
        now_s = monotonic_s()
        return [one for one in self._feeds if not one.guard.standing.is_left(now_s)]

    def _is_denied(self, feed: Feed, ended: StreamEnded) -> bool:
        """Whether this endpoint does not take our token; raises when none does."""
        if ended.code not in FATAL:
            self._denied.discard(feed.number)
            return False
        self._denied.add(feed.number)
        if len(self._denied) == len(self._feeds):
            raise SourceRefuses(
                f"{feed.name} refuses us ({ended}): is the key in {feed.key_setting} right?"
            )
        return True

    async def _look_at_standbys(self) -> None:
        """Ask the others where they are; leave an endpoint that fell behind or stands still."""
        looks: list[Look] = []
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            active = self._feeds[self.active]
            for feed in self._feeds:
                if feed is active:
                    continue
                slot = await feed.source.slot()
                if slot is not None and feed.guard.is_possible(slot):
                    feed.slot = slot or feed.slot
            others = [feed.slot for feed in self._trusted() if feed is not active]
            best = max(others, default=0)
            looks = [*looks[-2:], Look(active.number, active.slot, best)]
            if active.connected and should_switch(looks):
                looks = []
                active.cut("behind")
            elif best and active.is_dataless(monotonic_s()):
                active.cut("no_data")
