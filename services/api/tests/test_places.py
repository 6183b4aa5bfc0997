"""Whatever stands in history has a place that is given out, taken back, and the same."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pw_api.core.places import (
    ALERT,
    BUYER,
    SWAP,
    WALLET,
    alert_place,
    alert_text,
    buyer_place,
    buyer_text,
    swap_place,
    swap_text,
    wallet_place,
    wallet_text,
)
from pw_common.topology import subjects
from pw_common.wire.history import TIME_MS_MAX, AlertPlace, BuyerPlace, SwapPlace, WalletPlace
from pw_common.wire.limits import SLOT_MAX

# What the columns of a swap hold.
U32 = st.integers(0, 2**32 - 1)
times = st.integers(0, TIME_MS_MAX)
base58 = st.sampled_from("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
addresses = st.text(base58, min_size=32, max_size=44)
signatures = st.text(base58, min_size=1, max_size=88)


@given(st.builds(SwapPlace, times, st.integers(0, SLOT_MAX), U32, signatures, U32))
def test_a_swaps_place_comes_back(place: SwapPlace) -> None:
    assert re.search(SWAP, swap_text(place))
    assert swap_place(swap_text(place)) == place


@given(st.builds(AlertPlace, times, st.from_regex(subjects.TOKEN, fullmatch=True)))
def test_an_alerts_place_comes_back(place: AlertPlace) -> None:
    assert re.search(ALERT, alert_text(place))
    assert alert_place(alert_text(place)) == place


@given(st.builds(BuyerPlace, st.integers(0, 2**64 * 2**40), addresses))
def test_a_buyers_place_comes_back(place: BuyerPlace) -> None:
    assert re.search(BUYER, buyer_text(place))
    assert buyer_place(buyer_text(place)) == place


@given(st.builds(WalletPlace, times, addresses, st.none() | addresses))
def test_a_tokens_place_among_a_wallets_comes_back(place: WalletPlace) -> None:
    assert re.search(WALLET, wallet_text(place))
    assert wallet_place(wallet_text(place)) == place
