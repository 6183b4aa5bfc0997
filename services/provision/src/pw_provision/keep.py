"""Applies the declaration again and again: what was deleted or changed is repaired."""

from __future__ import annotations

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.process.tasks import unless
from pw_common.service.run import Runtime
from pw_common.topology.streams import Topology
from pw_provision.apply import Outcome, apply_all

# A broker that is away, or a cluster that forms, is asked again sooner than a sound one.
AGAIN_S = 1.0


class Keeper:
    """Applies, and says in log, metrics and readiness what it found."""

    def __init__(self, runtime: Runtime, topology: Topology) -> None:
        self._runtime = runtime
        self._topology = topology
        # From then on a change is a repair.
        self._was_complete = False
        self._said = ""

    async def run(self, every_s: float) -> None:
        """Apply at the given interval until stopped."""
        while not self._runtime.stop.is_set():
            await unless(self._runtime.stop, every_s if await self.once() else AGAIN_S)

    async def once(self) -> bool:
        """Apply once; whether the broker could be asked about everything."""
        runtime = self._runtime
        try:
            outcome = await apply_all(runtime.bus, self._topology)
        except (BrokerAway, ApiRefused) as error:
            runtime.metrics.count("pw_provision_failed_total")
            self._say("provision_waits", f"waits for the broker: {error}")
            return False
        self._note(outcome)
        names = ", ".join(one.name for one in outcome.refused)
        runtime.metrics.set("pw_provision_refused", len(outcome.refused))
        if outcome.refused:
            details = " ".join(str(one) for one in outcome.refused)
            self._say("provision_refused", f"must not change {names}", details)
        else:
            self._was_complete = True
            self._said = ""
            runtime.set_ready()
        return True

    def _note(self, outcome: Outcome) -> None:
        for change in outcome.changes:
            if change.done == "unchanged":
                continue
            kind = "created" if change.done == "created" else "updated"
            self._runtime.metrics.count("pw_provision_changes_total", done=kind)
            if self._was_complete:
                self._runtime.log.warning("repaired", name=change.name, done=change.done)
            else:
                self._runtime.log.info("provisioned", name=change.name, done=change.done)

    def _say(self, event: str, reason: str, details: str = "") -> None:
        """Into the readiness always, into the log when it is another reason than before."""
        self._runtime.set_ready(reason)
        if reason != self._said:
            self._said = reason
            self._runtime.log.error(event, reason=details or reason)
