"""Looks at the whole system once a second and says when it cannot see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from pw_common import subjects
from pw_common.alerts import SCHEMA_ALERT, Alert
from pw_common.bus import ApiRefused, BrokerAway, Bus
from pw_common.clock import monotonic_s, now_ms
from pw_common.envelope import EXPECTED_LAST_SUBJECT_SEQUENCE, MSG_ID, SCHEMA
from pw_common.log import Log
from pw_common.messages import Heartbeat, WrongSchema, decode_heartbeat, encode
from pw_common.publisher import Publisher, PublishRefused
from pw_common.redact import keep_secret
from pw_common.run import Runtime
from pw_notifier.config import Settings
from pw_notifier.core.sight import Facts, Sight
from pw_notifier.exchange import NoAnswer, exchange
from pw_notifier.letters import Letters

LOOK_S: Final = 1.0
DEADMAN_S: Final = 30.0
# A system that is just starting is given time to come up.
GRACE_S: Final = 8.0
WRONG_LAST_SEQUENCE: Final = 10071


async def watch(
    settings: Settings,
    runtime: Runtime,
    publisher: Publisher,
    client: httpx.AsyncClient,
    letters: Letters,
    failing: Callable[[], Mapping[str, str]],
) -> None:
    """Run until cancelled; `failing` says which channels fail in what."""
    deadman = ""
    if settings.deadman_url_file is not None:
        deadman = settings.deadman_url_file.read_text(encoding="utf-8").strip()
        keep_secret(deadman)
    sight = Sight()
    switch = _Switch(runtime.log, client, deadman)
    await asyncio.sleep(GRACE_S)
    while True:
        try:
            for alert in sight.look(await _facts(runtime.bus, letters, failing(), sight)):
                await _publish(publisher, runtime.log, alert)
                runtime.log.warning("sight", alert_kind=alert.kind, detail=alert.detail)
        except (BrokerAway, ApiRefused) as error:
            # Without a broker no alert goes out: the dead man's switch says so by silence.
            runtime.log.warning("watch_waits", reason=str(error))
        else:
            if sight.is_clear:
                switch.press()
        await asyncio.sleep(LOOK_S)


async def _facts(bus: Bus, own: Letters, channels: Mapping[str, str], sight: Sight) -> Facts:
    tx, gaps, letters = await asyncio.gather(
        *(
            _state(bus, name)
            for name in (subjects.STREAM_TX, subjects.STREAM_GAP, subjects.STREAM_DLQ)
        )
    )
    last = int(letters["state"]["last_seq"])
    # One of ours that is under way may be among them or not: the next look knows.
    others = last - own.upto(last)
    if own.under_way and sight.dead_letters is not None:
        others = sight.dead_letters
    parser = await bus.api(f"CONSUMER.INFO.{subjects.STREAM_TX}.{subjects.CONSUMER_PARSER}")
    return Facts(
        now_ms=now_ms(),
        heartbeats=_beats(await bus.kv_all(subjects.BUCKET_INSTANCES)),
        gaps=int(gaps["state"]["last_seq"]),
        dead_letters=others,
        channels=channels,
        tx_bytes=int(tx["state"]["bytes"]),
        tx_bytes_max=max(0, int(tx["config"]["max_bytes"])),
        parser_pending=int(parser["num_pending"]),
    )


async def _state(bus: Bus, stream: str) -> Any:
    return await bus.api(f"STREAM.INFO.{stream}")


def _beats(bodies: dict[str, bytes]) -> list[Heartbeat]:
    beats = []
    for body in bodies.values():
        try:
            beats.append(decode_heartbeat(body))
        except WrongSchema:
            continue  # Of another version.
    return beats


async def _publish(publisher: Publisher, log: Log, alert: Alert) -> None:
    headers = {MSG_ID: alert.id, SCHEMA: SCHEMA_ALERT, EXPECTED_LAST_SUBJECT_SEQUENCE: "0"}
    future = await publisher.publish(subjects.alert(alert.id), encode(alert), headers)
    try:
        await future
    except PublishRefused as error:
        # A repeat was said already, by another notifier. Anything else would be refused again, and
        # to look on matters more.
        if error.err_code != WRONG_LAST_SEQUENCE:
            log.error("sight_unsaid", trigger=alert.trigger, reason=str(error))


class _Switch:
    """The dead man's switch, pressed beside the look: one that hangs must not make us blind."""

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
        # The URL is a secret of its own.
        log.warning("deadman_unreached", reason=str(error))
        return False
    if answer.status >= 300:
        log.warning("deadman_unreached", reason=f"answered {answer.status}")
        return False
    return True
