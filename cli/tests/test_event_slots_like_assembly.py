"""Events in the order of slots close as the assembly closes batches of them: a property."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pw_cli.offline.dated import Dated, Place
from pw_cli.offline.event_slots import slots_of
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import (
    Batch,
    Counts,
    Event,
    QuoteTrade,
    RoundTrip,
    SlotEvent,
    Swap,
    TokenCreated,
    Transfer,
)
from pw_common.wire.pools import PoolEvent

# A slot as drawn: how many slots after the one before, its header (how many blocks are missing
# before it, seconds since the one before, whether the time is known), and its events.
drawn_slots = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.none() | st.tuples(st.integers(0, 2), st.integers(-1, 2), st.booleans()),
        st.lists(st.tuples(st.sampled_from("swtqrp"), st.integers(0, 9), st.integers(0, 2))),
    ),
    min_size=1,
    max_size=20,
)


def event(kind: str, name: int, ordinal: int, slot: int) -> Event:
    """No two kinds share a signature and ordinal: a parser numbers all events of a transaction."""
    at: dict[str, Any] = {
        "signature": f"{kind}{name}",
        "ordinal": ordinal,
        "slot": slot,
        "index": name % 3,
    }
    match kind:
        case "s":
            return Swap(
                **at, trader="t", side="buy", mint="m", base_amount_raw=1, base_decimals=6,
                quote_mint=None, quote_amount_raw=None, quote_decimals=None,
            )  # fmt: skip
        case "w":
            return TokenCreated(**at, mint="m", name="n", symbol="s", creator="c")
        case "t":
            return Transfer(**at, source="a", destination="b", lamports=1)
        case "q":
            return QuoteTrade(**at, sol_amount_raw=1, usd_mint="u", usd_amount_raw=1)
        case "r":
            return RoundTrip(**at, trader="t", quote_mint="q", quote_change_raw=1)
        case _:
            return PoolEvent(**at, what="trade")


def events_of(
    drawn: list[tuple[int, tuple[int, int, bool] | None, list[tuple[str, int, int]]]],
) -> list[list[Event]]:
    """The events of each slot; one with a time stands at the end, so that there is one."""
    found: list[list[Event]] = []
    slot, last_block, time_s = 100, 100, 1_000
    for step, header, of_slot in [*drawn, (1, (0, 1, True), [])]:
        slot += step
        events = [event(kind, name, ordinal, slot) for kind, name, ordinal in of_slot]
        if header is not None:
            missing, seconds, is_known = header
            time_s += seconds
            parent = min(last_block + missing, slot - 1)
            events.append(
                SlotEvent(slot=slot, parent=parent, block_time_s=time_s if is_known else None)
            )
            last_block = slot
        found.append(events)
    return found


def by_assembly(slots: list[list[Event]]) -> list[ClosedSlot]:
    assembly = Assembly(sources=("main",))
    closed: list[ClosedSlot] = []
    for number, events in enumerate(slots, 1):
        frontier = max((one.slot for one in events), default=0)
        batch = Batch(
            tx_stream_created="one", tx_seq=number, source="main", epoch=0,
            frontier_slot=frontier, counts=Counts(), events=tuple(events),
        )  # fmt: skip
        closed += assembly.add(batch)
    return closed


@given(drawn_slots)
def test_slots_close_as_the_assembly_closes_them(
    drawn: list[tuple[int, tuple[int, int, bool] | None, list[tuple[str, int, int]]]],
) -> None:
    slots = events_of(drawn)
    dated = [Dated(one, Place("f", "line")) for events in slots for one in events]
    assert list(slots_of(dated, lambda _: None)) == by_assembly(slots)
