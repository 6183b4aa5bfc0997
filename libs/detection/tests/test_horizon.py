"""Two hours and five minutes of slots, and the alerts given before: a restart needs no more."""

from __future__ import annotations

import importlib
import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.alerts import Alert, decode_alert
from pw_common.wire.messages import QuoteTrade, Swap, TokenCreated, encode
from pw_detection.detector import Detector
from pw_detection.rules.lists import Mute, Mutes, Watched, WatchLists
from pw_detection.rules.rules import Rule
from pw_detection.state.market import VENUES_MS

stream: Any = importlib.import_module("support.cut_stream")
BEGIN_MS = 1_700_000_000_000
MINUTE_MS = 60_000
HORIZON_MS = 125 * MINUTE_MS
# Mostly a slot after the other, sometimes none for minutes, once in a while for hours.
STEPS_MS = (400, 400, 20_000, 20_000, 3 * MINUTE_MS, 11 * MINUTE_MS, 50 * MINUTE_MS)
MINTS = tuple(f"mint{n}" for n in range(3))
RULES = (
    Rule(name="any", conditions=("buy_count_5m >= 1",), cooldown_s=0, escalate_factor=1.5),
    Rule(name="hour", conditions=("unique_buyers_1h <= 9", "buy_count_1h >= 3"), cooldown_s=9_000),
    Rule(name="fresh", conditions=("new_wallet_pct_1h >= 0.3",), cooldown_s=86_400),
    Rule(name="friends", conditions=("watched_buyers_1h >= 1",), cooldown_s=600),
    Rule(name="price", conditions=("price_change_1h >= 0.1",), cooldown_s=60),
)
WATCHED = WatchLists(entries=(Watched(address="wallet1", label="a friend"),))
MUTED = Mutes(entries=(Mute(address="wallet2", of="wallet"),))


def one_slot(number: int, at_ms: int, rng: random.Random, *, reset: bool) -> ClosedSlot:
    swaps = [
        msgspec.structs.replace(
            stream.swap(
                number * 10 + n,
                number,
                trader=f"wallet{rng.randrange(6)}",
                mint=rng.choice(MINTS),
                buy=rng.random() < 0.8,
                base=rng.randrange(1, 10**6),
                quote=rng.randrange(1, 10**9),
                quote_mint=rng.choice((stream.SOL, stream.USDC)),
            ),
            venues=rng.choice(((), (), ("pump",), ("raydium",))),
        )
        for n in range(rng.choice((0, 1, 1, 2)))
    ]
    tokens = [
        TokenCreated(
            signature=f"made{number}", ordinal=9, slot=number, index=9, mint=rng.choice(MINTS),
            program="pump", name="n", symbol=f"S{number}", creator=f"maker{number}",
            supply_raw=10**15, decimals=6,
        )
        for _ in range(rng.random() < 0.03)
    ]  # fmt: skip
    quotes = [
        QuoteTrade(
            signature=f"quote{number}", ordinal=0, slot=number, index=8, sol_amount_raw=10**9,
            usd_mint=stream.USDC, usd_amount_raw=rng.randrange(10**8, 2 * 10**8),
        )
        for _ in range(rng.random() < 0.4)
    ]  # fmt: skip
    return ClosedSlot(number, at_ms, reset, tuple(swaps), tuple(tokens), tuple(quotes))


def hours(rng: random.Random, count: int, *, resets: bool) -> list[ClosedSlot]:
    """Few trades over many hours; gaps that are filled in later, and interruptions."""
    slots: list[ClosedSlot] = []
    at_ms = BEGIN_MS
    for number in range(1, count + 1):
        at_ms += rng.choice(STEPS_MS)
        reset = number == 1 or (resets and rng.random() < 0.02)
        slots.append(one_slot(number, at_ms, rng, reset=reset))
        if rng.random() < 0.05 and not reset:
            since = [one for one in slots if at_ms - one.event_time_ms < 40 * MINUTE_MS]
            before = rng.choice(since).event_time_ms
            filled = one_slot(10_000 + number, before, rng, reset=False)
            slots.append(replace(filled, amends=True))
    return slots


def run(detector: Detector, slots: list[ClosedSlot]) -> list[Alert]:
    return [alert for slot in slots for alert in detector.step(slot)]


def restarted(slots: list[ClosedSlot], given: list[Alert]) -> Detector:
    """As a restart folds: from a horizon back, or from the last interruption since then."""
    now_ms = max(slot.event_time_ms for slot in slots)
    note = max(
        [
            at
            for at, slot in enumerate(slots)
            if not slot.amends and slot.event_time_ms <= now_ms - HORIZON_MS
        ],
        default=-1,
    )
    session = max(at for at, slot in enumerate(slots) if slot.reset)
    session_since_ms = slots[session].event_time_ms
    first = max(session, note + 1)
    while first < len(slots) - 1 and slots[first].amends:
        first += 1  # Nothing is filled before a slot has closed.
    detector = Detector()
    detector.restore(
        [decode_alert(encode(alert)) for alert in given],
        restarts_at_ms=max(session_since_ms, slots[note].event_time_ms if note >= 0 else 0),
        session_since_ms=session_since_ms,
        evaluates_from_ms=now_ms,
    )
    configured(detector)
    for at, slot in enumerate(slots[first:]):
        # Whoever begins to read takes what comes first for a beginning.
        detector.fold(replace(slot, reset=at == 0))
    return detector


def configured(detector: Detector) -> None:
    """The lists change one after the other; a restart is given each kind for itself."""
    detector.set_rules(1, RULES, 0)
    detector.set_watchlists(WATCHED, 4)
    detector.set_watchlists(WatchLists(), 40)
    detector.set_watchlists(WATCHED, 80)
    detector.set_mutes(MUTED, 2)
    detector.set_mutes(Mutes(), 60)


@pytest.mark.timeout(900)
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(2, 150), st.booleans())
# A trade of a filled gap by a wallet that one of them had not forgotten yet.
@example(seed=2223, at=85, resets=False)
# A filled-in trade that names a venue, of a token whose own trades no window reaches any more.
@example(seed=134528, at=94, resets=True)
def test_a_restart_over_the_horizon_alone_knows_all_that_a_detector_that_ran_on_knows(
    seed: int, at: int, resets: bool
) -> None:
    rng = random.Random(seed)
    slots = hours(rng, 160, resets=resets)
    straight = Detector()
    configured(straight)
    given = run(straight, slots[:at])
    again = restarted(slots[:at], given)
    for mint in MINTS:
        assert again.token(mint) == straight.token(mint)
    assert run(again, slots[at:]) == run(straight, slots[at:])
    for mint in MINTS:
        assert again.token(mint) == straight.token(mint)


def with_what_lies_before(slots: list[ClosedSlot], rng: random.Random) -> list[ClosedSlot]:
    """Gaps of sessions that are over are filled in between, some of them within the hour."""
    found = []
    for one in slots:
        found.append(one)
        if rng.random() < 0.3:
            at_ms = one.event_time_ms - rng.choice(STEPS_MS)
            filled = one_slot(20_000 + one.slot, at_ms, rng, reset=False)
            found.append(
                replace(filled, amends=True, is_before_session=True, mends=(one.slot, one.slot - 1))
            )
    return found


def outcome(slots: list[ClosedSlot], last: ClosedSlot) -> tuple[Any, ...]:
    """Alerts and state where all up to `last` is folded alone, as by a restart."""
    detector = Detector()
    configured(detector)
    first = slots.index(last) + 1
    for slot in slots[:first]:
        detector.fold(slot)
    alerts = run(detector, slots[first:])
    market = detector.market
    return (
        alerts,
        [detector.token(mint) for mint in MINTS],
        detector.unlisted.report(),
        (market.facts, market.bytes_held, market.broken_ms, market.sol.__dict__),
        (dict(market.wallets.numbers), list(market.wallets.last_ms)),
    )


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), at=st.integers(0, 99))
def test_what_is_filled_in_before_a_session_changes_no_window_no_fact_and_no_alert(
    seed: int, at: int
) -> None:
    rng = random.Random(seed)
    slots = [replace(slot, is_broken=rng.random() < 0.05) for slot in hours(rng, 100, resets=True)]
    assert outcome(with_what_lies_before(slots, rng), slots[at]) == outcome(slots, slots[at])


def test_the_hours_used_here_open_escalate_and_close_every_rule() -> None:
    told = set()
    for seed in range(20):
        detector = Detector()
        configured(detector)
        alerts = run(detector, hours(random.Random(seed), 160, resets=True))
        told |= {(alert.trigger, alert.kind) for alert in alerts}
    assert {trigger for trigger, _ in told} == {rule.name for rule in RULES}
    assert {kind for _, kind in told} == {"opened", "escalated", "closed"}


def traded(number: int, at_ms: int, *venues: str) -> ClosedSlot:
    swap: Swap = msgspec.structs.replace(stream.swap(number, number), venues=venues)
    return ClosedSlot(number, at_ms, number == 1, (swap,))


def test_a_token_that_trades_for_an_hour_at_unnamed_venues_says_unknown() -> None:
    detector = Detector()
    last_ms = BEGIN_MS + VENUES_MS
    slots = [traded(1, BEGIN_MS, "pump")]
    slots += [traded(2 + n, ms) for n, ms in enumerate(range(BEGIN_MS + 1, last_ms, 5 * MINUTE_MS))]
    run(detector, slots)
    assert detector.token("mint")["venues"] == ("pump",)
    run(detector, [traded(99, last_ms)])
    assert detector.token("mint")["venues"] == ()
    run(detector, [traded(100, last_ms + 400, "raydium")])
    assert detector.token("mint")["venues"] == ("raydium",)


def test_questions_about_a_token_change_no_word_of_a_later_alert() -> None:
    told = []
    for asks in (False, True):
        detector = Detector((Rule(name="any", conditions=("buy_count_5m >= 1",)),))
        run(detector, [traded(1, BEGIN_MS), ClosedSlot(2, BEGIN_MS + 301_000, False)])
        run(detector, [traded(3, BEGIN_MS + 302_000), traded(4, BEGIN_MS + 303_000)])
        run(detector, [ClosedSlot(5, BEGIN_MS + 303_000 + 290_000, False)])
        run(detector, [ClosedSlot(6, BEGIN_MS + 303_000 + 296_000, False)])
        if asks:
            detector.token("mint")
        told.append(run(detector, [ClosedSlot(7, BEGIN_MS + 303_000 + 296_000, True)]))
    assert told[0] == told[1]
