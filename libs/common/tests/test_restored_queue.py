"""A backup under load: the copy of PW_SWAP has answers beyond the end of that of PW_TX."""

from __future__ import annotations

import importlib
import random
from typing import Any, NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.wire.messages import Batch, Swap

stream: Any = importlib.import_module("support.cut_stream")


class Restored(NamedTuple):
    """What a reader of PW_SWAP meets, in stored order, and the messages that it is made of."""

    arrived: list[Batch]
    messages: list[Batch]


def restored(seed: int) -> Restored:
    """The first run up to the copy, then the second over what was copied and sent again."""
    rng = random.Random(seed)
    messages = [
        msgspec.structs.replace(one, tx_id=f"tx:{one.tx_seq}")
        for one in stream.cut(stream.flow(rng.randrange(1_000), 160), seed)
    ]
    last = len(messages)
    tx_last = rng.randrange(20, last - 12)
    swap_last = tx_last + rng.randrange(1, 10)
    checkpoint = tx_last - rng.randrange(6, 16)
    # A parser had these in hand when PW_SWAP was copied.
    in_hand = set(rng.sample(range(swap_last - 12, swap_last), rng.randrange(5)))
    before = [one for one in messages[:swap_last] if one.tx_seq not in in_hand]
    stored = {one.tx_id for one in before}
    # Still queued in the copy of PW_TX, then what ingest sends again from its checkpoint.
    after = [messages[seq - 1] for seq in sorted(in_hand) if seq <= tx_last]
    stored |= {one.tx_id for one in after}
    for tx_seq, one in enumerate(messages[checkpoint:], start=tx_last + 1):
        again = msgspec.structs.replace(one, tx_seq=tx_seq)
        after.append(stream.empty(again, tx_seq) if one.tx_id in stored else again)
    name = f"{messages[0].tx_stream_created}+{tx_last}"
    renamed = [msgspec.structs.replace(one, tx_stream_created=name) for one in after]
    # A parser that was stopped late, or a redelivery.
    strays = rng.sample(before, 3)
    return Restored([*shuffled(before, rng), *shuffled([*renamed, *strays], rng)], messages)


def shuffled(batches: list[Batch], rng: random.Random) -> list[Batch]:
    """Two parsers answer a little out of order."""
    places = {id(one): at + rng.randrange(3) for at, one in enumerate(batches)}
    return sorted(batches, key=lambda one: places[id(one)])


def signatures(closed: list[ClosedSlot]) -> dict[int, list[Swap]]:
    return {one.slot: sorted(one.swaps, key=lambda swap: swap.signature) for one in closed}


@given(st.integers(0, 2**32))
def test_no_answer_beyond_the_copy_closes_a_slot_that_is_sent_again(seed: int) -> None:
    arrived, messages = restored(seed)
    assembly = Assembly(sources=("main",))
    found = [
        closed for at, one in enumerate(arrived, start=1) for closed in assembly.add(one, 1_000, at)
    ]
    assert assembly.late == 0
    assert signatures(found) == signatures(stream.closed_slots(messages))
    assert assembly.held == 0
