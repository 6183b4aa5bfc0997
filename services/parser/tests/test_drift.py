"""A program that changes its layout is noticed, named, and told from rare instructions."""

from __future__ import annotations

from pw_common.wire.messages import UnparsedAt
from pw_parser.core.drift import NEW_TAGS_MAX, WINDOW_SLOTS, DriftWatch


def unknown(slot: int, name: str = "sig", venue: str = "pumpswap") -> UnparsedAt:
    return UnparsedAt(
        venue=venue, slot=slot, signature=f"{name}{slot}", what="instruction", tag="00"
    )


def calm(watch: DriftWatch, slots: range, called: int = 20) -> None:
    for slot in slots:
        watch.fold(slot, {"pumpswap": called}, (), {})


def surge(watch: DriftWatch, slots: range, share: int = 10) -> None:
    for slot in slots:
        watch.fold(slot, {"pumpswap": 20}, (unknown(slot),), {"pumpswap": share})


def test_a_surge_names_the_venue_its_first_slot_and_three_signatures() -> None:
    watch = DriftWatch()
    calm(watch, range(1_000, 1_300))
    surge(watch, range(1_300, 1_340))
    (drift,) = watch.drifts()
    assert drift.venue == "pumpswap"
    assert drift.first_slot == 1_300
    assert drift.signatures == ("sig1300", "sig1301", "sig1302")
    assert 0 < drift.unparsed < drift.called


def test_a_surge_is_seen_within_a_minute_of_slots() -> None:
    watch = DriftWatch()
    calm(watch, range(1_000, 2_000))
    for slot in range(2_000, 2_000 + WINDOW_SLOTS):
        watch.fold(slot, {"pumpswap": 20}, (unknown(slot),), {"pumpswap": 20})
        if watch.drifts():
            break
    assert slot - 2_000 < WINDOW_SLOTS / 2


def test_rare_unknown_instructions_are_no_surge() -> None:
    watch = DriftWatch()
    for slot in range(1_000, 3_000):
        found = (unknown(slot),) if slot % 50 == 0 else ()
        watch.fold(slot, {"pumpswap": 20}, found, {"pumpswap": len(found)})
        assert watch.drifts() == ()


def test_fewer_than_three_are_no_surge_however_quiet_the_venue() -> None:
    watch = DriftWatch()
    for slot in (10, 11):
        watch.fold(slot, {"pumpswap": 1}, (unknown(slot),), {"pumpswap": 1})
    assert watch.drifts() == ()


def test_the_surge_ends_when_the_venue_is_understood_again() -> None:
    watch = DriftWatch()
    calm(watch, range(1_000, 1_100))
    surge(watch, range(1_100, 1_120))
    assert watch.drifts()
    calm(watch, range(1_120, 1_120 + WINDOW_SLOTS))
    assert watch.drifts() == ()


def test_slots_out_of_order_and_two_venues_do_not_disturb_each_other() -> None:
    watch = DriftWatch()
    for slot in (1_000, 1_004, 1_002, 1_001, 1_003):
        watch.fold(slot, {"pumpswap": 5, "orca": 5}, (unknown(slot),), {"pumpswap": 2})
    (drift,) = watch.drifts()
    assert (drift.venue, drift.first_slot) == ("pumpswap", 1_000)


def test_a_capture_that_begins_again_starts_a_new_minute() -> None:
    watch = DriftWatch()
    surge(watch, range(9_000, 9_050))
    calm(watch, range(1_000, 1_010))
    assert watch.drifts() == ()


def added(watch: DriftWatch, slots: range, agreed: int = 18) -> None:
    """Every trade has something unexplained beside it, and agrees with the balances."""
    for slot in slots:
        watch.fold(
            slot,
            {"pumpswap": 20},
            (unknown(slot),),
            {"pumpswap": 20},
            agreed={"pumpswap": agreed},
            disagreed={"pumpswap": 1},
        )


def test_an_addition_beside_which_trades_agree_is_new_and_no_change() -> None:
    watch = DriftWatch()
    added(watch, range(1_000, 1_030))
    (drift,) = watch.drifts()
    assert (drift.kind, drift.tags, drift.first_slot) == ("new", ("00",), 1_000)
    assert len(drift.signatures) == 3


def test_what_is_new_is_shown_until_it_is_acknowledged() -> None:
    watch = DriftWatch()
    added(watch, range(1_000, 1_030))
    calm(watch, range(1_030, 1_030 + 2 * WINDOW_SLOTS))
    assert [drift.kind for drift in watch.drifts()] == ["new"]
    watch.acknowledge([("pumpswap", "00")])
    added(watch, range(1_400, 1_430))
    assert watch.drifts() == ()


def test_what_is_taken_back_is_shown_again_without_waiting_for_another_trade() -> None:
    watch = DriftWatch()
    calm(watch, range(1, 300))
    added(watch, range(300, 310))
    watch.acknowledge([("pumpswap", "00")])
    assert watch.drifts() == ()
    watch.acknowledge([])
    assert [one.kind for one in watch.drifts()] == ["new"]


def test_trades_that_stop_agreeing_are_a_change_that_stays() -> None:
    watch = DriftWatch()
    added(watch, range(1_000, 1_030))
    for slot in range(1_200, 1_300):
        watch.fold(
            slot,
            {"pumpswap": 20},
            (unknown(slot),),
            {"pumpswap": 20},
            disagreed={"pumpswap": 18},
        )
        if slot > 1_250:
            assert [drift.kind for drift in watch.drifts()] == ["changed"]


def test_new_tags_are_bounded() -> None:
    watch = DriftWatch()
    for slot in range(1_000, 1_000 + 3 * NEW_TAGS_MAX):
        one = UnparsedAt(
            venue="pumpswap", slot=slot, signature=f"s{slot}", what="event", tag=f"{slot:04x}"
        )
        watch.fold(slot, {"pumpswap": 2}, (one,), {"pumpswap": 1}, agreed={"pumpswap": 2})
    (drift,) = watch.drifts()
    assert len(drift.tags) == NEW_TAGS_MAX
