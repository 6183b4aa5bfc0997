"""Shipped mutes lie below the user's own, which add to them and can take single ones away."""

from __future__ import annotations

import importlib
from typing import Any

from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.messages import encode
from pw_detection.detector import Detector
from pw_detection.rules.lists import (
    Mute,
    Mutes,
    effective_mutes,
    read_mutes,
    shipped_mutes,
    stored_mutes,
)

stream: Any = importlib.import_module("support.cut_stream")
SHIPPED = shipped_mutes().entries
OWN = "So11111111111111111111111111111111111111112"
NOW_MS = 1_700_000_000_000


def wallets(*own: Mute) -> frozenset[str]:
    detector = Detector(())
    detector.set_mutes(Mutes(entries=own), from_slot=1)
    detector.step(ClosedSlot(1, NOW_MS, True, (stream.swap(1, 1),)))
    return detector.market.muted_wallets


def test_a_users_first_mute_leaves_the_shipped_ones_in_force() -> None:
    own = Mute(address=OWN, of="wallet", reason="mine")
    assert wallets(own) == {OWN, *(one.address for one in SHIPPED)}


def test_no_mute_of_ones_own_leaves_the_shipped_ones_in_force() -> None:
    assert wallets() == {one.address for one in SHIPPED}


def test_a_shipped_mute_is_taken_away_only_by_name() -> None:
    first, *others = SHIPPED
    off = Mute(address=first.address, of=first.of, muted=False)
    assert wallets(off) == {one.address for one in others}


def test_an_own_entry_stands_in_the_place_of_a_shipped_one() -> None:
    first = SHIPPED[0]
    own = Mute(address=first.address, of=first.of, reason="my words")
    (found,) = (
        one for one in effective_mutes(Mutes(entries=(own,))).entries if one.address == own.address
    )
    assert found.reason == "my words"


def test_what_takes_a_mute_away_is_stored_and_read_back() -> None:
    entry = {"address": OWN, "of": "token", "muted": False}
    mutes = read_mutes([entry])
    assert stored_mutes(encode(mutes)) == mutes
    assert mutes.entries[0].muted is False
    # What an earlier version stored says nothing of it, and mutes.
    assert read_mutes([{"address": OWN, "of": "token"}]).entries[0].muted is not False
