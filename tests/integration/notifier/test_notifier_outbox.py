"""What a channel's outbox says of an alert, however often it comes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_notifier.delivery.outbox import Outbox
from support.broker import provisioned


async def test_a_claim_that_said_sent_says_so_again(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        outbox = Outbox(bus, "hook")
        assert await outbox.claim("a", again=True) == "ours"
        await outbox.sent("a")
        # Each time its ack is lost it comes once more.
        for _ in range(3):
            assert await outbox.claim("a", again=True) == "sent"


@pytest.mark.parametrize(("again", "claim"), [(True, "ours"), (False, "unsure")])
async def test_what_an_earlier_process_left_unsure_is_decided_alike_each_time(
    tmp_path: Path, again: bool, claim: str
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        assert await Outbox(bus, "hook").claim("a", again=again) == "ours"
        after_the_crash = Outbox(bus, "hook")
        for _ in range(3):
            assert await after_the_crash.claim("a", again=again) == claim


async def test_an_unsure_one_that_was_sent_after_all_is_not_sent_again(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await Outbox(bus, "hook").claim("a", again=True)
        after_the_crash = Outbox(bus, "hook")
        assert await after_the_crash.claim("a", again=True) == "ours"
        await after_the_crash.sent("a")
        assert await after_the_crash.claim("a", again=True) == "sent"


@pytest.mark.parametrize(("again", "claim"), [(True, "ours"), (False, "unsure")])
async def test_a_replica_that_does_not_know_a_claim_yet_loses_no_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool, claim: str
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await Outbox(bus, "hook").claim("a", again=again)

        async def behind(_bucket: str, _key: str) -> None:
            return None

        monkeypatch.setattr(bus, "kv_get", behind)
        assert await Outbox(bus, "hook").claim("a", again=again) == claim
