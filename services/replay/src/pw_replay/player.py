"""Plays items to every subscriber at the chosen pace; waits for the slowest of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from pw_common.dev.sent_record import sent_entry
from pw_common.process.clock import monotonic_s, now_ns
from pw_replay.core.faults import Plan
from pw_replay.core.filters import Filter
from pw_replay.core.items import NS, Item
from pw_replay.core.pace import Rate, Schedule
from pw_replay.core.window import Window
from pw_replay.fault_injection import FaultInjection
from pw_replay.subscriber import Subscriber

# At full speed the loop must still turn for the streams that send.
TURN_EVERY = 32
FLUSH_EVERY_S = 1.0


class Player:
    """One playback, shared by all subscribers. It begins with the first of them."""

    def __init__(
        self,
        items: Iterator[Item],
        *,
        rate: Rate,
        window_slots: int,
        plan: Plan,
        cut_slow_clients: bool,
        sent_record: Path | None,
        keep_playing: bool = False,
    ) -> None:
        self._items = items
        self._schedule = Schedule(rate)
        self._window = Window(window_slots)
        self._plan = plan
        self.limits = plan.refuse
        self._cut = cut_slow_clients
        # At full speed nobody could ever resume: only a pace goes on without listeners.
        self._keep_playing = keep_playing and rate.kind != "max"
        self._subscribers: list[Subscriber] = []
        self._someone = asyncio.Event()
        self._record: BinaryIO | None = sent_record.open("wb") if sent_record else None
        self._flushed_s = 0.0
        self._dropped = False
        self._finished = False
        self._done = False
        self.stopping = False
        self.fault_injection = FaultInjection()
        self.sent_updates = 0
        self.sent_transactions = 0
        self.slot = 0

    @property
    def subscribers(self) -> int:
        """Open streams."""
        return len(self._subscribers)

    @property
    def waiting(self) -> list[int]:
        """Updates that are not on the wire yet, for each open stream."""
        return [one.waiting for one in self._subscribers]

    @property
    def done(self) -> bool:
        """Everything was played and sent; it stays so when the subscribers then leave."""
        self._done = self._done or (
            self._finished
            and bool(self._subscribers)
            and not any(one.waiting for one in self._subscribers)
        )
        return self._done

    @property
    def first_available(self) -> int | None:
        """The oldest slot that `from_slot` may name."""
        return self._window.first_available

    def join(self, filter_: Filter, from_slot: int | None) -> Subscriber:
        """Add a subscriber; with `from_slot` it gets the remembered updates first, without a gap.

        Raises:
            NotAvailable: the memory begins later.
        """
        one = Subscriber(filter_, cut_when_full=self._cut)
        if from_slot is not None:
            one.catch_up(self._window.since(self._replay_from(from_slot)))
        self._subscribers.append(one)
        self._look()
        return one

    def _replay_from(self, from_slot: int) -> int:
        first = self._window.first_available
        if not self.fault_injection.behind_slots or first is None or from_slot < first:
            return from_slot
        return max(first, from_slot - self.fault_injection.behind_slots)

    def cut_all(self, *, lagged: bool = False) -> int:
        """End every stream now, as an endpoint that drops or that finds us slow; how many."""
        for one in self._subscribers:
            one.cut(lagged=lagged)
        return len(self._subscribers)

    def stop(self) -> None:
        """End every stream before the server does: gRPC would log each as a fault of ours."""
        self.stopping = True
        self.cut_all()

    def say_beside(self, updates: Iterable[bytes]) -> None:
        """Send these to every subscriber too: not of the chain, not remembered, not counted.

        They go out next: behind a queue that is cut for its length they would never go out.
        """
        for update in reversed(tuple(updates)):
            for one in self._subscribers:
                one.push_raw(update, first=True)

    def refilter(self, one: Subscriber, filter_: Filter, from_slot: int | None) -> None:
        """Replace a subscriber's filter; `from_slot` as in `join`.

        Raises:
            NotAvailable: the memory begins later; the filter is not replaced.
        """
        remembered = [] if from_slot is None else self._window.since(from_slot)
        one.filter = filter_
        one.catch_up(remembered)
        self._look()

    def leave(self, one: Subscriber) -> None:
        """Remove a subscriber; when none is left that wants anything, the playback pauses."""
        one.leave()
        if one in self._subscribers:
            self._subscribers.remove(one)
        self._look()
        self.flush()

    def _look(self) -> None:
        # Nothing is played for those who asked for nothing yet.
        if all(one.filter.wants_nothing for one in self._subscribers):
            if not self._keep_playing:
                self._someone.clear()
        else:
            self._someone.set()

    def note_sent(self, one: Subscriber, item: Item, sent_ns: int) -> None:
        """Count an update that went out at `sent_ns` (unix), and do what the fault plan says."""
        one.sent += 1
        one.written()
        if not item.recorded:
            item.recorded = True
            self.sent_updates += 1
            if item.kind == "tx":
                self.sent_transactions += 1
                self._note_time(item, sent_ns)
        if self._plan.drop_after and not self._dropped and one.sent >= self._plan.drop_after:
            self._dropped = True
            for each in self._subscribers:
                each.cut()
        if self._finished and self.done:
            self.flush()

    def flush(self) -> None:
        """Write the side record out."""
        if self._record is not None:
            self._record.flush()

    async def play(self) -> None:
        """Play to the end, or for ever when looping."""
        await self._someone.wait()
        begun_s = monotonic_s()
        begun_ns = now_ns()
        for played, item in enumerate(self._faulty(self._items), start=1):
            if not self._someone.is_set():
                left_s = monotonic_s()
                await self._someone.wait()
                paused_s = monotonic_s() - left_s
                begun_s += paused_s
                begun_ns += int(paused_s * NS)
            due_ns = self._schedule.due_ns(item)
            if due_ns is not None:
                await _until(begun_s + due_ns / NS)
                if self._schedule.stamps:
                    item.due_ns = begun_ns + due_ns
                    item.created_ns = item.due_ns
            for one in tuple(self._subscribers):
                await one.room()
            self._window.add(item)
            self.slot = item.slot or self.slot
            for one in self._subscribers:
                one.push(item)
            # Remembered items keep their bytes only: keys are decoded again when asked for.
            item.facts = None
            if played % TURN_EVERY == 0:
                await asyncio.sleep(0)
        self._finished = True
        self.flush()

    def close(self) -> None:
        """Close the side record."""
        if self._record is not None:
            self._record.close()

    def _faulty(self, items: Iterator[Item]) -> Iterator[Item]:
        transactions = 0
        declare = False
        for item in items:
            declare = declare or item.discontinuity
            if self._plan.skips(item.slot):
                continue
            # A boundary is declared even if what stood at it is left out.
            item.discontinuity = declare
            declare = False
            yield item
            if item.kind == "tx":
                transactions += 1
                every = self._plan.duplicate_every
                if every and transactions % every == 0:
                    yield replace(item, discontinuity=False, recorded=False, repeat=True)

    def _note_time(self, item: Item, sent_ns: int) -> None:
        if self._record is None or item.repeat or len(item.signature) != 64:
            return
        self._record.write(sent_entry(item.signature, item.due_ns or sent_ns))
        now_s = monotonic_s()
        if now_s - self._flushed_s >= FLUSH_EVERY_S:
            self._flushed_s = now_s
            self._record.flush()


async def _until(due_s: float) -> None:
    wait_s = due_s - monotonic_s()
    if wait_s > 0.001:
        await asyncio.sleep(wait_s)
