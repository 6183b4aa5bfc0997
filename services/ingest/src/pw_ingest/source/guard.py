"""What one endpoint says, checked before anything else sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pw_common.process.clock import monotonic_s, now_ms
from pw_common.service.run import Runtime
from pw_common.wire.limits import SLOT_MAX
from pw_ingest.config import Settings
from pw_ingest.core.endpoints import plausible
from pw_ingest.core.endpoints.opening import Held, Opening
from pw_ingest.core.endpoints.plausible import Anchor, Judge, Refusal, Steady
from pw_ingest.core.endpoints.refusals import Refusals
from pw_ingest.core.endpoints.standing import Standing
from pw_ingest.core.sequencing.identity import TX, Seen

NS_PER_MS: Final = 1_000_000


class Guard:
    """Refuses what cannot be; a live endpoint is measured by the clock, a recording is not."""

    def __init__(self, endpoint: str, settings: Settings, runtime: Runtime, steady: Steady) -> None:
        self._endpoint = endpoint
        self._runtime = runtime
        self._steady = steady
        self._opening = Opening()
        self._refusals = Refusals()
        self.standing = Standing()
        self.judge: Judge | None = None
        if settings.kind == "live":
            self.judge = Judge(slot_ms_min=settings.slot_ms_min)
        # How far the endpoint's clock is ahead of ours, by its last update.
        self.clock_ahead_ms = 0
        # Whether the `created_at` of its last update is not a time: its lag is unknown.
        self.is_clockless = False

    @property
    def anchor(self) -> Anchor | None:
        """What the next slots are measured by."""
        return None if self.judge is None else self.judge.anchor

    @property
    def refused(self) -> int:
        """How many updates or claims were refused."""
        return self._refusals.total

    def said(self) -> str:
        """What it claimed lately that cannot be; empty where it did not."""
        now_s = monotonic_s()
        said = self._refusals.said(now_s)
        if self.standing.is_left(now_s):
            return f"left for others: {said or 'it claimed what cannot be'}"
        return said

    def establish(self, anchor: Anchor) -> None:
        """Measure by what an earlier run, or another endpoint, stood on."""
        if self.judge is not None:
            self.judge.establish(anchor, self._now_ms(monotonic_s()), proven=True)

    def opened(self) -> None:
        """A new stream begins: what the last one left half said is over."""
        self._opening.release()

    def is_possible(self, slot: int) -> bool:
        """Whether such a slot may exist, where an endpoint names one outside its stream."""
        if self.judge is None:
            return slot <= SLOT_MAX
        return slot <= self.judge.ceiling(self._now_ms(monotonic_s()))

    def admit(self, update: bytes, seen: Seen, now_s: float) -> Sequence[Held]:
        """Take an update; returns what may go on now, with claims of time that can be used."""
        judge = self.judge
        if judge is None or seen.identity.kind != TX or seen.identity.slot > judge.clear_slot:
            refusal = plausible.absurd(seen)
            if refusal is None and judge is not None:
                refusal = judge.judge(seen, self._now_ms(now_s))
            if refusal is not None:
                self.refuse(refusal, now_s)
                return ()
        held = Held(update, self._with_clock(seen, now_s))
        if self.judge is None or self.judge.anchor is not None:
            return (held,)
        if not seen.identity.slot and self._opening.is_empty:
            return (held,)
        self._opening.add(update, held.seen, now_s)
        return self.due(now_s)

    def due(self, now_s: float, *, ends: bool = False) -> Sequence[Held]:
        """What was held long enough; with `ends`, everything."""
        if self.judge is None or not (self._opening.is_due(now_s) or ends):
            return ()
        now = self._now_ms(now_s)
        anchor = self._opening.anchor(now)
        if anchor is not None:
            self.judge.establish(anchor, now, proven=False)
        believed = []
        for one in self._opening.release():
            refusal = self.judge.judge(one.seen, now)
            if refusal is None:
                believed.append(one)
            else:
                self.refuse(refusal, now_s)
        return believed

    def refuse(self, refusal: Refusal, now_s: float) -> None:
        """Count and report a refusal. A wrong `created_at` alone is not a reason to leave."""
        self._runtime.metrics.count("pw_ingest_refused_total", why=refusal.why)
        if refusal.why != "created_at":
            self.standing.refused(now_s)
        if self._refusals.note(refusal, now_s):
            self._runtime.log.warning(
                "update_refused",
                endpoint=self._endpoint,
                why=refusal.why,
                claim=refusal.claim,
                refused=self._refusals.total,
            )

    def _with_clock(self, seen: Seen, now_s: float) -> Seen:
        """The update, without its `created_at` if that is not a time."""
        wall_ms = now_ms()
        created_ns = plausible.created(seen, None if self.judge is None else wall_ms)
        self.is_clockless = created_ns is None
        if created_ns is None:
            self.clock_ahead_ms = 0
            seconds = seen.created_ns // 1_000_000_000
            self.refuse(Refusal("created_at", f"created_at {seconds}"), now_s)
            return seen._replace(created_ns=0)
        if created_ns:
            self.clock_ahead_ms = max(0, created_ns // NS_PER_MS - wall_ms)
        return seen

    def _now_ms(self, now_s: float) -> int:
        return self._steady.now(now_ms(), now_s)
