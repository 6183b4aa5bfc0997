"""What a channel's delivery log says of an alert, however often it comes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_notifier.delivery.delivery_log import DeliveryLog
from support.broker import provisioned


async def test_a_claim_that_said_sent_says_so_again(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        delivery_log = DeliveryLog(bus, "hook")
        assert await delivery_log.claim("a", again=True) == "ours"
        await delivery_log.sent("a")
        # Each time its ack is lost it comes once more.
        for _ in range(3):
            assert await delivery_log.claim("a", again=True) == "sent"


@pytest.mark.parametrize(("again", "claim"), [(True, "ours"), (False, "unsure")])
async def test_what_an_earlier_process_left_unsure_is_decided_alike_each_time(
    tmp_path: Path, again: bool, claim: str
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        assert await DeliveryLog(bus, "hook").claim("a", again=again) == "ours"
        after_the_crash = DeliveryLog(bus, "hook")
        for _ in range(3):
            assert await after_the_crash.claim("a", again=again) == claim


async def test_an_unsure_one_that_was_sent_after_all_is_not_sent_again(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await DeliveryLog(bus, "hook").claim("a", again=True)
        after_the_crash = DeliveryLog(bus, "hook")
        assert await after_the_crash.claim("a", again=True) == "ours"
        await after_the_crash.sent("a")
        assert await after_the_crash.claim("a", again=True) == "sent"


@pytest.mark.parametrize(("again", "claim"), [(True, "ours"), (False, "unsure")])
async def test_a_replica_that_does_not_know_a_claim_yet_loses_no_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool, claim: str
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await DeliveryLog(bus, "hook").claim("a", again=again)

        async def behind(_bucket: str, _key: str) -> None:
            return None

        monkeypatch.setattr(bus, "kv_get", behind)
        assert await DeliveryLog(bus, "hook").claim("a", again=again) == claim
