"""The market holds what a detector must be able to see, and what it must not fall for."""

from collections import Counter, defaultdict

import pytest

from pw_replay.market import Truth, campaigns, generate_labelled
from pw_replay.market.labels import KINDS

from .conftest import MINUTES, SEED, TPS, Decoded

SOL = 1_000_000_000


def test_votes_and_failures_have_their_share(transactions: list[Decoded]) -> None:
    infos = [one.update.transaction.transaction for one in transactions]
    votes = sum(info.is_vote for info in infos) / len(infos)
    others = [info for info in infos if not info.is_vote]
    failures = sum(info.meta.HasField("err") for info in others) / len(others)
    assert 0.17 < votes < 0.23
    assert 0.04 < failures < 0.11


def test_every_venue_side_and_quote_is_there(transactions: list[Decoded]) -> None:
    seen = Counter((one.truth.venue, one.truth.side) for one in transactions if one.truth)
    assert set(seen) == {
        (venue, side)
        for venue in ("pump", "pump_amm", "raydium_v4", "raydium_cpmm")
        for side in ("buy", "sell")
    }
    assert any(one.truth.routed for one in transactions if one.truth)
    assert len({one.truth.quote_mint for one in transactions if one.truth}) == 2


def test_both_message_versions_and_several_signers_are_there(transactions: list[Decoded]) -> None:
    messages = [one.update.transaction.transaction.transaction.message for one in transactions]
    assert {message.versioned for message in messages} == {False, True}
    assert any(message.address_table_lookups for message in messages)
    assert {message.header.num_required_signatures for message in messages} == {1, 2}


def test_every_campaign_kind_begins_where_its_label_says(transactions: list[Decoded]) -> None:
    first: dict[str, int] = {}
    for one in transactions:
        if one.truth and one.truth.campaign:
            first.setdefault(one.truth.mint, one.update.transaction.slot)
    planned = campaigns(SEED, MINUTES, TPS)
    assert {one.kind for one in planned} == set(KINDS)
    for campaign in planned:
        if campaign.kind != "bundled_wallets" and campaign.mint in first:
            assert first[campaign.mint] == campaign.first_slot
    assert set(first) <= {campaign.mint for campaign in planned}


def test_bundled_wallets_are_funded_first_and_buy_in_one_slot(transactions: list[Decoded]) -> None:
    (bundle,) = (one for one in campaigns(SEED, 1.0, TPS) if one.kind == "bundled_wallets")
    buys = [
        (one.update.transaction.slot, one.update.transaction.transaction.index, one.truth.trader)
        for one in transactions
        if one.truth and one.truth.mint == bundle.mint and one.truth.side == "buy"
    ]
    assert {trader for _, _, trader in buys} == set(bundle.wallets)
    assert len({slot for slot, _, _ in buys}) == 1
    indexes = [index for _, index, _ in buys]
    assert indexes == list(range(indexes[0], indexes[0] + len(buys)))
    assert bundle.first_slot < buys[0][0]


@pytest.fixture(scope="module", params=[20.0, 90.0])
def episodes(request: pytest.FixtureRequest) -> dict[str, list[Truth]]:
    """The trades of the first campaign of every kind, at a low and a higher rate."""
    planned = {one.mint: one for one in campaigns(21, 2.6, request.param) if one.number < 6}
    trades: dict[str, list[Truth]] = defaultdict(list)
    for _, truth in generate_labelled(21, 2.6, request.param):
        if truth and truth.mint in planned:
            trades[planned[truth.mint].kind].append(truth)
    return trades


def buys_of(trades: list[Truth]) -> list[Truth]:
    return [trade for trade in trades if trade.side == "buy"]


def sol(trades: list[Truth]) -> float:
    return sum(trade.quote_amount_raw for trade in trades) / SOL


def test_concentrated_accumulation_would_trip_its_rule(
    episodes: dict[str, list[Truth]],
) -> None:
    buys = buys_of(episodes["concentrated_accumulation"])
    assert len(buys) >= 20
    assert 3 <= len({trade.trader for trade in buys}) <= 5
    assert sol(buys) >= 5


def test_stealth_accumulation_would_trip_its_rule(episodes: dict[str, list[Truth]]) -> None:
    buys = buys_of(episodes["stealth_accumulation"])
    assert len(buys) >= 15
    assert sol(buys) >= 10
    assert sol(buys) / len(buys) < 0.3


def test_whale_concentration_would_trip_its_rule(episodes: dict[str, list[Truth]]) -> None:
    buys = buys_of(episodes["whale_concentration"])
    by_trader: Counter[str] = Counter()
    for trade in buys:
        by_trader[trade.trader] += trade.quote_amount_raw
    assert len(buys) >= 10
    assert sol(buys) >= 10
    assert sum(volume for _, volume in by_trader.most_common(3)) / SOL >= 0.8 * sol(buys)


def test_extreme_ratio_would_trip_its_rule(episodes: dict[str, list[Truth]]) -> None:
    trades = episodes["extreme_ratio"]
    buys = buys_of(trades)
    assert len(buys) > 10 * (len(trades) - len(buys)) > 0
    assert sol(buys) >= 10


def test_wash_trading_ends_where_it_began(episodes: dict[str, list[Truth]]) -> None:
    trades = episodes["wash_trading"]
    bought = sum(trade.base_amount_raw for trade in buys_of(trades))
    sold = sum(trade.base_amount_raw for trade in trades if trade.side == "sell")
    assert len(trades) >= 40
    assert sold == bought
