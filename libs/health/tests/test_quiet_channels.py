"""Alerts that wait for the end of a channel's quiet hours are no fault of the channel."""

from __future__ import annotations

from typing import Any

import pytest

from pw_common.jetstream.overview import Overview
from pw_common.topology.subjects import CHANNEL_OFF, CHANNEL_QUIET
from pw_health.reading import quiet_until_ms, snapshot_of

NOW_MS = 1_700_000_000_000
AT = ("PW_ALERT", "notifier-hook")


def waiting(metadata: dict[str, Any] | None) -> int:
    view = Overview(NOW_MS, broker_ms=NOW_MS)
    view.channels["hook"] = AT
    view.consumers[AT] = {
        "num_pending": 1, "num_ack_pending": 5, "config": {"metadata": metadata},
    }  # fmt: skip
    view.lag_s[AT] = 600.0
    (one,) = snapshot_of(view).channels
    return one.waiting


def test_what_quiet_hours_hold_up_does_not_count_as_waiting_and_all_else_does() -> None:
    assert waiting({CHANNEL_QUIET: str(NOW_MS + 1)}) == 1
    assert waiting({CHANNEL_QUIET: str(NOW_MS)}) == 6
    assert waiting({}) == waiting(None) == 6
    assert waiting({CHANNEL_OFF: "true", CHANNEL_QUIET: str(NOW_MS + 1)}) == 0


def test_what_is_urgent_in_quiet_hours_is_not_as_late_as_what_they_hold_up() -> None:
    def lag_ms(until_ms: int, **pending: float) -> int:
        view = Overview(NOW_MS, broker_ms=NOW_MS)
        view.channels["hook"] = AT
        metadata = {CHANNEL_QUIET: str(until_ms)}
        view.consumers[AT] = {
            "num_pending": len(pending), "num_ack_pending": 5, "config": {"metadata": metadata},
        }  # fmt: skip
        view.lag_s[AT] = 600.0
        view.pending_lag_s |= dict.fromkeys([AT] if pending else [], pending.get("age_s", 0.0))
        (one,) = snapshot_of(view).channels
        return one.lag_ms

    assert lag_ms(NOW_MS + 1, age_s=2.0) == 2_000
    assert lag_ms(NOW_MS + 1, age_s=90.0) == 90_000
    assert lag_ms(NOW_MS + 1) == 0
    assert lag_ms(NOW_MS, age_s=2.0) == 600_000


@pytest.mark.parametrize("until", ["", "soon", "-1", "²", "1e99", 5, None])
def test_hours_that_cannot_be_read_hide_nothing(until: Any) -> None:
    assert waiting({CHANNEL_QUIET: until}) == 6


def test_a_number_without_end_is_no_reason_to_fail() -> None:
    assert waiting({CHANNEL_QUIET: "9" * 10_000}) == 1


def test_quiet_hours_are_named_until_they_end_and_garbage_is_none() -> None:
    def until(metadata: Any) -> int | None:
        return quiet_until_ms({"config": {"metadata": metadata}}, NOW_MS)

    assert until({CHANNEL_QUIET: str(NOW_MS + 1)}) == NOW_MS + 1
    for garbage in (
        {CHANNEL_QUIET: str(NOW_MS)},
        {CHANNEL_QUIET: "-1"},
        {CHANNEL_QUIET: ""},
        {},
        None,
    ):
        assert until(garbage) is None
    assert quiet_until_ms({}, NOW_MS) is None
