"""What pages show: `pw_hot` and `pw_tokens`, written for others, never read back.

One document each, at most once a second and only when it changed: a key for every token
would cost the broker a write to disk for each.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.process.clock import monotonic_s
from pw_common.topology.subjects import BUCKET_HOT, BUCKET_TOKENS, KEY_UNLISTED
from pw_common.wire.envelope import compress
from pw_detection.detector import Detector

KEY: Final = "now"
EVERY_S: Final = 1.0
WARM_MAX: Final = 500
TIMES_COST: Final = 10


class Projections:
    """Remembers what was written last."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._written: dict[tuple[str, str], bytes] = {}
        self._at_s = 0.0
        self._every_s = EVERY_S

    async def update(self, detector: Detector, now_s: float) -> None:
        """Write what changed; a broker that is away makes it wait for the next second."""
        if now_s - self._at_s < self._every_s:
            return
        self._at_s = now_s
        begun_s = monotonic_s()
        hot = detector.hot()
        documents: dict[tuple[str, str], Any] = {
            (BUCKET_HOT, KEY): hot,
            (BUCKET_TOKENS, KEY): hot + detector.warm(WARM_MAX),
            (BUCKET_TOKENS, KEY_UNLISTED): detector.unlisted.report(),
        }
        for (bucket, key), document in documents.items():
            body = msgspec.json.encode(document, order="deterministic")
            if body == self._written.get((bucket, key)):
                continue
            try:
                await self._bus.kv_put(bucket, key, compress(body))
            except (BrokerAway, ApiRefused):
                return
            self._written[bucket, key] = body
        # They never take more than a tenth of the time from what they are about.
        self._every_s = max(EVERY_S, TIMES_COST * (monotonic_s() - begun_s))
