"""Rules tried out on batches, one after the other: counts, and the first alerts. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from pw_common.ordering.assembly import Assembly, ClosedSlot, TxPosition
from pw_common.topology.queue_name import means_the_same
from pw_common.topology.streams import PARSER_ACK_PENDING_MAX
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Batch, Swap
from pw_detection.detector import Detector
from pw_detection.rules.lists import Mutes, WatchLists
from pw_detection.rules.rules import Rule

ALERTS_SHOWN: Final = 200
# Each stays in a window: 100,000 took 81 MB, of the 256 MiB that compose and k8s allow the API.
SWAPS_MAX: Final = 100_000


@dataclass
class Found:
    """The result so far; kept when the folding itself is gone."""

    names: tuple[str, ...]
    opened: Counter[str] = field(default_factory=Counter)
    alerts: list[Alert] = field(default_factory=list)
    messages: int = 0
    swaps: int = 0
    unreadable: int = 0
    from_ms: int | None = None
    to_ms: int | None = None


class Trial:
    """What rules fire over the batches that were taken.

    A fleet of parsers stores out of order by no more than it may hold in hand. Only after that
    many batches is the least sequence among them taken for the beginning.
    """

    def __init__(
        self,
        rules: tuple[Rule, ...],
        watched: WatchLists | None = None,
        mutes: Mutes | None = None,
    ) -> None:
        self.found = Found(tuple(rule.name for rule in rules))
        self._detector = Detector(rules)
        # As they are now: a rule that counts watched wallets would otherwise never fire.
        self._detector.set_watchlists(watched or WatchLists(), 0)
        self._detector.set_mutes(mutes or Mutes(), 0)
        self._assembly: Assembly | None = None
        self._first: list[tuple[Batch, int, int]] = []

    @property
    def is_full(self) -> bool:
        """Whether no more can be held."""
        return self.found.swaps >= SWAPS_MAX

    def take(self, batch: Batch, stored_ms: int, seq: int) -> None:
        """Fold one more message of PW_SWAP."""
        found = self.found
        found.messages += 1
        found.swaps += sum(isinstance(event, Swap) for event in batch.events)
        found.from_ms = stored_ms if found.from_ms is None else found.from_ms
        found.to_ms = stored_ms
        if self._assembly is not None:
            self._fold(self._assembly, batch, stored_ms, seq)
            return
        self._first.append((batch, stored_ms, seq))
        if len(self._first) >= PARSER_ACK_PENDING_MAX:
            self._begin()

    def end(self) -> None:
        """Nothing more comes."""
        if self._assembly is None and self._first:
            self._begin()

    def _begin(self) -> None:
        # A queue created again within them begins at 1, which the one before is far past.
        created = self._first[0][0].tx_stream_created
        least = min(
            b.tx_seq
            for b, _, _ in self._first
            if means_the_same(created, b.tx_stream_created, b.tx_seq)
        )
        self._assembly = Assembly(first=TxPosition(0, least))
        for batch, stored_ms, seq in self._first:
            self._fold(self._assembly, batch, stored_ms, seq)
        self._first.clear()

    def _fold(self, assembly: Assembly, batch: Batch, stored_ms: int, seq: int) -> None:
        self._step(assembly.add(batch, stored_ms, seq))
        # By the stream's own clock, as a detector does in a backlog.
        self._step(assembly.skip_sequence_gaps(stored_ms))

    def _step(self, closed: list[ClosedSlot]) -> None:
        for slot in closed:
            for alert in self._detector.step(slot):
                if alert.kind == "opened":
                    self.found.opened[alert.trigger] += 1
                if len(self.found.alerts) < ALERTS_SHOWN:
                    self.found.alerts.append(alert)
