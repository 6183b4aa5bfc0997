"""Gaps of any session are filled at any time: each trade comes out once, at its own time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.ordering.assembly import Assembly, ClosedSlot, TxPosition
from pw_common.ordering.event_time import SLOT_MS
from pw_common.wire.messages import Batch, Event, QuoteTrade, SlotEvent, Swap
from support import cut_stream
from support.queue_world import SLOTS, World, anything, history

# Sessions follow each other in time, all within what a slot may wait for its header. Their
# slots have the same numbers.
APART_S = 200


def histories(rng: random.Random, sessions: int) -> list[Batch]:
    return [
        msgspec.structs.replace(
            one, events=tuple(later(event, APART_S * one.epoch) for event in one.events)
        )
        for one in history(rng, sessions)
    ]


def later(event: Event, by_s: int) -> Event:
    if not isinstance(event, SlotEvent):
        return event
    moved: Event = msgspec.structs.replace(event, block_time_s=(event.block_time_s or 0) + by_s)
    return moved


def filling_of(
    messages: list[Batch], session: int, hidden: set[int], rng: random.Random
) -> Iterator[Batch]:
    """A gap's messages in order; a block's header is in its last one, or was never given.

    What was left out of a block comes in the end, as a second attempt brings it.
    """
    left_out: list[Event] = []
    for number, slot in enumerate(sorted(hidden)):
        events = [
            event
            for one in messages
            if one.epoch == session
            for event in one.events
            if event.slot == slot
        ]
        trades: list[Event] = [one for one in events if not isinstance(one, SlotEvent)]
        headers: list[Event] = [one for one in events if isinstance(one, SlotEvent)]
        if rng.random() < 0.2:
            headers = []
        if trades and rng.random() < 0.3:
            left_out.append(trades.pop())
        at = rng.randrange(len(trades) + 1)
        for part, held in (0, trades[:at]), (1, [*trades[at:], *headers]):
            yield fill(session, f"fill:{session}:{number}:{part}", held)
    yield fill(session, f"again:{session}", left_out)


def fill(session: int, name: str, events: Iterable[Event]) -> Batch:
    one: Batch = msgspec.structs.replace(
        cut_stream.batch(1, events, 0, epoch=session), tx_id=name, gap=f"main:{session}:2-40"
    )
    return one


def last_header(session: int, name: str) -> Batch:
    """A block behind the gap: nothing of it waits any longer."""
    time_s = cut_stream.BEGIN_S + APART_S * session + 4 * (SLOTS + 1)
    header = SlotEvent(slot=SLOTS + 1, parent=SLOTS, block_time_s=time_s)
    return fill(session, f"{name}:{session}", (header,))


def with_gaps(sessions: int, rng: random.Random) -> list[Batch]:
    """What is sent: each session with holes, and what fills them, from its own session on."""
    messages = histories(rng, sessions)
    hidden = {
        session: set(rng.sample(range(2, SLOTS), rng.randrange(1, 12)))
        for session in range(1, sessions + 1)
    }
    sent = [
        msgspec.structs.replace(
            one, events=tuple(it for it in one.events if it.slot not in hidden[one.epoch])
        )
        for one in messages
    ]
    placed = [(float(at), one) for at, one in enumerate(sent)]
    for session, slots in hidden.items():
        begin = next(at for at, one in enumerate(sent) if one.epoch == session)
        filling = [
            *filling_of(messages, session, slots, rng),
            last_header(session, "last"),
        ]
        places = sorted(rng.uniform(begin, len(sent) - 1.1) for _ in filling)
        placed += zip(places, filling, strict=True)
    placed.sort(key=lambda one: one[0])
    return [one for _, one in placed]


def before_naively(messages: Iterable[Batch]) -> tuple[list[tuple[int, int, list[str]]], int]:
    """What comes out before the session it comes in, in order; and what nothing tells the time."""
    newest, untold = 0, 0
    found: list[tuple[int, int, list[str]]] = []
    waits: dict[int, dict[int, list[str]]] = {}
    times_ms: dict[int, dict[int, int]] = {}
    for one in messages:
        if not one.gap:
            newest = max(newest, one.epoch)
            continue
        waiting, known = waits.setdefault(one.epoch, {}), times_ms.setdefault(one.epoch, {})
        headers = [event for event in one.events if isinstance(event, SlotEvent)]
        known |= {header.slot: (header.block_time_s or 0) * 1_000 for header in headers}
        for event in one.events:
            if isinstance(event, Swap | QuoteTrade) and one.epoch < newest:
                waiting.setdefault(event.slot, []).append(event.signature)
        through = max((header.slot for header in headers), default=0)
        for slot in sorted(waiting):
            if slot > through and slot not in known:
                continue
            signatures = sorted(waiting.pop(slot))
            at_ms = naive_time_ms(slot, known)
            if at_ms is None:
                untold += len(signatures)
            else:
                found.append((slot, at_ms, signatures))
    assert not any(waits.values())
    return found, untold


def naive_time_ms(slot: int, known: dict[int, int]) -> int | None:
    earlier = [one for one in known if one <= slot]
    if not earlier:
        return None
    at_ms = known[max(earlier)] + SLOT_MS * (slot - max(earlier))
    return min([at_ms, *(ms for one, ms in known.items() if one > slot)])


def signatures_of(one: ClosedSlot) -> list[str]:
    trades: list[Swap | QuoteTrade] = [*one.swaps, *one.quotes]
    return sorted(trade.signature for trade in trades)


def sessions_of(closed: Iterable[ClosedSlot]) -> list[dict[int, tuple[int, bool]]]:
    """Each session's slots in rising order, with their times; and which one is the first."""
    sessions: list[dict[int, tuple[int, bool]]] = []
    for one in closed:
        if one.reset:
            sessions.append({})
        assert one.slot > max(sessions[-1], default=0)
        sessions[-1][one.slot] = one.event_time_ms, one.reset
    return sessions


class Reader:
    """Reads PW_SWAP as it grows, and passes what was never stored."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.assembly = Assembly(sources=("main",))
        self.closed: list[ClosedSlot] = []
        self.read = 0

    def go_on(self) -> None:
        for one in self.world.arrived[self.read :]:
            self.read += 1
            self.closed += self.assembly.add(one, 1_000, self.read)
        while self.world.is_never_stored(self.assembly.queue, self.assembly.missing):
            self.closed += self.assembly.skip_never_stored(self.assembly.missing[-1])


def live(messages: list[Batch], restores: int, rng: random.Random) -> Reader:
    world = World(messages, rng)
    reader = Reader(world)
    for _ in anything(world, restores):
        if rng.random() < 0.5:
            reader.go_on()
    reader.go_on()
    return reader


def each_once(reader: Reader, messages: list[Batch]) -> None:
    """Every trade that was sent is in one slot, or is counted as without a time."""
    sent = {
        event.signature
        for one in messages
        for event in one.events
        if isinstance(event, Swap | QuoteTrade)
    }
    found = Counter(signature for one in reader.closed for signature in signatures_of(one))
    assert set(found.values()) <= {1}
    assert found.keys() <= sent
    assembly = reader.assembly
    assert len(found) + assembly.too_old == len(sent)
    assert (assembly.held, assembly.late, assembly.untimed) == (0, 0, 0)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), sessions=st.integers(2, 3))
def test_in_whatever_order_parsers_answer_what_is_filled_comes_out_as_a_plain_reading_says(
    seed: int, sessions: int
) -> None:
    rng = random.Random(seed)
    messages = with_gaps(sessions, rng)
    reader = live(messages, 0, rng)
    each_once(reader, messages)
    expected, untold = before_naively(messages)
    before = [one for one in reader.closed if one.is_before_session]
    assert [(one.slot, one.event_time_ms, signatures_of(one)) for one in before] == expected
    assert reader.assembly.too_old == untold
    assert reader.assembly.before_session == sum(len(names) for _, _, names in expected)
    assert all(one.amends and not one.reset for one in before)
    # The sessions themselves begin and go on as if nothing had been filled before them.
    streamed = sessions_of(live([one for one in messages if not one.gap], 0, rng).closed)
    found = sessions_of([one for one in reader.closed if not one.amends])
    for alone, filled in zip(streamed, found, strict=True):
        # A slot that was filled in while it was open closes as any other.
        assert alone.items() <= filled.items()


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_a_reader_that_begins_among_fillings_takes_no_older_session_for_the_present_one(
    seed: int,
) -> None:
    rng = random.Random(seed)
    messages = [
        msgspec.structs.replace(one, tx_seq=seq)
        for seq, one in enumerate(with_gaps(3, rng), start=1)
    ]
    present = rng.choice((2, 3))
    of_present = [at for at, one in enumerate(messages) if one.epoch == present and not one.gap]
    begin = rng.randrange(of_present[0], of_present[-1])
    # What is filled into the session in which reading begins may lie before all that was read.
    read = [one for one in messages[begin:] if not one.gap or one.epoch != present]
    streamed = [one for one in read if not one.gap]
    closed = [read_from(begin + 1, part) for part in (streamed, read)]
    alone, filled = (sessions_of([one for one in part if not one.amends]) for part in closed)
    assert all(few.items() <= more.items() for few, more in zip(alone, filled, strict=True))
    before = {name for one in closed[1] if one.is_before_session for name in signatures_of(one)}
    older = [one for one in read if one.gap and one.epoch < present]
    assert before >= {
        event.signature
        for one in older
        for event in one.events
        if isinstance(event, Swap | QuoteTrade) and is_timed(event.slot, older, one.epoch)
    }


def is_timed(slot: int, filled: list[Batch], session: int) -> bool:
    return any(
        isinstance(event, SlotEvent) and event.slot <= slot
        for one in filled
        if one.epoch == session
        for event in one.events
    )


def read_from(seq: int, messages: Iterable[Batch]) -> list[ClosedSlot]:
    assembly = Assembly(sources=("main",), first=TxPosition(0, seq))
    closed = []
    for one in messages:
        closed += assembly.add(one, 1_000, one.tx_seq)
        closed += assembly.skip_never_stored(one.tx_seq)
    return closed


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), restores=st.integers(1, 4))
def test_restores_among_fillings_lose_nothing_and_double_nothing(seed: int, restores: int) -> None:
    rng = random.Random(seed)
    sessions = rng.randrange(2, 4)
    messages = with_gaps(sessions, rng)
    reader = live(messages, restores, rng)
    # What a lost message's answer brought late still waits for a header.
    for session in range(1, sessions + 1):
        reader.world.put(last_header(session, "end"))
    reader.world.answer_all()
    reader.go_on()
    each_once(reader, messages)
