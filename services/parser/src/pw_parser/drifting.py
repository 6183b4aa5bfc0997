"""Layout drift as a parser says it: once in the log, and in the heartbeat until acknowledged."""

from __future__ import annotations

import asyncio
from typing import Final

from pw_common.documents.document import BadDocument
from pw_common.documents.programs import AcknowledgedList, stored_acknowledged
from pw_common.jetstream.bus import BrokerAway
from pw_common.process.log import Log
from pw_common.service.run import Runtime
from pw_common.topology.subjects import BUCKET_CONFIG, KEY_ACKNOWLEDGED
from pw_common.wire.heartbeat import LayoutDrift
from pw_common.wire.messages import UnparsedAt
from pw_parser.core.batch import Tally
from pw_parser.core.drift import DriftWatch

LOOK_S: Final = 2.0


class Drift:
    """Watches the venues' layouts, and says once when one changed or has something new."""

    def __init__(self, log: Log) -> None:
        self._watch = DriftWatch()
        self._log = log
        self._said: set[tuple[str, str, str]] = set()

    def take(self, tally: Tally, unparsed: tuple[UnparsedAt, ...]) -> None:
        """Fold one message that is stored."""
        self._watch.fold(
            tally.slot,
            tally.called,
            unparsed,
            tally.unparsed,
            agreed=tally.agreements,
            disagreed=tally.disagreements,
        )
        said: set[tuple[str, str, str]] = set()
        for one in self._watch.drifts():
            # A change is one matter, whatever it brings; what is new is said tag by tag.
            tags = one.tags if one.kind == "new" else ("",)
            keys = {(one.venue, one.kind, tag) for tag in tags}
            if not keys <= self._said:
                self._say(one)
            said |= keys
        self._said = said

    def acknowledge(self, seen: AcknowledgedList) -> None:
        """What is shown no more."""
        self._watch.acknowledge((one.program, one.tag) for one in seen.entries)

    def _say(self, one: LayoutDrift) -> None:
        say = self._log.warning if one.kind == "changed" else self._log.info
        say(
            "layout_drift" if one.kind == "changed" else "layout_new",
            venue=one.venue,
            first_slot=one.first_slot,
            signatures=one.signatures,
            tags=one.tags,
        )

    def now(self) -> tuple[LayoutDrift, ...]:
        """For the heartbeat."""
        return self._watch.drifts()


class AcknowledgedWatch:
    """Follows what people have acknowledged. What cannot be used changes nothing, and is said."""

    def __init__(self, runtime: Runtime, drift: Drift) -> None:
        self._runtime = runtime
        self._drift = drift
        self._revision = 0

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except BrokerAway as error:
                self._runtime.log.debug("acknowledged_not_seen", reason=str(error))
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Take the newest value. Raises BrokerAway."""
        entry = await self._runtime.bus.kv_get(BUCKET_CONFIG, KEY_ACKNOWLEDGED)
        body, revision = entry or (b"{}", 0)
        if revision == self._revision:
            return
        self._revision = revision
        trouble = ""
        try:
            self._drift.acknowledge(stored_acknowledged(body))
        except BadDocument as error:
            trouble = f"{KEY_ACKNOWLEDGED} of revision {revision} cannot be used "
            trouble += f"({error.errors[0][:200]}): what held before goes on; set it again"
            self._runtime.log.error("acknowledged_refused", revision=revision, reason=trouble)
        self._runtime.set_trouble(KEY_ACKNOWLEDGED, trouble)
        self._runtime.metrics.set("pw_configuration_unusable", int(bool(trouble)))
