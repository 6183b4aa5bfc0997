"""Stores alerts, each under a subject of its own that takes no second message.

A refusal means that the alert is there: stored by us before a crash, or by a second
detector that folds the same stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from pw_common import subjects
from pw_common.alerts import SCHEMA_ALERT, TRIGGER_REVISION, Alert, decode_alert
from pw_common.bus import Bus
from pw_common.envelope import EXPECTED_LAST_SUBJECT_SEQUENCE, MSG_ID, SCHEMA
from pw_common.log import Log
from pw_common.log_reader import LogReader
from pw_common.messages import encode
from pw_common.publisher import Publisher, PublishRefused

WRONG_LAST_SEQUENCE: Final = 10071
# Alerts read back at a restart; older ones can hold no open episode or cooldown.
ALERTS_BACK: Final = 50_000
FETCH: Final = 256


class AlertStore:
    """Publishes alerts and waits until each is stored."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.stored = 0
        self.already_there = 0

    async def store(self, alerts: Sequence[Alert], revision: int) -> None:
        """Store a slot's alerts; returns when all of them are in PW_ALERT.

        Raises:
            PublishRefused: the broker will never take one, for another reason than a repeat.
        """
        futures = [
            await self._publisher.publish(
                subjects.alert(alert.id),
                encode(alert),
                {
                    MSG_ID: alert.id,
                    SCHEMA: SCHEMA_ALERT,
                    EXPECTED_LAST_SUBJECT_SEQUENCE: "0",
                    TRIGGER_REVISION: str(revision),
                },
            )
            for alert in alerts
        ]
        for future in futures:
            try:
                stored = await future
            except PublishRefused as error:
                if error.err_code != WRONG_LAST_SEQUENCE:
                    raise
                self.already_there += 1
                continue
            self.already_there += stored.duplicate
            self.stored += not stored.duplicate


async def stored_alerts(bus: Bus, log: Log, *, until_slot: int) -> list[Alert]:
    """The tokens' alerts up to a slot, in the order in which they were stored.

    What somebody put there that is no alert is left out and logged.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    state = (await bus.api(f"STREAM.INFO.{subjects.STREAM_ALERT}"))["state"]
    last = int(state["last_seq"])
    first = max(1, int(state["first_seq"]), last + 1 - ALERTS_BACK)
    reader = LogReader(bus, subjects.STREAM_ALERT, start_seq=first)
    found: list[Alert] = []
    try:
        while reader.position < last:
            messages = await reader.fetch(FETCH)
            if not messages and not reader.pending:
                break  # The last ones were deleted: no reader ever comes to them.
            for message in messages:
                try:
                    alert = decode_alert(message.body)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    log.error("alert_unreadable", seq=message.seq, reason=str(error))
                    continue
                if alert.mint and alert.slot <= until_slot:
                    found.append(alert)
    finally:
        await reader.close()
    return found
