"""Looks at the whole system once a second and says when it cannot see."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx
import msgspec

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.consuming.pages import newest_first
from pw_common.jetstream.overview import Overview, take
from pw_common.jetstream.publishing.publisher import Publisher, PublishRefused
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.process.log import Log
from pw_common.service.run import Runtime
from pw_common.text.redact import keep_secret
from pw_common.topology import subjects
from pw_common.wire.alerts import SCHEMA_ALERT, Alert, decode_alert
from pw_common.wire.envelope import EXPECTED_LAST_SUBJECT_SEQUENCE, MSG_ID, SCHEMA
from pw_common.wire.messages import encode
from pw_health.reading import snapshot_of
from pw_notifier.config import Settings
from pw_notifier.core.condition_alerts import ConditionAlerts, Facts
from pw_notifier.core.others import Others
from pw_notifier.delivery.dead_letters import DeadLetters
from pw_notifier.http.exchange import NoAnswer, exchange

LOOK_S: Final = 1.0
DEADMAN_S: Final = 30.0
# A system that is just starting is given time to come up.
GRACE_S: Final = 8.0
WRONG_LAST_SEQUENCE: Final = 10071
# Alerts that are read back at a start: older ones are over, or are raised again.
BACK: Final = 500


async def watch(
    settings: Settings,
    runtime: Runtime,
    publisher: Publisher,
    client: httpx.AsyncClient,
    dead_letters: DeadLetters,
) -> None:
    """Run until cancelled."""
    deadman = ""
    if settings.deadman_url_file is not None:
        deadman = settings.deadman_url_file.read_text(encoding="utf-8").strip()
        keep_secret(deadman)
    condition_alerts, asking = ConditionAlerts(), _Asking(runtime.bus, dead_letters)
    switch = _Switch(runtime.log, client, deadman)
    await asyncio.sleep(GRACE_S)
    resumed = False
    while True:
        try:
            if not resumed:
                condition_alerts.resume(await _stored_alerts(runtime.bus), now_ms())
                resumed = True
            for alert in condition_alerts.look(await asking.facts()):
                await _publish(publisher, runtime.log, alert)
                runtime.log.warning("condition_alert", alert_kind=alert.kind, detail=alert.detail)
        except (BrokerAway, ApiRefused) as error:
            # Without a broker no alert goes out: the dead man's switch says so by silence.
            runtime.log.warning("watch_waits", reason=str(error))
        else:
            if condition_alerts.sees:
                switch.press()
        await asyncio.sleep(LOOK_S)


class _Asking:
    """Asks for the facts, and keeps what only several looks tell: whose dead letters they are."""

    def __init__(self, bus: Bus, own: DeadLetters) -> None:
        self._bus = bus
        self._own = own
        self._others = Others()
        self._dead_letters: int | None = None

    async def facts(self) -> Facts:
        """How all stands now; raises BrokerAway, ApiRefused."""
        view = await take(self._bus, now_ms())
        return Facts(
            snapshot_of(view),
            gaps=_stored(view, subjects.STREAM_GAP),
            dead_letters=self._of_others(view),
        )

    def _of_others(self, view: Overview) -> int | None:
        """How many dead letters are not a notifier's: a channel's are reported as its fault."""
        stored = _stored(view, subjects.STREAM_DLQ)
        if stored is None:
            return None
        # One of ours that is under way may be among them or not: the next look knows.
        if not self._own.under_way:
            held = view.streams[subjects.STREAM_DLQ]["state"].get("subjects") or {}
            self._dead_letters = self._others.of(stored, sum(held.values()), self._own.upto(stored))
        return self._dead_letters


async def _stored_alerts(bus: Bus) -> list[Alert]:
    """The newest alerts in the order in which they were stored; what is none is left out."""
    found = []
    for message in reversed((await newest_first(bus, subjects.STREAM_ALERT, limit=BACK)).messages):
        try:
            found.append(decode_alert(message.body))
        except msgspec.MsgspecError:
            continue  # Channels make a dead letter of it.
    return found


def _stored(view: Overview, stream: str) -> int | None:
    """How many messages a stream was ever given; None where it is not there."""
    return int(view.streams[stream]["state"]["last_seq"]) if stream in view.streams else None


async def _publish(publisher: Publisher, log: Log, alert: Alert) -> None:
    headers = {MSG_ID: alert.id, SCHEMA: SCHEMA_ALERT, EXPECTED_LAST_SUBJECT_SEQUENCE: "0"}
    future = await publisher.publish(subjects.alert(alert.id), encode(alert), headers)
    try:
        await future
    except PublishRefused as error:
        # A repeat was raised already, by another notifier. Anything else would be refused again,
        # and to go on looking matters more.
        if error.err_code != WRONG_LAST_SEQUENCE:
            log.error("condition_alert_not_stored", trigger=alert.trigger, reason=str(error))


class _Switch:
    """The dead man's switch, pressed beside the look: where it hangs we must not go blind."""

    def __init__(self, log: Log, client: httpx.AsyncClient, url: str) -> None:
        self._log = log
        self._client = client
        self._url = url
        self._pressed_s = 0.0
        self._pressing: asyncio.Task[bool] | None = None

    def press(self) -> None:
        """Fetch its URL, if it is time; the exchange's deadline is shorter than DEADMAN_S."""
        if self._url and monotonic_s() - self._pressed_s >= DEADMAN_S:
            self._pressed_s = monotonic_s()
            self._pressing = asyncio.create_task(
                fetch(self._log, self._client, self._url), name="deadman"
            )


async def fetch(log: Log, client: httpx.AsyncClient, url: str) -> bool:
    """Tell the dead man's switch that all is well; whether it took it."""
    try:
        answer = await exchange(client, "GET", url)
    except NoAnswer as error:
        # The URL itself is a secret.
        log.warning("deadman_unreached", reason=str(error))
        return False
    if answer.status >= 300:
        log.warning("deadman_unreached", reason=f"answered {answer.status}")
        return False
    return True
