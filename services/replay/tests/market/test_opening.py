"""The demo's market begins with something to look at, and leaves the other markets alone."""

from __future__ import annotations

from itertools import islice

import pytest

from pw_replay.market import Truth, generate, generate_labelled
from pw_replay.market.opening import NAME, SYMBOL, WALLETS, opening_key
from pw_replay.market.presets import DEMO, VARIED
from pw_replay.market.wire.ledger import address_of

SEED, TPS = 1, 200.0
SECONDS = 12.0


@pytest.fixture(scope="module")
def opening() -> list[Truth]:
    mint = address_of(opening_key(SEED))
    market = generate_labelled(SEED, SECONDS / 60, TPS, preset=DEMO)
    return [truth for _, truth in market if truth and truth.mint == mint]


def test_many_wallets_buy_one_coin_in_small_pieces_within_the_first_seconds(
    opening: list[Truth],
) -> None:
    assert {one.side for one in opening} == {"buy"}
    spent = [one.quote_amount_raw / 1e9 for one in opening]
    assert sum(spent) > 10
    assert sum(spent) / len(spent) < 0.3
    assert len({one.trader for one in opening}) == WALLETS


def test_its_coin_is_launched_with_its_name() -> None:
    first = b"".join(islice(generate(SEED, SECONDS / 60, TPS, preset=DEMO), 600))
    assert NAME.encode() in first
    assert SYMBOL.encode() in first
    assert NAME.encode() not in b"".join(generate(SEED, SECONDS / 60, TPS, preset=VARIED))


def test_the_same_seed_gives_the_same_opening() -> None:
    one, other = (list(generate(4, 0.1, 50, preset=DEMO)) for _ in range(2))
    assert one == other
