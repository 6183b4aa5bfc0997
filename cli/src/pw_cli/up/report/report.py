"""The figures of a run, from what is stored. Pure: batches, times and costs in, a report out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from pw_common.ordering.dedup import SeenWindow
from pw_common.ordering.sequences.prefix import Prefix
from pw_common.ordering.watermark import Watermark
from pw_common.wire.messages import Batch, Swap, encode

# Longer than any run's span of slots: a report counts every repeat.
SLOTS_MAX = 1 << 62


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds; null where nothing was measured."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`r.json`. Counts are of transactions unless the name says otherwise.

    `stored_duplicates` counts swaps that PW_SWAP holds more than once and readers drop;
    `late` counts swaps that were stored after their slot was declared complete.
    `alerts` counts tokens' alerts; `hold_ms` is the longest that a detector waited for a
    batch that another had overtaken.
    """

    updates_sent: int
    transactions_sent: int
    transactions_in: int
    transactions_parsed: int
    failed: int
    votes: int
    swaps: int
    dead_letters: int
    gaps: int
    stored_duplicates: int
    late: int
    elapsed_s: float
    throughput_tx_s: float
    latency_ms: dict[str, Percentiles]
    cpu_us_per_tx: dict[str, float]
    rss_mb: dict[str, float]
    swap_digest: str
    alerts: int = 0
    alert_digest: str = ""
    hold_ms: int = 0
    drained: bool
    restarts: dict[str, int] = {}


@dataclass
class Tally:
    """Folds PW_SWAP in stored order."""

    first_seq: int = 1
    transactions: int = 0
    failed: int = 0
    votes: int = 0
    swaps: int = 0
    late: int = 0
    first_stored_ns: int = 0
    last_stored_ns: int = 0
    latencies_ns: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._seen = SeenWindow(slots_max=SLOTS_MAX, keys_max=SLOTS_MAX)
        self._prefix = Prefix(self.first_seq)
        self._watermark = Watermark()
        # A repeat of something that came in time is not late.
        self._in_order = SeenWindow(slots_max=SLOTS_MAX, keys_max=SLOTS_MAX)
        self._bodies: list[bytes] = []
        # Slot -> when the source sent the last of its swaps.
        self._slot_sent_ns: dict[int, int] = {}

    @property
    def stored_duplicates(self) -> int:
        """Swaps stored more than once."""
        return self._seen.repeats

    def add(self, batch: Batch, stored_ns: int, sent_ns: Mapping[str, int]) -> None:
        """Count one batch. `sent_ns` maps a base58 signature to when the source sent it."""
        self.first_stored_ns = self.first_stored_ns or stored_ns
        self.last_stored_ns = max(self.last_stored_ns, stored_ns)
        self.transactions += batch.counts.transactions
        self.failed += batch.counts.failed
        self.votes += batch.counts.votes
        new: set[tuple[str, int]] = set()
        for event in batch.events:
            if not isinstance(event, Swap):
                continue
            key = (event.signature, event.ordinal)
            if not self._seen.first_time(key, event.slot):
                continue
            new.add(key)
            self.swaps += 1
            self._bodies.append(encode(event))
            if event.signature in sent_ns:
                self.latencies_ns.append(stored_ns - sent_ns[event.signature])
                last_ns = max(self._slot_sent_ns.get(event.slot, 0), sent_ns[event.signature])
                self._slot_sent_ns[event.slot] = last_ns
        for released in self._prefix.add(batch):
            self._count_late(released)

    def digest(self) -> str:
        """sha-256 over the sorted canonical swaps."""
        digest = hashlib.sha256()
        for body in sorted(self._bodies):
            digest.update(body + b"\n")
        return digest.hexdigest()

    def latency(self) -> Percentiles:
        """From sent by the source to stored in PW_SWAP."""
        return percentiles(self.latencies_ns)

    def alert_latency(self, stored: Iterable[tuple[int, int]]) -> Percentiles:
        """From the slot's last swap sent to the alert stored, for (slot, stored_ns) pairs."""
        known = self._slot_sent_ns
        return percentiles([at_ns - known[slot] for slot, at_ns in stored if slot in known])

    def _count_late(self, batch: Batch) -> None:
        for event in batch.events:
            if not isinstance(event, Swap):
                continue
            first = self._in_order.first_time((event.signature, event.ordinal), event.slot)
            if first and self._watermark.is_late(batch, event.slot):
                self.late += 1
        self._watermark.advance(batch)


def percentiles(values_ns: list[int]) -> Percentiles:
    """Nearest-rank percentiles of nanoseconds, in milliseconds."""
    if not values_ns:
        return Percentiles()
    ordered = sorted(values_ns)

    def rank(share: float) -> float:
        at = min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))
        return round(ordered[at] / 1e6, 2)

    return Percentiles(rank(0.50), rank(0.99), round(ordered[-1] / 1e6, 2))


def per_transaction(cpu_s: Mapping[str, float], transactions: int) -> dict[str, float]:
    """CPU microseconds per transaction, summed over a service's instances."""
    if not transactions:
        return {}
    return {name: round(1e6 * cost / transactions, 1) for name, cost in sorted(cpu_s.items())}
