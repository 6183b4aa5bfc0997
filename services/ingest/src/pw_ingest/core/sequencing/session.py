"""One session of a source: a stretch of history that is in one piece.

    stage   | a time before | an update  | a declared    | another history, or | a checkpoint
            | is known      | comes      | discontinuity | a live start        | is restored
    ORIGIN  | no            | → FIRST    | stays         | → FRESH, number + 1 | → RUNNING
    FIRST   | no            | stays      | → FRESH, + 1  | → FRESH, number + 1 | -
    FRESH   | yes           | → RUNNING  | stays         | → FRESH, number + 1 | -
    RUNNING | yes           | stays      | → FRESH, + 1  | → FRESH, number + 1 | -

A discontinuity before anything came says what the session says already. Where the session
before is known and is not continued, what lies between is lost: `Loss` waits for the block that
tells how far it goes. A loss is reported once, and forgotten where the next block shows that it
cost nothing, so that its reason is not given to a later gap.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Stage(Enum):
    """How far a session has come."""

    ORIGIN = "origin"
    FIRST = "first"
    FRESH = "fresh"
    RUNNING = "running"


class Loss(NamedTuple):
    """What the source cannot give, until a block tells how far that goes.

    `after_slot` is the last slot before a live start; None where the chain of parents tells it.
    """

    why: str
    after_slot: int | None = None


class Session:
    """The stage of the session, and what is known of its slots. 0 and None: nothing yet."""

    __slots__ = ("checkpoint_slot", "first_slot", "floor_slot", "loss", "number", "stage")

    def __init__(self) -> None:
        self.number = 1
        self.stage = Stage.ORIGIN
        self._clear()

    def _clear(self) -> None:
        # What an earlier run stored of it, and the first slot that this run received.
        self.checkpoint_slot: int | None = None
        self.first_slot: int | None = None
        # What comes from before is another history, until a slot has closed.
        self.floor_slot = 0
        self.loss: Loss | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it was received, by this run or an earlier one."""
        return self.stage is Stage.FRESH or self.stage is Stage.ORIGIN

    @property
    def is_origin(self) -> bool:
        """Whether nothing is known of a time before it: its beginning loses nothing."""
        return self.stage is Stage.ORIGIN or self.stage is Stage.FIRST

    @property
    def waits_for_start(self) -> bool:
        """Whether the slot in which a live stream begins is still to come."""
        return self.loss is not None and self.loss.after_slot is not None

    def received(self, slot: int) -> None:
        """An update came; `slot` is 0 where it has none."""
        if self.stage is Stage.FRESH:
            self.stage = Stage.RUNNING
        elif self.stage is Stage.ORIGIN:
            self.stage = Stage.FIRST
        if slot and self.first_slot is None:
            self.first_slot = slot

    def next(self) -> None:
        """The next session begins."""
        self.number += 1
        self.stage = Stage.FRESH
        self._clear()

    def restore(self, number: int, checkpoint_slot: int) -> None:
        """It goes on where an earlier run was."""
        self.number = number
        self.stage = Stage.RUNNING
        self.checkpoint_slot = checkpoint_slot

    def abandon(self, number: int) -> None:
        """The one after `number`, which cannot be true: nothing before it is known."""
        self.number = number
        self.next()
        self.stage = Stage.ORIGIN

    def lose(self, why: str) -> None:
        """What follows the last block is not given; a live start's loss says more, and stays."""
        if not self.waits_for_start:
            self.loss = Loss(why) if why else None

    def take_loss(self) -> Loss | None:
        """The loss, which is reported now."""
        loss, self.loss = self.loss, None
        return loss
