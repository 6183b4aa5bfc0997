"""What waits for one stream, and in which order it leaves."""

from __future__ import annotations

import pytest

from pw_geyser import geyser_pb2 as pb
from pw_replay.core.faults import parse_plan
from pw_replay.core.filters import compile_filter
from pw_replay.core.items import Item
from pw_replay.core.pace import parse_rate
from pw_replay.player import Player
from pw_replay.subscriber import CUT_MESSAGES_MAX, Lagged, Subscriber

SLOTS = pb.SubscribeRequest(slots={"pw": pb.SubscribeRequestFilterSlots()})


def slot(number: int) -> Item:
    return Item("slot", number, b"", 0)


def subscriber(player: Player) -> Subscriber:
    return player.join(compile_filter(SLOTS, player.limits), None)


@pytest.fixture
async def player() -> Player:
    return Player(
        iter(()),
        rate=parse_rate("max"),
        window_slots=10,
        plan=parse_plan(""),
        cut_slow_clients=True,
        sent_record=None,
    )


async def test_what_is_said_beside_goes_out_next_in_its_order_though_much_waits(
    player: Player,
) -> None:
    one = subscriber(player)
    for number in range(CUT_MESSAGES_MAX - 1):
        one.push(slot(number))
    player.say_beside([b"first", b"second"])
    assert [(await one.next())[1] for _ in range(2)] == [b"first", b"second"]
    item, _ = await one.next()
    assert item is not None
    assert item.slot == 0


async def test_a_ping_waits_its_turn(player: Player) -> None:
    one = subscriber(player)
    one.push(slot(7))
    one.push_raw(b"ping")
    first, _ = await one.next()
    assert first is not None
    assert (await one.next()) == (None, b"ping")


async def test_a_stream_that_is_too_far_behind_ends_whatever_is_said_beside(
    player: Player,
) -> None:
    one = subscriber(player)
    for number in range(CUT_MESSAGES_MAX):
        one.push(slot(number))
    player.say_beside([b"first"])
    with pytest.raises(Lagged):
        await one.next()
