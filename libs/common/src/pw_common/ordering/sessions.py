"""Which session of its source a batch is of: pure.

| the batch                      | against its source's newest session | its standing |
| ------------------------------ | ----------------------------------- | ------------ |
| of a queue that is gone        | any                                 | `OVER`       |
| fills a gap                    | older                               | `FILLS_OLD`  |
| fills a gap                    | the same, newer, none known         | `FILLS`      |
| the same, lost with its queue  | newer                               | `EARLY`      |
| fills a gap                    | no source said anything yet         | `EARLY`      |
| lost with its queue (`EVENTS`) | older                               | `OVER`       |
| lost with its queue            | newer, none known                   | `EARLY`      |
| lost with its queue            | the same                            | `PRESENT`    |
| any other                      | older, up to `STRAYS_MAX` times     | `OVER`       |
| any other                      | older, more often                   | `BEGINS`     |
| any other                      | newer                               | `BEGINS`     |
| any other                      | the same, none known                | `PRESENT`    |

A session that is over is another history: its slots may have the numbers of the present one's.
So what fills a gap of it amends no slot of the present one, open or closed.
What is lost begins no session: what the queue holds before that session is sent again first. The
answers to what is sent again are empty, so that such events wait here for their session. A reader
that begins among fillings cannot tell what is over: these wait for the first word of a source.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from pw_common.ordering.sequences.sequencer import Released, Trust
from pw_common.wire.limits import PUBLISHED_AHEAD_MAX
from pw_common.wire.messages import Batch

# Messages of an ended session that may still come: what ingest had sent and not seen stored.
# More are of a source that lost its checkpoint and counts its sessions from 1 again.
STRAYS_MAX: Final = 2 * PUBLISHED_AHEAD_MAX


class Standing(Enum):
    """What to do with a batch."""

    PRESENT = auto()
    BEGINS = auto()
    OVER = auto()
    EARLY = auto()
    FILLS = auto()
    FILLS_OLD = auto()


class Sessions:
    """Knows each source's session; holds what was lost of sessions that have not begun again."""

    def __init__(self, early_max: int) -> None:
        # Source -> its newest session, and how many messages of older ones came since it began.
        self._newest: dict[str, tuple[int, int]] = {}
        # Sources that spoke since the present session began, and theirs.
        self._present: dict[str, int] = {}
        self._early: list[Released] = []
        self._fillings: list[Released] = []
        self._early_max = early_max

    @property
    def waits(self) -> bool:
        """Whether anything that was lost waits for its session."""
        return bool(self._early)

    def judge(self, one: Released) -> Standing:
        """What to do with the next batch; after `BEGINS` and `PRESENT` call `enter`."""
        batch = one.batch
        if one.trust is Trust.NOTHING:
            return Standing.OVER
        newest, strays = self._newest.get(batch.source, (batch.epoch, 0))
        is_older = batch.epoch < newest
        if batch.gap:
            # An answer without a source says nothing of any session.
            if not any(self._newest):
                return self._of_filling(one)
            if one.trust is Trust.EVENTS and batch.epoch > newest:
                return self._of_lost(one)
            return Standing.FILLS_OLD if is_older else Standing.FILLS
        if one.trust is Trust.EVENTS:
            return self._of_lost(one)
        if is_older and strays < STRAYS_MAX:
            self._newest[batch.source] = newest, strays + 1
            return Standing.OVER
        self._newest[batch.source] = batch.epoch, strays if batch.epoch == newest else 0
        known = self._present.get(batch.source, batch.epoch)
        return Standing.BEGINS if batch.source and known != batch.epoch else Standing.PRESENT

    def _of_filling(self, one: Released) -> Standing:
        if len(self._fillings) == self._early_max:
            return Standing.FILLS_OLD
        self._fillings.append(one)
        return Standing.EARLY

    def _of_lost(self, one: Released) -> Standing:
        batch = one.batch
        known = self._newest.get(batch.source)
        if not batch.source or (known is not None and batch.epoch == known[0]):
            return Standing.PRESENT
        if (known is not None and batch.epoch < known[0]) or len(self._early) == self._early_max:
            return Standing.OVER
        self._early.append(one)
        return Standing.EARLY

    def enter(self, batch: Batch) -> None:
        """This batch is of the present session."""
        if batch.source:
            self._present[batch.source] = batch.epoch

    def due(self, batch: Batch) -> list[Released]:
        """What was lost of this batch's session and of those before it; each is returned once."""
        if not self._early:
            return []
        due: list[Released] = []
        waiting: list[Released] = []
        for one in self._early:
            is_due = one.batch.source == batch.source and one.batch.epoch <= batch.epoch
            (due if is_due else waiting).append(one)
        self._early = waiting
        return due

    def fillings(self, batch: Batch) -> list[Released]:
        """What was filled in before any source said anything; each is returned once."""
        if not self._fillings or not batch.source:
            return []
        fillings, self._fillings = self._fillings, []
        return fillings

    def end(self) -> None:
        """The present session ends: every source is to speak again."""
        self._present = {}

    def forget(self) -> list[Released]:
        """Another queue begins: its sessions may start at 1. Returns what waited for its own."""
        early = [*self._early, *self._fillings]
        self._early, self._fillings = [], []
        self._newest.clear()
        return early
