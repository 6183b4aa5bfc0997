"""What a channel's answers cost: the channel waits, or one message is given up."""

from __future__ import annotations

from pw_notifier.core.policy import Answer, Refused, Retry, Sent
from pw_notifier.core.standing import (
    LOST_SHOWN_MS,
    PASSING_MS,
    REFUSED_IN_ROW_MAX,
    TOGETHER_TRIES,
    Item,
    Standing,
)

HELD = Retry("answered 404: Unknown Webhook", held=True)
DOWN = Retry("answered 503")
BAD = Refused("answered 400: bad")


def items(count: int) -> list[Item]:
    return [Item() for _ in range(count)]


def test_what_a_channel_held_goes_out_as_one_digest() -> None:
    one = Standing()
    assert one.chosen(0, 3) == ("one", 0)
    assert one.after(HELD, items(1), 0) == "again"
    assert one.chosen(0, 3) == ("all", 0)
    assert one.after(HELD, items(3), 0) == "again"
    assert one.after(Sent(), items(3), 0) == "sent"
    assert one.says(0, 0) == ""
    one.emptied()
    assert one.chosen(0, 3) == ("one", 0)


def test_a_channel_that_was_corrected_still_sends_what_it_held_as_a_digest() -> None:
    one = Standing()
    one.after(HELD, items(1), 0)
    corrected = one.carried()
    assert corrected.says(10**9, 3) == ""
    assert corrected.chosen(0, 3) == ("all", 0)


def test_a_service_that_is_down_for_a_moment_changes_no_order() -> None:
    one = Standing()
    one.after(DOWN, items(1), 0)
    assert one.chosen(0, 3) == ("one", 0)
    assert one.says(PASSING_MS - 1, 3) == ""
    assert one.says(PASSING_MS, 3) == "has taken nothing for 60 s and 3 alerts wait: answered 503"


def test_a_held_channel_says_so_until_it_takes_something() -> None:
    one = Standing()
    one.after(HELD, items(1), 0)
    said = "holds 1 alert until it is set right: answered 404: Unknown Webhook"
    assert one.says(0, 1) == said
    assert one.says(9_999, 1, held_ms=10_000) == ""
    assert one.says(10_000, 1, held_ms=10_000) == said
    # Another failure in between does not mean that it is right again.
    one.after(DOWN, items(2), 11_000)
    assert one.says(11_000, 2) == "holds 2 alerts until it is set right: answered 503"
    one.after(Sent(), items(2), 12_000)
    assert one.says(12_000, 0) == ""


def test_a_refused_message_is_condemned_and_said_for_a_minute() -> None:
    one = Standing()
    assert one.after(BAD, items(1), LOST_SHOWN_MS) == "condemned"
    assert one.says(LOST_SHOWN_MS, 0) == "lost 1 alert to dead letters: answered 400: bad"
    assert one.says(2 * LOST_SHOWN_MS, 0) == ""


def test_a_refused_digest_condemns_none_of_its_alerts_unheard() -> None:
    one, three = Standing(), items(3)
    assert one.after(BAD, three, 0) == "apart"
    assert one.chosen(3, 3) == ("one", 0)
    assert one.after(Sent(), three[:1], 0) == "sent"
    assert one.chosen(2, 2) == ("one", 0)
    assert one.after(BAD, three[1:2], 0) == "condemned"
    assert one.after(Sent(), three[2:], 0) == "sent"


def test_a_channel_that_condemns_one_after_the_other_is_at_fault_itself() -> None:
    one = Standing()
    for _ in range(REFUSED_IN_ROW_MAX):
        assert one.after(BAD, items(1), 0) == "condemned"
    waits = items(2)
    assert one.after(BAD, waits[:1], 0) == "again"
    assert one.says(0, 2) == "holds 2 alerts until it is set right: answered 400: bad"
    assert one.after(BAD, waits, 0) == "again"
    assert one.after(Sent(), waits, 0) == "sent"
    # And what it took in between counts from the start.
    assert one.after(BAD, items(1), 0) == "condemned"


def driven(refuses: set[int], count: int, answer: Answer) -> tuple[list[int], list[int], int]:
    """Drive a channel that refuses some of its alerts; who was taken, condemned, in how many."""
    one, waiting = Standing(), dict(enumerate(items(count)))
    taken: list[int] = []
    condemned: list[int] = []
    for attempt in range(200):
        if not waiting:
            return taken, condemned, attempt
        what, at = one.chosen(0, len(waiting))
        numbers = list(waiting)[at : at + 1] if what == "one" else list(waiting)
        told = answer if refuses & set(numbers) else Sent()
        verdict = one.after(told, [waiting[n] for n in numbers], 0)
        if verdict in {"sent", "condemned"}:
            (taken if verdict == "sent" else condemned).extend(numbers)
            for n in numbers:
                del waiting[n]
    return taken, condemned, 200


def test_a_message_that_is_refused_while_others_pass_is_condemned_whatever_the_answer() -> None:
    for poison in range(4):
        taken, condemned, attempts = driven({poison}, 5, HELD)
        assert sorted(taken) == [n for n in range(5) if n != poison]
        assert condemned == [poison]
        assert attempts <= 4 * TOGETHER_TRIES


def test_a_message_that_is_refused_after_others_passed_waits_for_another_to_show_it() -> None:
    assert driven({4}, 5, HELD) == ([0, 1, 2, 3], [], 200)


def test_a_channel_that_refuses_every_message_condemns_none() -> None:
    assert driven(set(range(5)), 5, HELD) == ([], [], 200)
    _, condemned, _ = driven(set(range(9)), 9, BAD)
    assert len(condemned) == REFUSED_IN_ROW_MAX
