"""How streams follow each other: one endpoint, one at a time with standbys, or all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from pw_common.clock import monotonic_s
from pw_common.run import Runtime
from pw_common.tasks import end_tasks
from pw_ingest.core.merge import Merge
from pw_ingest.core.pipeline import Pipeline
from pw_ingest.core.resume import OUT_OF_RANGE, PASSING, WINDOW_EXCEEDED, Plan, after_end
from pw_ingest.core.standby import Answers, Look, should_switch
from pw_ingest.feed import Feed
from pw_ingest.outbox import Outbox
from pw_ingest.stream import StreamEnded

FATAL: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})
LOOK_EVERY_S: Final = 2.0
DENIED_WAIT_S: Final = 60.0
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
        self.active = 0
        self.races = merge is not None

    async def run(self) -> None:
        """Read until cancelled.

        Raises:
            SourceRefuses: no endpoint takes our token.
        """
        if self.races:
            await asyncio.gather(*(self._one(feed) for feed in self._feeds))
            return
        if len(self._feeds) == 1:
            await self._one(self._feeds[0])
            return
        looking = asyncio.create_task(self._look_at_standbys(), name="ingest-standbys")
        try:
            await self._one(self._feeds[0])
        finally:
            await end_tasks(looking)

    async def _one(self, feed: Feed) -> None:
        """Stream after stream; with standbys, of one endpoint after the other."""
        await self._after_earlier(feed)
        plan = Plan(self._pipeline.resume_from())
        refusals = 0
        while True:
            received, slot = feed.updates, feed.slot
            ended = await feed.stream(plan.from_slot)
            await self._outbox.send(self._pipeline.flush(monotonic_s()))
            pause_s = feed.pause_s(ended, moved=feed.slot > slot)
            if self._is_denied(feed, ended):
                # Asked again rarely: what would help is another token.
                pause_s = DENIED_WAIT_S if self.races else 0.0
            if not self._carried_by_others(feed):
                self._runtime.set_ready(f"not connected to {feed.name}: {ended}")
            await asyncio.sleep(pause_s)
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
            first_available = await feed.source.first_available()
        following = after_end(
            resume_from=self._pipeline.resume_from(),
            refused_at=refused_at,
            refusals=refusals,
            code=ended.code,
            details=ended.details,
            first_available=first_available,
        )
        if self._carried_by_others(feed):
            # Nothing is missing: another stream goes on, and this one joins it where it can.
            return feed, Plan(None if following.is_live else following.from_slot)
        if not following.why or self._another_may_have(feed, ended.code):
            self._pipeline.resumed()
            other = self._following(feed)
            if other is feed and not following.why:
                return feed, following
            # The first slot of one endpoint means nothing to another.
            return other, Plan(self._pipeline.resume_from())
        feed, following = await self._with_most(feed, following)
        if following.is_live:
            self._pipeline.live(following.why)
        else:
            self._pipeline.resumed(break_why=following.why)
        self._answers.clear()
        self._runtime.log.warning("source_cannot_resume", endpoint=feed.name, why=following.why)
        return feed, following

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
            first_slot = await other.source.first_available()
            if first_slot is not None and (plan.is_live or first_slot < (plan.from_slot or 0)):
                feed, plan = other, Plan(max(first_slot, resume_from), why=WINDOW_EXCEEDED)
        self.active = feed.number
        return feed, plan

    def _following(self, feed: Feed) -> Feed:
        """The next endpoint that takes our token, or the same where there is no other."""
        if self.races:
            return feed
        count = len(self._feeds)
        for step in range(1, count + 1):
            self.active = (feed.number + step) % count
            if self.active not in self._denied:
                break
        return self._feeds[self.active]

    def _is_denied(self, feed: Feed, ended: StreamEnded) -> bool:
        """Whether this endpoint does not take our token; raises when none does."""
        if ended.code not in FATAL:
            self._denied.discard(feed.number)
            return False
        self._denied.add(feed.number)
        if len(self._denied) == len(self._feeds):
            raise SourceRefuses(
                f"{feed.name} refuses us ({ended}): is PW_INGEST_TOKEN_FILE the right token?"
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
                feed.slot = await feed.source.slot() or feed.slot
            best = max(feed.slot for feed in self._feeds if feed is not active)
            looks = [*looks[-2:], Look(active.number, active.slot, best)]
            if active.connected and should_switch(looks):
                looks = []
                active.cut("behind")
