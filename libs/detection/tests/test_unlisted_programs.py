"""Programs that no table names: counted exactly, in any order, after any restart, within bounds."""

from __future__ import annotations

import importlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.text.base58 import ALPHABET, is_address
from pw_common.wire.alerts import Alert, decode_alert
from pw_common.wire.messages import Event, SlotEvent, Swap, encode
from pw_detection import unlisted
from pw_detection.detector import Detector
from pw_detection.unlisted import WINDOW, Unlisted, program_of

stream: Any = importlib.import_module("support.cut_stream")
BEGIN_MS = 1_700_000_000_000
MINUTE_MS = 60_000
HORIZON_MS = 125 * MINUTE_MS
STEPS_MS = (400, 400, 20_000, MINUTE_MS, 3 * MINUTE_MS, 11 * MINUTE_MS, 50 * MINUTE_MS)
SWAPS_MIN = 12
BOUND = 4


def address(number: int) -> str:
    """The base58 address of a key with this number at its end."""
    value, text = (7 << 248) + number, ""
    while value:
        value, digit = divmod(value, 58)
        text = ALPHABET[digit] + text
    return text


PROGRAMS = tuple(address(n) for n in range(7))
VENUES = tuple(f"unlisted:{one}" for one in PROGRAMS)


@pytest.fixture(autouse=True, scope="module")
def small_bounds() -> Iterator[None]:
    """Bounds that a few swaps meet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unlisted, "NOTICE_SWAPS_MIN", SWAPS_MIN)
        patch.setattr(unlisted, "NOTICE_SHARE", Fraction(1, 5))
        patch.setattr(unlisted, "PROGRAMS_MAX", BOUND)
        yield


def swap(number: int, slot: int, *venues: str) -> Swap:
    made: Swap = msgspec.structs.replace(
        stream.swap(number, slot, trader=f"w{number % 5}"), venues=venues
    )
    return made


def some(rng: random.Random, venues: tuple[str, ...] = VENUES) -> tuple[str, ...]:
    if rng.random() < 0.5:
        return rng.choice(((), ("pump",), ("raydium", "pump")))
    # The first ones most, so that one passes the share.
    picks = [venues[min(rng.randrange(9), rng.randrange(9), len(venues) - 1)]]
    if rng.random() < 0.2:
        picks.append(rng.choice(venues))
    return (*rng.choice(((), ("pump",))), *picks)


def hours(seed: int, count: int, *, venues: tuple[str, ...] = VENUES) -> list[ClosedSlot]:
    """Slots over many hours, gaps that are filled in later, and interruptions."""
    rng = random.Random(seed)
    slots: list[ClosedSlot] = []
    at_ms = BEGIN_MS
    for number in range(1, count + 1):
        at_ms += rng.choice(STEPS_MS)
        reset = number == 1 or rng.random() < 0.01
        swaps = tuple(
            swap(number * 10 + n, number, *some(rng, venues)) for n in range(rng.randrange(5))
        )
        slots.append(ClosedSlot(number, at_ms, reset, swaps))
        if rng.random() < 0.06 and not reset:
            session = max(at for at, one in enumerate(slots) if one.reset)
            before = rng.choice([one for one in slots[session:] if not one.amends])
            hidden = swap(50_000 + number, before.slot, *some(rng, venues))
            slots.append(
                ClosedSlot(before.slot, before.event_time_ms, False, (hidden,), amends=True)
            )
    return slots


def recounted(slots: list[ClosedSlot]) -> dict[str, Any]:
    """The same from a list of all swaps since the last interruption."""
    session = max(at for at, one in enumerate(slots) if one.reset)
    now_ms = max(one.event_time_ms for one in slots[session:])
    first_ms = WINDOW.first_ms(now_ms)
    within = [
        one for slot in slots[session:] if slot.event_time_ms >= first_ms for one in slot.swaps
    ]
    counts: Counter[str] = Counter()
    places: dict[str, list[tuple[int, int, str]]] = {}
    for one in within:
        for venue in {venue for venue in one.venues if venue.startswith("unlisted:")}:
            counts[venue[9:]] += 1
            places.setdefault(venue[9:], []).append((one.slot, one.index, one.signature))
    return {
        "swaps": len(within),
        "unlisted": sum(any(v.startswith("unlisted:") for v in one.venues) for one in within),
        "programs": {
            program: (
                count,
                min(places[program])[0],
                tuple(place[2] for place in sorted(places[program])[:3]),
            )
            for program, count in counts.items()
        },
    }  # fmt: skip


def folded(slots: list[ClosedSlot]) -> Unlisted:
    fold = Unlisted()
    for one in slots:
        if one.amends:
            fold.amend(one)
            continue
        if one.reset:
            fold.begin(one.event_time_ms)
        fold.fold(one)
    return fold


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 120))
def test_every_count_share_first_slot_and_signature_is_that_of_a_recount(
    seed: int, at: int
) -> None:
    slots = hours(seed, at, venues=VENUES[:BOUND])
    fold, expected = folded(slots), recounted(slots)
    told = fold.report()
    assert (told.swaps, told.unlisted_swaps) == (expected["swaps"], expected["unlisted"])
    assert told.left_out == 0
    assert {
        one.program: (one.swaps, one.first_slot, one.signatures) for one in told.shown
    } == expected["programs"]
    assert told.programs == len(expected["programs"])
    assert all(one.share == round(one.swaps / told.swaps, 6) for one in told.shown)
    assert [(-one.swaps, one.program) for one in told.shown] == sorted(
        (-one.swaps, one.program) for one in told.shown
    )


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 120))
def test_what_is_beyond_the_bound_is_counted_and_nothing_else_is_lost(seed: int, at: int) -> None:
    slots = hours(seed, at)
    told, expected = folded(slots).report(), recounted(slots)
    passages = sum(count for count, _, _ in expected["programs"].values())
    assert sum(one.swaps for one in told.shown) + told.left_out == passages
    assert (told.swaps, told.unlisted_swaps) == (expected["swaps"], expected["unlisted"])
    for one in told.shown:
        assert one.swaps <= expected["programs"][one.program][0]


def test_the_bound_is_met_here_and_takes_those_that_came_first_in_the_chain() -> None:
    swaps = tuple(swap(n, 1, venue) for n, venue in enumerate(VENUES))
    fold = folded([ClosedSlot(1, BEGIN_MS, True, swaps)])
    told = fold.report()
    assert [one.program for one in told.shown] == sorted(PROGRAMS[:BOUND])
    assert (told.left_out, fold.left_out_total) == (len(VENUES) - BOUND, len(VENUES) - BOUND)
    # The next step begins with room for as many.
    fold.fold(ClosedSlot(2, BEGIN_MS + WINDOW.step_ms, False, (swap(99, 2, VENUES[-1]),)))
    assert fold.report().programs == BOUND + 1


def run(detector: Detector, slots: list[ClosedSlot]) -> list[Alert]:
    given = []
    for one in slots:
        given += [*detector.step(one), *detector.notices]
    return given


def noticed(detector: Detector, *slots: ClosedSlot) -> list[Alert]:
    return [alert for alert in run(detector, list(slots)) if not alert.mint]


def restarted(slots: list[ClosedSlot], given: list[Alert]) -> Detector:
    """As a restart folds: from a horizon back, or from the last interruption since then."""
    now_ms = max(one.event_time_ms for one in slots)
    notes = [
        at
        for at, one in enumerate(slots)
        if not one.amends and one.event_time_ms <= now_ms - HORIZON_MS
    ]
    session = max(at for at, one in enumerate(slots) if one.reset)
    session_since_ms = slots[session].event_time_ms
    first = max(session, notes[-1] + 1 if notes else 0)
    while first < len(slots) - 1 and slots[first].amends:
        first += 1  # Nothing is filled before a slot has closed.
    detector = Detector()
    detector.restore(
        [decode_alert(encode(alert)) for alert in given],
        restarts_at_ms=max(session_since_ms, slots[notes[-1]].event_time_ms if notes else 0),
        session_since_ms=session_since_ms,
        evaluates_from_ms=now_ms,
    )
    for at, one in enumerate(slots[first:]):
        detector.fold(replace(one, reset=at == 0))
    return detector


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(2, 110))
def test_a_restart_anywhere_counts_the_same_and_gives_no_notice_twice(seed: int, at: int) -> None:
    slots = hours(seed, 120)
    at = next(end for end in range(at, len(slots) + 1) if not slots[end - 1].amends)
    straight = Detector()
    given = run(straight, slots[:at])
    again = restarted(slots[:at], given)
    assert again.unlisted.report() == straight.unlisted.report()
    assert again.market.bytes_held == straight.market.bytes_held
    later = run(straight, slots[at:])
    assert run(again, slots[at:]) == later
    assert again.unlisted.report() == straight.unlisted.report()
    noticed = [program_of(alert) for alert in (*given, *later) if program_of(alert)]
    assert len(noticed) == len(set(noticed))


def test_the_hours_used_here_give_notices_and_meet_the_bound() -> None:
    notices, left_out = set(), 0
    for seed in range(10):
        detector = Detector()
        notices |= {program_of(one) for one in run(detector, hours(seed, 120))}
        left_out += detector.unlisted.left_out_total
    assert len(notices - {""}) >= 2
    assert left_out


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_how_parsers_cut_and_reorder_batches_changes_nothing(seed: int, order: int) -> None:
    rng = random.Random(seed)
    events: list[Event] = []
    for slot in range(1, 60):
        events += [swap(slot * 10 + n, slot, *some(rng)) for n in range(rng.randrange(4))]
        clock_s = stream.BEGIN_S + slot * 200
        events.append(SlotEvent(slot=slot, parent=slot - 1, block_time_s=clock_s))
    told, notices = [], []
    for cut in (seed, order):
        batches = stream.cut(events, cut)
        shuffled = sorted(
            batches, key=lambda one: one.tx_seq + random.Random(one.tx_seq).random() * 9
        )
        # Each of them a second time, as after a killed parser.
        assembly, detector = Assembly(sources=("main",)), Detector()
        given = [
            alert
            for batch in (*shuffled, *batches)
            for closed in assembly.add(batch)
            for alert in run(detector, [closed])
        ]
        told.append(detector.unlisted.report())
        notices.append([one for one in given if program_of(one)])
    assert told[0] == told[1]
    assert notices[0] == notices[1]


def slot_of(number: int, count: int, venue: str, *, others: int = 0) -> ClosedSlot:
    swaps = [swap(number * 1_000 + n, number, venue) for n in range(count)]
    swaps += [swap(number * 1_000 + 500 + n, number, "pump") for n in range(others)]
    return ClosedSlot(number, BEGIN_MS + number * 400, number == 1, tuple(swaps))


def test_a_share_says_nothing_before_enough_swaps() -> None:
    detector = Detector()
    assert not noticed(detector, slot_of(1, SWAPS_MIN - 1, VENUES[0]))
    [notice] = noticed(detector, slot_of(2, 1, VENUES[0]))
    assert program_of(notice) == PROGRAMS[0]


def test_a_program_that_passes_the_share_is_noticed_once_with_what_leads_to_it() -> None:
    detector = Detector()
    assert not noticed(detector, slot_of(1, 3, VENUES[0], others=13))
    [notice] = noticed(detector, slot_of(2, 1, VENUES[0]))
    assert not noticed(detector, *(slot_of(n, 5, VENUES[0]) for n in range(3, 6)))
    assert (notice.mint, notice.kind, notice.severity) == ("", "opened", "info")
    assert (notice.slot, notice.opened_slot) == (2, 1)
    assert notice.evidence == ("sig001001", "sig001002", "sig001000")
    assert PROGRAMS[0] in notice.title
    assert "23.5 % of 17 swaps" in notice.detail
    assert detector.unlisted.report().shown[0].noticed_slot == 2


def test_two_that_notice_a_program_at_different_slots_give_one_id() -> None:
    [early] = noticed(Detector(), slot_of(1, SWAPS_MIN, VENUES[0]))
    late = replace(slot_of(7, SWAPS_MIN + 3, VENUES[0]), reset=True)
    [again] = noticed(Detector(), late)
    assert (early.slot, early.id) == (1, again.id)
    [other] = noticed(Detector(), slot_of(1, SWAPS_MIN, VENUES[1]))
    assert other.id != early.id


def test_an_interruption_forgets_counts_and_no_notice() -> None:
    detector = Detector()
    first = slot_of(1, SWAPS_MIN, VENUES[0])
    assert len(noticed(detector, first)) == 1
    again = replace(first, slot=9, event_time_ms=BEGIN_MS + 9_000, reset=True)
    assert not noticed(detector, again)
    assert detector.unlisted.report().swaps == SWAPS_MIN


def test_a_gap_that_is_filled_counts_and_gives_no_notice_by_itself() -> None:
    detector = Detector()
    run(detector, [slot_of(1, 0, "pump", others=20)])
    filled = replace(slot_of(1, 6, VENUES[0]), amends=True, reset=False)
    assert not noticed(detector, filled)
    assert detector.unlisted.report().shown[0].swaps == 6


@pytest.mark.parametrize(
    "text",
    ["", "x", "\x1b[2J", "<script>", "1" * 31, "l" * 44, PROGRAMS[0] + "\n", PROGRAMS[0] * 2],
)
def test_text_that_is_no_address_is_counted_and_shown_nowhere(text: str) -> None:
    detector = Detector()
    assert not noticed(detector, slot_of(1, 20, f"unlisted:{text}"))
    told = detector.unlisted.report()
    assert (told.programs, told.shown, told.left_out) == (0, (), 20)
    assert all(map(is_address, PROGRAMS))


def test_what_it_holds_counts_against_the_memory_limit() -> None:
    detector = Detector()
    run(detector, [slot_of(1, 1, VENUES[0])])
    named = Detector()
    run(named, [slot_of(1, 1, "pump")])
    assert detector.market.bytes_held - named.market.bytes_held == unlisted.ENTRY_BYTES
