"""What any run over a market must deliver: the pure cores alone, one after another.

No broker and no process takes part, so nothing of what is tested can agree with itself.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from chaos.delivered import Delivered, kept_key
from chaos.outcome import Outcome
from pw_cli.offline.offline import batches
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.dedup import SeenWindow
from pw_common.wire.messages import Swap, encode
from pw_detection.detector import Detector


def expected(market: Path) -> Outcome:
    """Every swap and alert of a market, and each alert through each channel once."""
    found = Delivered()
    seen, assembly, detector = SeenWindow(), Assembly(sources=("main",)), Detector()
    for batch in batches([market]):
        found.transactions += batch.counts.transactions
        for event in batch.events:
            if isinstance(event, Swap) and seen.first_time(
                (event.signature, event.ordinal), event.slot
            ):
                found.swaps[encode(event)] += 1
        for closed in assembly.add(batch):
            for swap in closed.swaps:
                found.kept[kept_key(msgspec.to_builtins(swap), closed.event_time_ms)] += 1
            for alert in detector.step(closed):
                found.alerts[encode(alert)] += 1
                found.notifications[alert.id] += 1
                found.held[alert.id] += 1
    found.late = assembly.late
    return Outcome(found)
