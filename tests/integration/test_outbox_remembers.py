"""What went out is not sent twice because the broker was away when it was to be noted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pw_common import subjects
from pw_common.bus import ApiRefused, BrokerAway, Bus
from pw_notifier.outbox import Outbox
from support.broker import provisioned

ALERTS = tuple(f"{n:032}" for n in range(5))


@asynccontextmanager
async def nothing_is_stored(bus: Bus) -> AsyncIterator[None]:
    """The bucket refuses every write meanwhile."""
    stream = f"KV_{subjects.BUCKET_OUTBOX}"
    config = (await bus.api(f"STREAM.INFO.{stream}"))["config"]
    await bus.api(f"STREAM.UPDATE.{stream}", config | {"max_msg_size": 1})
    yield
    await bus.api(f"STREAM.UPDATE.{stream}", config)


async def test_a_digest_that_could_not_be_noted_is_noted_before_any_of_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        outbox = Outbox(bus, "hook")
        for one in ALERTS:
            assert await outbox.claim(one, again=True) == "ours"
        async with nothing_is_stored(bus):
            outbox.went_out(ALERTS)
            with pytest.raises((ApiRefused, BrokerAway)):
                await outbox.sent(ALERTS[0])
        for one in ALERTS:
            assert await outbox.claim(one, again=True) == "sent"
            # And so another process says.
            assert await Outbox(bus, "hook").claim(one, again=True) == "sent"


async def test_an_orderly_end_never_says_of_what_went_out_that_it_may_be_sent(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        outbox = Outbox(bus, "hook")
        assert await outbox.claim("a", again=False) == "ours"
        outbox.went_out(["a"])
        await outbox.unsent("a")
        assert await Outbox(bus, "hook").claim("a", again=False) == "sent"


async def test_what_is_not_ours_any_more_is_not_kept_in_memory(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        outbox = Outbox(bus, "hook")
        for one, decide in zip(ALERTS, (outbox.sent, outbox.unsent), strict=False):
            await outbox.claim(one, again=True)
            await decide(one)
        await outbox.claim(ALERTS[2], again=True)
        outbox.forget(ALERTS[2])
        assert outbox.kept == 0
