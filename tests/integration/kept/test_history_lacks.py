"""Each answer says what it lacks: alerts that were lost, and what waits to be read."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import duckdb

from pw_common.dev.local_broker import restart_broker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import EndedEarly
from pw_common.jetstream.requests import Unanswered
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.process.log import Log
from pw_common.process.version import VERSION
from pw_common.service.metrics import Metrics
from pw_common.service.run import Runtime
from pw_common.wire.alerts import Alert
from pw_common.wire.history import AlertsAsked, HistoryHead
from pw_history.shell.behind import Behind
from pw_history.shell.keeping import Keeping
from pw_history.shell.logs import follow_logs
from pw_history.store.logs import LogPosition
from pw_history.store.schema import migrate
from pw_provision.apply import apply
from support.asked import asked, kept_up_to
from support.broker import provisioned, small_topology
from support.kept_market import Market, publish, settings
from support.poll import poll_until
from support.records import fire, make_swap, store_batch, store_gap
from support.services import running_service

# A pause that no look outlasts; the consumers are then gone as after a longer one.
PAUSE_S = 3.0
# Whatever waits here came a moment ago.
MOMENT_S = 60.0


async def answer(bus: Bus) -> tuple[HistoryHead, int] | None:
    """The head, and how many alerts are kept; None while history does not answer."""
    try:
        head, rows = await asked(bus, AlertsAsked())
    except (Unanswered, EndedEarly):
        return None
    return head, len(rows)


async def kept(bus: Bus, alerts: int, *holes: tuple[str, int | None, int | None]) -> None:
    """Wait until so many alerts are kept, and these holes are said."""

    async def there() -> bool:
        found = await answer(bus)
        if found is None:
            return False
        said = [(one.why, one.first_ms, one.last_ms) for one in found[0].holes]
        assert found[0].behind_s < MOMENT_S
        return found[1] == alerts and said == list(holes)

    await poll_until(there, f"{alerts} alerts and {holes}", timeout_s=60)


async def test_alerts_are_missed_though_none_follows_them_and_though_their_stream_is_another(
    tmp_path: Path,
) -> None:
    trimmed = ("alerts trimmed", 3, 7)
    async with provisioned(tmp_path / "broker") as (broker, bus):
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            for number in (1, 2, 3):
                await fire(bus, number)
            await kept(bus, 3)
        for number in (4, 5, 6):
            await fire(bus, number)
        await bus.api("STREAM.PURGE.PW_ALERT", {})
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            await kept(bus, 3, ("alerts trimmed", 3, None))
            await fire(bus, 7)
            await kept(bus, 4, trimmed)
        # Another of its name, with more messages than were read of the former one.
        await bus.api("STREAM.DELETE.PW_ALERT")
        await apply(bus, small_topology())
        for number in range(11, 21):
            await fire(bus, number)
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            await kept(bus, 14, ("alert stream made again", 7, 11), trimmed)


async def caught_up(bus: Bus) -> None:
    """Wait until nothing waits, and see that it was never said to wait for long."""

    async def there() -> bool:
        found = await answer(bus)
        assert found is None or found[0].behind_s < MOMENT_S
        return found is not None and not found[0].behind_s

    await poll_until(there, "history that has caught up", timeout_s=60)


async def test_an_empty_stream_is_not_behind(tmp_path: Path) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus):
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            await caught_up(bus)
            await fire(bus, 1)
            await store_gap(bus, 1, 2)
            await kept(bus, 1, ("test", None, None))
        await fire(bus, 2)
        for stream in ("PW_ALERT", "PW_GAP"):
            await bus.api(f"STREAM.PURGE.{stream}", {})
        # Here there is never room: nothing is read, and nothing waits.
        short = {**settings(broker.url, tmp_path), "PW_HISTORY_FREE_BYTES_MIN": str(1 << 40)}
        async with running_service("pw_history", short):
            await caught_up(bus)


async def all_say_so_until_they_lack_nothing(bus: Bus, alerts: int) -> None:
    """Of this many alerts one is known: each answer without the others says it is behind."""
    said: dict[int, list[float]] = {}

    async def whole() -> bool:
        if found := await answer(bus):
            said.setdefault(found[1], []).append(found[0].behind_s)
        return found is not None and found[1] == alerts

    await poll_until(whole, "all alerts", timeout_s=60)
    assert all(said.get(1, [])), said
    await caught_up(bus)


async def passed(began_s: float) -> None:
    async def over() -> bool:
        return monotonic_s() - began_s > PAUSE_S

    await poll_until(over, "a pause", timeout_s=60)


async def test_after_a_pause_each_answer_that_lacks_alerts_says_that_it_is_behind(
    tmp_path: Path,
) -> None:
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_history", settings(broker.url, tmp_path)) as (history, _),
    ):
        await fire(bus, 1)
        await kept(bus, 1)
        await caught_up(bus)
        history.send_signal(signal.SIGSTOP)
        began_s = monotonic_s()
        for number in range(2, 31):
            await fire(bus, number)
        for name in (await bus.api("CONSUMER.NAMES.PW_ALERT"))["consumers"]:
            if name.startswith("reader-"):
                await bus.api(f"CONSUMER.DELETE.PW_ALERT.{name}")
        await passed(began_s)
        history.send_signal(signal.SIGCONT)
        await all_say_so_until_they_lack_nothing(bus, 30)


async def test_after_a_restart_of_the_broker_each_answer_that_lacks_alerts_says_so(
    tmp_path: Path,
) -> None:
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_history", settings(broker.url, tmp_path)),
    ):
        await fire(bus, 1)
        await kept(bus, 1)
        await caught_up(bus)
        broker.kill()
        await passed(monotonic_s())
        await restart_broker(broker)

        async def connected() -> bool:
            return bus.connected

        await poll_until(connected, "the broker", timeout_s=60)
        for number in range(2, 31):
            await fire(bus, number)
        await all_say_so_until_they_lack_nothing(bus, 30)


class Busy(Keeping):
    """The writer, which is at something else until it is let go."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection, hours=24, days=30)
        self.let_go = asyncio.Event()

    async def write_alerts(
        self, alerts: Sequence[Alert], position: LogPosition, missed: str
    ) -> None:
        if alerts:
            await self.let_go.wait()
        await super().write_alerts(alerts, position, missed)


async def test_alerts_that_wait_to_be_written_are_said(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        log = Log("test")
        runtime = Runtime(
            service="history", instance="history-test", bus=bus, log=log,
            metrics=Metrics("history", VERSION), stop=asyncio.Event(), started_at_ms=0,
        )  # fmt: skip
        with duckdb.connect(":memory:") as connection:
            migrate(connection)
            behind, keeping = Behind(("PW_ALERT", "PW_GAP"), monotonic_s()), Busy(connection)
            following = asyncio.create_task(follow_logs(runtime, keeping, behind))

            async def says(is_behind: bool) -> bool:
                return (behind.seconds(now_ms(), monotonic_s()) > 0) is is_behind

            await poll_until(lambda: says(False), "logs that are read")
            await fire(bus, 1)
            await poll_until(lambda: says(True), "an alert that waits")
            began_s = monotonic_s()
            while monotonic_s() - began_s < PAUSE_S:
                assert await says(True)
                await asyncio.sleep(0)
            keeping.let_go.set()
            await poll_until(lambda: says(False), "an alert that is written")
            runtime.stop.set()
            await following
        runtime.metrics.close()


async def test_a_batch_that_waits_for_one_before_it_is_said(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_history", settings(broker.url, tmp_path)),
    ):
        await store_batch(bus, 1, make_swap("s1"))
        await caught_up(bus)
        await store_batch(bus, 3, make_swap("s3"))

        async def waits() -> bool:
            found = await answer(bus)
            return found is not None and found[0].behind_s > 0.3

        await poll_until(waits, "the batch that waits", timeout_s=30)


async def test_what_is_read_at_once_and_not_stored_yet_is_said_to_lack(tmp_path: Path) -> None:
    market = Market(tmp_path)
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_history", settings(broker.url, tmp_path)),
    ):
        await caught_up(bus)
        said = []
        for number, batch in enumerate(market.batches):
            await publish(bus, batch)
            if number % 10 == 9 and (found := await answer(bus)):
                said.append(found[0].behind_s)
        assert max(said) > 0.1
        await kept_up_to(bus, market.slots[-1].slot, AlertsAsked())
        await caught_up(bus)
