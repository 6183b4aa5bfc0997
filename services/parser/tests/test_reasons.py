"""Every reason is declared, explained and priced, and occurs."""

from __future__ import annotations

from typing import Any

import pytest

from pw_common.wire.messages import Swap
from pw_parser.core.balances.context import Leg
from pw_parser.core.calls.cross_check import UNHEARD, Opinion, opinion_of
from pw_parser.core.calls.statements import Statements
from pw_parser.core.decode.programs import SOL_MINT
from pw_parser.core.parse import parse
from pw_parser.core.trades.reasons import REASONS, confidence
from pw_parser.core.venues.venue import TradeEvent

# Reasons that no real transaction at hand has; each has its own test by hand.
BY_HAND = {
    "owner_derived", "received_beside", "venue_unknown", "quote_from_event", "from_escrow",
    "stable_coin", "venue_unlisted", "route_unlisted", "event_disagrees", "by_delegate",
    "sides_apart", "like_rent",
}  # fmt: skip
PLENTY = 100_000_000_000
PHOTON = "BSfD6SHZigAfDWSjzD5Q41jw8LmKwtmjskPH9XW1mrRW"


def test_every_reason_has_a_sentence_and_a_penalty_in_range() -> None:
    for reason in REASONS.values():
        assert 0 <= reason.penalty < 1
        assert reason.sentence.endswith(".")


def test_penalties_add_up_and_stop_at_zero() -> None:
    assert confidence(()) == 1.0
    assert confidence(("not_signer", "program_vault", "network_fee")) == 0.5
    assert confidence(tuple(REASONS)) == 0.0
    with pytest.raises(KeyError):
        confidence(("a reason that nobody declared",))


def test_a_router_without_a_known_venue_lowers_confidence(buy: Any) -> None:
    made = buy("alice", venue=PHOTON)
    made.move(made.account("curve", "mint-a"), made.account("alice", "mint-a"), "curve", 5_000_000)
    (swap,) = parse(made.update()).events
    assert isinstance(swap, Swap)
    assert "venue_unknown" in swap.reasons
    assert swap.confidence == 0.7


def test_sol_received_beside_a_trade_is_named(buy: Any) -> None:
    draft = buy("alice")
    draft.sol("bob", -70_000_000, before=PLENTY).sol("alice", 70_000_000)
    draft.system(2, "bob", "alice", 70_000_000)
    swap = next(e for e in parse(draft.update()).events if isinstance(e, Swap))
    assert swap.quote_amount_raw == 1_000_000_000
    assert "received_beside" in swap.reasons


def test_an_event_prices_what_balances_cannot_and_never_beyond_64_bits() -> None:
    event = TradeEvent("pumpfun", SOL_MINT, 5_000, "mint", 900, "alice")
    leg = Leg("alice", "mint", 900, None, None, ())
    opinion = opinion_of(Statements(trades=(event,)), ("pumpfun",), leg, alone=True)
    assert opinion == Opinion("event_agrees", quote=(SOL_MINT, 5_000))
    huge = event._replace(amount_in_raw=2**64 - 1)
    twice = Statements(trades=(huge, huge))
    assert opinion_of(twice, ("pumpfun",), leg, alone=True).quote is None
    swapped = leg._replace(base_raw=-900)
    opinion = opinion_of(Statements(trades=(event,)), ("pumpfun",), swapped, alone=True)
    assert opinion.reason == "event_disagrees"


def test_silence_of_a_venue_is_no_disagreement() -> None:
    event = TradeEvent("pumpfun", SOL_MINT, 5_000, "mint", 10, "alice")
    leg = Leg("alice", "mint", 900, SOL_MINT, 5_000, ())
    said = Statements(trades=(event,), silent=frozenset({"orca_whirlpool"}))
    assert opinion_of(said, ("pumpfun", "orca_whirlpool"), leg, alone=True) == UNHEARD
    assert opinion_of(said, ("pumpfun", "humidifi"), leg, alone=True) == UNHEARD
    said = Statements(trades=(event,))
    assert opinion_of(said, ("pumpfun",), leg, alone=True).venue == "pumpfun"


@pytest.mark.corpus
def test_every_declared_reason_occurs_and_lowers_confidence_as_declared(
    real_updates: list[bytes],
) -> None:
    seen: set[str] = set()
    for raw in real_updates:
        for event in parse(raw).events:
            if isinstance(event, Swap):
                seen |= set(event.reasons)
                assert event.confidence == confidence(event.reasons)
    assert seen <= set(REASONS)
    assert set(REASONS) - seen <= BY_HAND
