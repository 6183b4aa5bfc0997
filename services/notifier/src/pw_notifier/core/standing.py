"""The state of a channel by its answers, and what is sent next: pure.

While a channel is at fault nothing of it is lost: what waits grows into one digest, which is the
next attempt too. An answer that condemns one message costs that message alone. But a channel
that condemns one after the other is at fault itself; a channel that refuses one message while
others pass is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pw_notifier.core.policy import Answer, Refused, Sent

# This many dead letters in a row say more about the channel than about the messages.
REFUSED_IN_ROW_MAX: Final = 3
# After this many attempts with a digest, every other attempt is a single alert: if that is taken,
# it was something in the digest.
TOGETHER_TRIES: Final = 6
# A failure that may pass is reported once it has lasted this long.
PASSING_MS: Final = 60_000
# How long a dead letter is reported, if no other follows.
LOST_SHOWN_MS: Final = 60_000
DOUBTED: Final = (
    "it may have been sent before the notifier was cut off, and is to be sent once at most"
)

Verdict: TypeAlias = Literal["sent", "again", "apart", "condemned"]


@dataclass
class Item:
    """What a channel knows about an alert: how many were taken when it was last refused alone."""

    refused_at: int | None = None


@dataclass
class Standing:
    """The state of one channel; `why` is empty while it takes what it is sent."""

    why: str = ""
    held: bool = False
    tries: int = 0
    # Whether what waits goes out as one digest, however late each of it is.
    gathers: bool = False
    failing_since_ms: int = 0
    _taken: int = 0
    _apart: int = 0
    _refused_in_row: int = 0
    _last_taken: bool = False
    _lost: int = 0
    _lost_why: str = ""
    _lost_ms: int = 0

    def carried(self) -> Standing:
        """What a channel that was corrected keeps: what it held goes out as a digest."""
        return Standing(gathers=self.gathers)

    def chosen(
        self, late: int, waiting: int, *, folds: bool = False
    ) -> tuple[Literal["late", "all", "one"], int]:
        """What to send next, by how many are late and wait in all; for a single alert, which.

        Args:
            folds: All that wait are one message, since they are a burst.
        """
        whole = self.gathers or folds
        many = waiting if whole else late
        alone = self.held and self.tries >= TOGETHER_TRIES and self.tries % 2 == 1
        if many > 1 and (self._apart or alone):
            return "one", 0 if self._apart else (self.tries // 2) % waiting
        if whole:
            return "all", 0
        return ("late", 0) if late else ("one", 0)

    def after(self, answer: Answer, items: Sequence[Item], now_ms: int) -> Verdict:
        """Note the answer to these; returns what to do with them."""
        if isinstance(answer, Sent):
            self._take(len(items))
            return "sent"
        of_one = isinstance(answer, Refused)
        held = isinstance(answer, Refused) or answer.held
        after_a_taken_one, self._last_taken = self._last_taken, False
        if len(items) > 1 and held:
            trusted = of_one and self._refused_in_row < REFUSED_IN_ROW_MAX
            if trusted or after_a_taken_one:
                # Not all of them are condemned: each goes by itself.
                self._apart = len(items)
                return "apart"
        elif held:
            (item,) = items
            if self._is_condemned(item, of_one=of_one):
                self._apart = max(0, self._apart - 1)
                self._refused_in_row += of_one
                self._right()
                self._lose(1, answer.why, now_ms)
                return "condemned"
            item.refused_at = self._taken
            self._apart = 0
        self._fail(answer.why, now_ms, held=held)
        return "again"

    def lose(self, count: int, now_ms: int) -> None:
        """How many were too old to be tried again."""
        self._lose(count, f"too old to be sent: {self.why or 'the notifier was away'}", now_ms)

    def doubt(self, now_ms: int) -> None:
        """An alert may have been sent by a process that was cut off, and must not go out twice."""
        self._lose(1, DOUBTED, now_ms)

    def emptied(self) -> None:
        """Nothing waits any more, here or at the broker: the next alert goes by itself.

        A fault that was seen ends with what it held: without an attempt nobody knows whether it
        lasts, and the next alert will show it.
        """
        self.gathers = False
        self._apart = 0
        self._right()

    def rests(self) -> None:
        """All that waits is held up by quiet hours: the next attempt shows whether a fault lasts.

        What waited still goes out as one.
        """
        self._right()

    def worked(self) -> None:
        """Another message than those that wait got through: the fault is over.

        What waits is not judged by that: no alert is condemned because a test message passed.
        """
        self._right()

    def says(self, now_ms: int, waiting: int, *, held_ms: int = 0) -> str:
        """What a person should see to; empty where nothing is wrong.

        Args:
            held_ms: Leave out a fault of the channel that has not lasted this long.
        """
        alerts = f"{waiting} alert{'' if waiting == 1 else 's'}"
        if self.why and self.gathers:
            lasts = now_ms - self.failing_since_ms >= held_ms
            return f"holds {alerts} until it is set right: {self.why}" if lasts else ""
        if self.why and now_ms - self.failing_since_ms >= PASSING_MS:
            seconds = (now_ms - self.failing_since_ms) // 1_000
            return f"has taken nothing for {seconds} s and {alerts} wait: {self.why}"
        if self._lost and now_ms - self._lost_ms < LOST_SHOWN_MS:
            lost = f"{self._lost} alert{'' if self._lost == 1 else 's'}"
            return f"lost {lost} to dead letters: {self._lost_why}"
        return ""

    def _is_condemned(self, item: Item, *, of_one: bool) -> bool:
        if of_one and self._refused_in_row < REFUSED_IN_ROW_MAX:
            return True
        # The channel has taken others since it refused this one, and refuses it again.
        return item.refused_at is not None and self._taken > item.refused_at

    def _take(self, count: int) -> None:
        self._taken += count
        self._apart = max(0, self._apart - 1)
        self._refused_in_row = 0
        self._last_taken = True
        self._right()

    def _right(self) -> None:
        self.tries, self.why, self.held = 0, "", False

    def _fail(self, why: str, now_ms: int, *, held: bool) -> None:
        if not self.why:
            self.failing_since_ms = now_ms
        self.why, self.held = why, held
        self.gathers = self.gathers or held
        self.tries += 1

    def _lose(self, count: int, why: str, now_ms: int) -> None:
        if now_ms - self._lost_ms >= LOST_SHOWN_MS:
            self._lost = 0
        self._lost += count
        self._lost_why, self._lost_ms = why, now_ms
