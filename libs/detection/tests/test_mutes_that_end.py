"""A mute that ends: of tokens only, and never in place of one that lasts."""

from __future__ import annotations

import pytest

from pw_common.wire.messages import encode
from pw_detection.rules import lists
from pw_detection.rules.lists import BadList, Lists, Mute, Mutes

TOKEN = "So11111111111111111111111111111111111111112"
UNTIL_MS = 9_000_000_000_000
WALLET = next(one for one in lists.shipped_mutes().entries if one.of == "wallet")


def test_a_wallet_that_is_muted_for_a_time_is_refused_with_a_sentence() -> None:
    with pytest.raises(BadList) as refused:
        lists.read_mutes([{"address": TOKEN, "of": "wallet", "until_ms": UNTIL_MS}])
    assert refused.value.errors == (
        "entries[0].until_ms: a wallet is muted for good; allowed: null",
    )
    for good in ({"of": "wallet"}, {"of": "token", "until_ms": UNTIL_MS}):
        assert lists.read_mutes([{"address": TOKEN, **good}]).entries


def test_wallets_that_an_older_version_muted_for_a_time_are_left_out() -> None:
    kept = Mute(address=TOKEN, of="token", until_ms=UNTIL_MS)
    old = Mute(address=WALLET.address, of="wallet", until_ms=UNTIL_MS)
    found = lists.stored_mutes(encode(Mutes(entries=(old, kept))))
    assert found.entries == (kept,)
    # So the next change of the list is not refused for them.
    assert lists.read_mutes([{"address": TOKEN, "of": "token", "until_ms": UNTIL_MS}]) == found


@pytest.mark.parametrize("of", ["wallet", "token"])
def test_a_mute_that_ends_leaves_a_shipped_one_in_force(
    of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = WALLET if of == "wallet" else Mute(address=TOKEN, of="token", reason="shipped")
    monkeypatch.setattr(lists, "shipped_mutes", lambda: Mutes(entries=(lasting,)))
    own = Mute(address=lasting.address, of=lasting.of, until_ms=UNTIL_MS)
    found = lists.effective_mutes(Mutes(entries=(own,)))
    assert found.entries == (lasting,)
    if of == "token":
        assert Lists(None, found).muted_token(TOKEN, UNTIL_MS + 1) == lasting
    else:
        assert Lists(None, found).muted_wallets == {lasting.address}
