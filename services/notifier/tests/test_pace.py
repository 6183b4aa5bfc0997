"""A burst of alerts is a few messages, and none of its alerts is lost or waits for long."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.channels import Channel
from pw_common.wire.alerts import Alert
from pw_notifier.core.kinds import request_of
from pw_notifier.core.pace import FEW, FEW_MS, Pace
from pw_notifier.core.policy import Refused, Sent
from pw_notifier.core.standing import Item, Standing

STEP_MS = 50


def driven(stored_ms: list[int]) -> list[tuple[int, int]]:
    """When each message goes out, and of how many alerts it is, at an instant receiver."""
    pace, messages, waiting = Pace(), [], 0
    coming = sorted(stored_ms)
    now_ms = 0
    while coming or waiting:
        while coming and coming[0] <= now_ms:
            coming.pop(0)
            waiting += 1
        while waiting:
            turn = pace.turn(waiting, now_ms)
            if turn.wait_ms:
                break
            count = waiting if turn.folds else 1
            pace.sent(count, now_ms)
            messages.append((now_ms, count))
            waiting -= count
        now_ms += STEP_MS
    return messages


def test_a_few_alerts_go_out_by_themselves_at_once() -> None:
    assert driven([0] * FEW) == [(0, 1)] * FEW
    assert driven([n * FEW_MS for n in range(20)]) == [(n * FEW_MS, 1) for n in range(20)]


def test_more_than_a_few_at_once_are_one_message() -> None:
    assert driven([0] * (FEW + 1)) == [(0, FEW + 1)]
    assert driven([0] * 100 + [10] * 50) == [(0, 100), (FEW_MS, 50)]


def test_what_follows_a_few_waits_and_comes_as_one() -> None:
    stored = [n * 100 for n in range(60)]
    messages = driven(stored)
    assert messages[:FEW] == [(n * 100, 1) for n in range(FEW)]
    assert messages[FEW] == (FEW_MS, FEW_MS // 100 - FEW + 1)
    assert sum(count for _, count in messages) == 60
    assert len(messages) == FEW + 2


def test_after_a_burst_a_single_alert_goes_out_by_itself_again() -> None:
    assert driven([0] * 50 + [3 * FEW_MS])[-1] == (3 * FEW_MS, 1)


@pytest.mark.parametrize("every_ms", [50, 300, 1_000])
def test_a_burst_without_end_is_one_message_each_time(every_ms: int) -> None:
    messages = driven(list(range(0, 120_000, every_ms)))
    assert len(messages) <= 120_000 // FEW_MS + FEW + 1 or every_ms * FEW >= FEW_MS


@given(st.lists(st.integers(0, 30_000), max_size=80))
def test_every_alert_goes_out_once_and_soon_and_messages_are_few(stored_ms: list[int]) -> None:
    messages = driven(stored_ms)
    assert sum(count for _, count in messages) == len(stored_ms)
    for at_ms, _ in messages:
        assert len([one for one, _ in messages if at_ms - FEW_MS < one <= at_ms]) <= FEW
    # In the order in which they were stored, so the oldest goes first.
    sent_ms = [at_ms for at_ms, count in messages for _ in range(count)]
    for was_ms, is_ms in zip(sorted(stored_ms), sent_ms, strict=True):
        assert 0 <= is_ms - was_ms <= FEW_MS + STEP_MS


def test_what_a_phone_shows_of_a_burst_names_the_first_alert() -> None:
    some = [
        Alert(
            id=f"{n:032}", episode="e", n=n, kind="opened", trigger="t", severity="info", slot=1,
            opened_slot=1, event_time_ms=0, mint="M" * 43, title=f"WIF {n}: whale",
        )
        for n in range(3)
    ]  # fmt: skip
    body = msgspec.json.decode(
        request_of(
            Channel(name="c", kind="slack", url="https://h"), some, late=False, now_s=0,
            telegram_url="",
        ).body
    )  # fmt: skip
    assert body["text"] == "3 alerts: WIF 0: whale"
    assert body["blocks"][0]["text"]["text"] == "*3 alerts*"


def test_a_burst_that_is_refused_condemns_none_of_its_alerts_unheard() -> None:
    one, three = Standing(), [Item(), Item(), Item()]
    assert one.chosen(0, 3, folds=True) == ("all", 0)
    assert one.after(Refused("answered 400: bad"), three, 0) == "apart"
    assert one.chosen(0, 3, folds=True) == ("one", 0)
    assert one.after(Sent(), three[:1], 0) == "sent"
    assert one.chosen(0, 2, folds=True) == ("one", 0)
