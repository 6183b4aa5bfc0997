"""The varied market against the real parser: what is meant is what is read, layout by layout."""

from __future__ import annotations

from collections import Counter

import pytest

from pw_common.wire.messages import QuoteTrade, Swap, TokenCreated
from pw_parser.core.parse import Parsed, parse
from pw_replay.market import Truth, generate_labelled
from pw_replay.market.presets import VARIED

# What the parser calls a venue that the market calls otherwise.
CALLED = {"pump": "pumpfun", "pump_amm": "pumpswap"}


@pytest.fixture(scope="module")
def read() -> list[tuple[Parsed, Truth | None]]:
    return [
        (parse(update), truth)
        for update, truth in generate_labelled(seed=3, minutes=1.2, tps=150, preset=VARIED)
    ]


def meant(truth: Truth) -> tuple[object, ...]:
    return (
        *(truth.trader, truth.side, truth.mint, truth.base_amount_raw),
        *(truth.quote_amount_raw, truth.quote_mint),
    )


def swaps(parsed: Parsed) -> list[Swap]:
    return [one for one in parsed.events if isinstance(one, Swap)]


def test_every_trade_of_every_layout_is_read_as_it_is_meant(
    read: list[tuple[Parsed, Truth | None]],
) -> None:
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for parsed, truth in read:
        if truth is None or truth.layout == "sol_price":
            continue
        found = [
            (s.trader, s.side, s.mint, s.base_amount_raw, s.quote_amount_raw, s.quote_mint)
            for s in swaps(parsed)
        ]
        same = found == [meant(truth)]
        (right if same else wrong)[f"{truth.layout} {truth.venue} {truth.side}"] += 1
    assert not wrong
    assert {name.split(" ")[0] for name in right} == {
        *("", "pump_v2", "bot", "rfq", "launch", "unlisted")
    }
    assert right.total() > 2_500


def test_nothing_else_is_taken_for_a_trade(read: list[tuple[Parsed, Truth | None]]) -> None:
    assert not [parsed for parsed, truth in read if truth is None and swaps(parsed)]


def test_sol_against_dollars_is_the_price_of_sol_and_no_swap(
    read: list[tuple[Parsed, Truth | None]],
) -> None:
    prices = 0
    for parsed, truth in read:
        quotes = [one for one in parsed.events if isinstance(one, QuoteTrade)]
        if truth is None or truth.layout != "sol_price":
            assert not quotes
            continue
        [quote] = quotes
        assert not swaps(parsed)
        assert (quote.sol_amount_raw, quote.usd_amount_raw, quote.usd_mint) == (
            *(truth.base_amount_raw, truth.quote_amount_raw, truth.quote_mint),
        )
        prices += 1
    assert prices > 100


def test_each_trade_names_its_venue_an_unlisted_one_by_its_program(
    read: list[tuple[Parsed, Truth | None]],
) -> None:
    for parsed, truth in read:
        if truth is None or truth.layout == "sol_price":
            continue
        [swap] = swaps(parsed)
        assert CALLED.get(truth.venue, truth.venue) in swap.venues, (truth, swap.venues)


def test_launches_are_read_with_the_names_that_they_were_given(
    read: list[tuple[Parsed, Truth | None]],
) -> None:
    created = [one for parsed, _ in read for one in parsed.events if isinstance(one, TokenCreated)]
    assert len(created) > 10
    assert len({one.mint for one in created}) == len(created)
    assert sum(bool(one.name and one.symbol) for one in created) > len(created) * 0.8


def test_what_venues_say_agrees_and_no_layout_looks_changed(
    read: list[tuple[Parsed, Truth | None]],
) -> None:
    unparsed: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for parsed, _ in read:
        unparsed.update(one.venue for one in parsed.said.unparsed)
        for swap in swaps(parsed):
            reasons.update(swap.reasons)
            assert swap.confidence >= 0.7, swap
    assert not unparsed
    assert not reasons["event_disagrees"]
    assert reasons["event_agrees"] > 1_500
