"""When a channel's fault is over: what got through, and when nothing is left that would show it."""

from __future__ import annotations

import pytest

from pw_notifier.core.policy import Refused, Retry, Sent
from pw_notifier.core.standing import LOST_SHOWN_MS, PASSING_MS, REFUSED_IN_ROW_MAX, Item, Standing

HELD = Retry("answered 401", held=True)
DOWN = Retry("no answer in 10 s", unsure=True)
LONG_AFTER = 10 * (PASSING_MS + LOST_SHOWN_MS)


@pytest.mark.parametrize("answer", [HELD, DOWN])
def test_a_fault_ends_with_the_last_alert_that_it_held(answer: Retry) -> None:
    one = Standing()
    assert one.after(answer, [Item()], LOST_SHOWN_MS) == "again"
    one.lose(1, LOST_SHOWN_MS)
    one.emptied()
    lost = f"lost 1 alert to dead letters: too old to be sent: {answer.why}"
    assert one.says(LOST_SHOWN_MS, 0) == lost
    assert one.says(LONG_AFTER, 0) == ""
    # The next one shows whether the channel works.
    assert one.after(answer, [Item()], LONG_AFTER) == "again"
    assert one.says(LONG_AFTER + PASSING_MS, 1)


@pytest.mark.parametrize("answer", [HELD, DOWN])
def test_what_else_got_through_ends_the_fault_and_what_waits_is_still_one_digest(
    answer: Retry,
) -> None:
    one, waits = Standing(), [Item(), Item()]
    one.after(HELD, waits[:1], 0)
    one.after(answer, waits, 0)
    one.worked()
    assert one.says(LONG_AFTER, 2) == ""
    assert (one.tries, one.chosen(0, 2)) == (0, ("all", 0))


def test_what_else_got_through_condemns_no_alert_that_waits() -> None:
    one, waits = Standing(), Item()
    assert one.after(HELD, [waits], 0) == "again"
    one.worked()
    assert one.after(HELD, [waits], 0) == "again"
    for _ in range(REFUSED_IN_ROW_MAX):
        assert one.after(Refused("answered 400"), [Item()], 0) == "condemned"
    one.worked()
    # A channel that takes tests and condemns every alert is still at fault itself.
    assert one.after(Refused("answered 400"), [Item()], 0) == "again"
    assert one.after(Sent(), [waits], 0) == "sent"
