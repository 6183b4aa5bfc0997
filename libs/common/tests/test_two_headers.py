"""Two headers of one slot, as a fork, a liar or an upgrade sends them: the first one counts."""

from __future__ import annotations

import importlib
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.wire.messages import Batch, Event, SlotEvent

stream: Any = importlib.import_module("support.cut_stream")
SLOTS = 20


def assembled(batches: list[Batch]) -> tuple[list[ClosedSlot], Assembly]:
    assembly = Assembly(sources=("main",))
    numbered = [msgspec.structs.replace(one, tx_seq=at) for at, one in enumerate(batches, start=1)]
    return [closed for one in numbered for closed in assembly.add(one)], assembly


def header(slot: int, parent: int, block_time_s: int | None) -> SlotEvent:
    return SlotEvent(slot=slot, parent=parent, block_time_s=block_time_s)


# Parents that would break the chain, times that would move the clock, and absurd ones.
others = st.lists(
    st.tuples(
        st.integers(1, SLOTS),
        st.integers(0, 30),
        st.none() | st.integers(-1, 2**63) | st.integers(1_600_000_000, 1_800_000_000),
        st.integers(0, 60),
    ),
    max_size=20,
)


@given(st.integers(0, 1_000), others)
def test_another_header_of_a_slot_changes_nothing_wherever_it_comes_after_the_first(
    seed: int, added: list[tuple[int, int, int | None, int]]
) -> None:
    batches: list[Batch] = stream.cut(stream.flow(seed, SLOTS), seed)
    wanted, _ = assembled(batches)
    changed = list(batches)
    for slot, parent, time_s, later in added:
        first = next(
            at
            for at, one in enumerate(changed)
            if any(isinstance(event, SlotEvent) and event.slot == slot for event in one.events)
        )
        at = min(first + 1 + later, len(changed))
        frontier = changed[at - 1].frontier_slot
        changed.insert(at, stream.batch(1, (header(slot, parent, time_s),), frontier))
    found, assembly = assembled(changed)
    assert found == wanted
    assert (assembly.late, assembly.repeats, assembly.untimed) == (0, 0, 0)


@given(st.integers(0, 1_000), st.data())
def test_messages_that_come_again_under_another_id_count_once(
    seed: int, data: st.DataObject
) -> None:
    """As after an upgrade that gives updates new ids: each message comes twice."""
    batches: list[Batch] = stream.cut(stream.flow(seed, SLOTS), seed)
    wanted, _ = assembled(batches)
    begins = data.draw(st.integers(0, len(batches) - 1))
    ends = data.draw(st.integers(begins, len(batches)))
    # Ingest begins again at its checkpoint: in the order of the first time, with newer claims.
    frontier = batches[ends - 1].frontier_slot if ends else 0
    again = [
        msgspec.structs.replace(one, frontier_slot=max(frontier, one.frontier_slot))
        for one in batches[begins:ends]
    ]
    found, assembly = assembled([*batches[:ends], *again, *batches[ends:]])
    assert found == wanted
    trades = sum(not isinstance(event, SlotEvent) for one in again for event in one.events)
    assert (assembly.late, assembly.repeats) == (0, trades)


def test_a_second_header_mends_no_break_that_the_first_one_shows() -> None:
    events: list[Event] = [header(1, 0, 1_700_000_000), header(4, 3, None), header(4, 1, None)]
    closed, _ = assembled([stream.batch(1, events, 0), stream.batch(2, (), 4)])
    assert [one.is_broken for one in closed] == [False, True]
