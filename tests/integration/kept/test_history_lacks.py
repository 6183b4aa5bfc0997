"""Each answer says what it lacks: alerts that were lost, and what waits to be read."""

from __future__ import annotations

from pathlib import Path

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import EndedEarly
from pw_common.jetstream.requests import Unanswered
from pw_common.wire.history import AlertsAsked, HistoryHead
from pw_provision.apply import apply
from support.asked import asked
from support.broker import provisioned, small_topology
from support.kept_market import settings
from support.poll import poll_until
from support.records import fire
from support.services import running_service


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
