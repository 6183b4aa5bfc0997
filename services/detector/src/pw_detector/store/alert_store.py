"""Stores alerts, each under its own subject, which takes no second message.

A refusal means that the alert is there: stored by us before a crash, or by a second
detector that folds the same stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.ranges import read_range
from pw_common.jetstream.publishing.publisher import Publisher, PublishRefused, Stored
from pw_common.jetstream.refusals import ERR_TOO_LARGE
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.alerts import SCHEMA_ALERT, TRIGGER_REVISION, Alert, decode_alert, of_detector
from pw_common.wire.envelope import EXPECTED_LAST_SUBJECT_SEQUENCE, MSG_ID, SCHEMA
from pw_common.wire.messages import encode
from pw_detection.alerts.alerting import ALERT_BYTES_MAX, fitted
from pw_detection.unlisted import program_of

WRONG_LAST_SEQUENCE: Final = 10071
# Alerts read back at a restart; older ones can hold no open episode or cooldown.
ALERTS_BACK: Final = 50_000
FETCH: Final = 256
# A broker may be set to take less than its default: then an alert is cut further.
SMALLER_BYTES: Final = (128 * 1024, 32 * 1024, 4 * 1024)


class AlertStore:
    """Publishes alerts and waits until each is stored."""

    def __init__(
        self,
        publisher: Publisher,
        log: Log | None = None,
        *,
        on_cut: Callable[[], None] = lambda: None,
    ) -> None:
        self._publisher = publisher
        self._log = log or Log("detector")
        self.stored = 0
        self.already_there = 0
        # Called for each alert of which not everything could be stored.
        self._on_cut = on_cut

    async def store(self, alerts: Sequence[Alert], revision: int) -> None:
        """Store a slot's alerts; returns when all of them are in PW_ALERT.

        Raises:
            PublishRefused: the broker will never take one, for another reason than a repeat.
        """
        # The core cuts as well; what is cut here keeps its order among the others.
        fitting = [fitted(alert, ALERT_BYTES_MAX) for alert in alerts]
        futures = [await self._publish(alert, revision) for alert in fitting]
        for alert, future in zip(fitting, futures, strict=True):
            await self._settle(alert, revision, future)

    async def _publish(self, alert: Alert, revision: int) -> asyncio.Future[Stored]:
        return await self._publisher.publish(
            subjects.alert(alert.id),
            encode(alert),
            {
                MSG_ID: alert.id,
                SCHEMA: SCHEMA_ALERT,
                EXPECTED_LAST_SUBJECT_SEQUENCE: "0",
                TRIGGER_REVISION: str(revision),
            },
        )

    async def _settle(self, alert: Alert, revision: int, future: asyncio.Future[Stored]) -> None:
        for bytes_max in (*SMALLER_BYTES, None):
            try:
                stored = await future
            except PublishRefused as error:
                if error.err_code == WRONG_LAST_SEQUENCE:
                    self.already_there += 1
                    return
                if error.err_code != ERR_TOO_LARGE:
                    raise
                why = str(error)
            else:
                if bytes_max != SMALLER_BYTES[0] or alert.truncated is not msgspec.UNSET:
                    self._on_cut()
                self.already_there += stored.duplicate
                self.stored += not stored.duplicate
                return
            if bytes_max is not None:
                self._log.warning("alert_cut", alert=alert.id, bytes_max=bytes_max, reason=why)
                future = await self._publish(fitted(alert, bytes_max), revision)
                continue
            # Everything after it would wait for ever: it is left out, and this is logged.
            self._on_cut()
            self._log.error("alert_left_out", alert=alert.id, reason=why)


async def stored_alerts(bus: Bus, log: Log, *, until_slot: int) -> list[Alert]:
    """The detector's own alerts up to a slot, in the order in which they were stored.

    Whatever else somebody put there is left out and logged.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    state = (await bus.api(f"STREAM.INFO.{subjects.STREAM_ALERT}"))["state"]
    last = int(state["last_seq"])
    first = max(1, int(state["first_seq"]), last + 1 - ALERTS_BACK)
    found: list[Alert] = []
    async for message in read_range(bus, subjects.STREAM_ALERT, first, last):
        try:
            alert = decode_alert(message.body)
        except msgspec.MsgspecError as error:
            log.error("alert_unreadable", seq=message.seq, reason=str(error))
            continue
        if (of_detector(alert) or program_of(alert)) and alert.slot <= until_slot:
            found.append(alert)
    return found
