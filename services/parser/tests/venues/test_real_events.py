"""On real transactions the venues' own statements are all understood, and agree with balances."""

from __future__ import annotations

from collections import Counter

import pytest

from pw_common.wire.messages import Swap, TokenCreated
from pw_parser.core.parse import Parsed, parse
from pw_parser.core.venues.registry import VENUES


@pytest.fixture(scope="module")
def parsed(real_updates: list[bytes]) -> list[Parsed]:
    return [one for one in map(parse, real_updates) if one.kind == "transaction"]


@pytest.mark.corpus
def test_no_instruction_or_event_of_a_known_venue_is_unparsed(parsed: list[Parsed]) -> None:
    assert [one for p in parsed for one in p.said.unparsed] == []


@pytest.mark.corpus
def test_every_trading_instruction_has_its_event_but_for_old_whirlpools(
    parsed: list[Parsed],
) -> None:
    silent = Counter(venue for p in parsed for venue in p.said.silent)
    assert set(silent) <= {"orca_whirlpool"}
    spoken = {trade.venue for p in parsed for trade in p.said.trades}
    assert spoken == set(VENUES)


@pytest.mark.corpus
def test_an_events_amounts_are_what_accounts_gained_and_lost(real_updates: list[bytes]) -> None:
    agree = disagree = unheard = 0
    for update in real_updates:
        for event in parse(update).events:
            if isinstance(event, Swap):
                agree += "event_agrees" in event.reasons
                disagree += "event_disagrees" in event.reasons
                unheard += not {"event_agrees", "event_disagrees"} & set(event.reasons)
    assert agree >= 0.95 * (agree + disagree + unheard)
    # A keeper's spread, a buyer who gave part away at once, a router's fixed fee.
    assert disagree <= 3


@pytest.mark.corpus
def test_launches_state_their_facts(parsed: list[Parsed]) -> None:
    created = [e for p in parsed for e in p.events if isinstance(e, TokenCreated)]
    assert {one.program for one in created} == {"pumpfun", "raydium_launchlab"}
    for one in created:
        assert one.decimals == 6
        assert one.name
        assert one.symbol
        assert one.supply_raw is None or one.supply_raw >= 10**14
