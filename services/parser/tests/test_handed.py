"""Tokens that wallets hand each other beside a trade change nothing of it."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import Swap
from pw_parser.core.parse import parse

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
VENUE = str(Pubkey(b"venue" + bytes(27)))
LISTED = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
VENUES = pytest.mark.parametrize("venue", [LISTED, VENUE], ids=["listed", "unlisted"])
QUOTES = pytest.mark.parametrize("quote", [SOL, USDC], ids=["SOL", "USDC"])


def swaps(draft: Any) -> list[Swap]:
    return [event for event in parse(draft.update()).events if isinstance(event, Swap)]


def read(draft: Any) -> list[tuple[str, str, str, int, str | None, int | None]]:
    return [
        (s.trader, s.side, s.mint, s.base_amount_raw, s.quote_mint, s.quote_amount_raw)
        for s in swaps(draft)
        if s.confidence >= CONFIDENCE_MIN
    ]


def bought(draft: Any, venue: str, *, with_: str, kept: int = 500, left: int = 0) -> Any:
    """alice buys 500 for 10^9 of a quote; `kept` and `left` are what she ends with."""
    made = draft("alice").invoke(venue, ("pool", "alice"), b"\x09" + bytes(16), inner=False)
    made.token("alice", with_, 10**9 + left, left).token("pool", with_, 9_000, 9_000 + 10**9)
    made.token("pool", "mint-a", 10**9, 10**9 - 500).token("alice", "mint-a", 0, kept)
    return made.swap("alice", "pool", with_, "mint-a", (10**9, 500))


def hand(made: Any, mint: str, raw: int, *, source: str = "alice", to: str = "bob") -> Any:
    """A plain transfer by an instruction of its own."""
    named = (made.account(source, mint), made.account(to, mint), source)
    data = b"\x03" + raw.to_bytes(8, "little")
    return made.invoke(made.token_program, named, data, inner=False)


@VENUES
def test_dollars_that_go_to_another_wallet_are_not_the_price_of_a_trade_for_sol(
    draft: Any, venue: str
) -> None:
    plain = read(bought(draft, venue, with_=SOL))
    made = bought(draft, venue, with_=SOL)
    made.token("alice", USDC, 7 * 10**9, 0).token("bob", USDC, 0, 7 * 10**9)
    assert read(hand(made, USDC, 7 * 10**9)) == plain
    assert plain == [(draft.address("alice"), "buy", draft.address("mint-a"), 500, SOL, 10**9)]


@VENUES
@QUOTES
def test_another_token_handed_over_beside_a_trade_changes_nothing_of_it(
    draft: Any, venue: str, quote: str
) -> None:
    plain = read(bought(draft, venue, with_=quote))
    for source, to in (("alice", "bob"), ("bob", "alice")):
        made = bought(draft, venue, with_=quote)
        made.token(source, "junk", 40, 0).token(to, "junk", 0, 40)
        assert read(hand(made, "junk", 40, source=source, to=to)) == plain
    assert len(plain) == 1


@VENUES
@QUOTES
@pytest.mark.parametrize("passed", [250, 495, 500])
def test_a_buyer_who_passes_on_what_it_bought_is_the_buyer_of_all_of_it(
    draft: Any, venue: str, quote: str, passed: int
) -> None:
    plain = read(bought(draft, venue, with_=quote))
    made = bought(draft, venue, with_=quote, kept=500 - passed)
    made.token("bob", "mint-a", 0, passed)
    assert read(hand(made, "mint-a", passed)) == plain


@VENUES
def test_proceeds_that_are_sent_on_are_still_what_was_got(draft: Any, venue: str) -> None:
    made = draft("alice").invoke(venue, ("pool", "alice"), b"\x09" + bytes(16), inner=False)
    made.token("alice", "mint-a", 500, 0).token("pool", "mint-a", 9_000, 9_500)
    made.token("pool", USDC, 10**9, 0).token("alice", USDC, 0, 10**7)
    made.swap("alice", "pool", "mint-a", USDC, (500, 10**9))
    made.token("bob", USDC, 0, 99 * 10**7)
    (found,) = read(hand(made, USDC, 99 * 10**7))
    assert found[1:] == ("sell", draft.address("mint-a"), 500, USDC, 10**9)


@VENUES
def test_a_token_sent_beside_an_exchange_of_quotes_was_not_traded(draft: Any, venue: str) -> None:
    for source, to in (("alice", "bob"), ("bob", "alice"), ("alice", "pda"), ("pda", "alice")):
        made = draft("alice").invoke(venue, ("pool", "alice"), b"\x09" + bytes(16), inner=False)
        made.token("alice", SOL, 10**9, 0).token("pool", SOL, 0, 10**9)
        made.token("pool", USDC, 10**9, 0).token("alice", USDC, 0, 10**9)
        made.swap("alice", "pool", SOL, USDC, (10**9, 10**9))
        made.token(source, "junk", 40, 0).token(to, "junk", 0, 40)
        assert swaps(hand(made, "junk", 40, source=source, to=to)) == []


def test_a_picture_that_is_sold_for_a_token_is_no_trade_of_the_token_for_the_fee(
    draft: Any,
) -> None:
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", "picture", 1, 0, places=0).token("pool", "picture", 0, 1, places=0)
    made.token("pool", "mint-a", 10**9, 0).token("alice", "mint-a", 0, 10**9)
    made.swap("alice", "pool", "picture", "mint-a", (1, 10**9))
    made.sol("alice", -5_000_000).sol("platform", 5_000_000)
    assert read(made) == []
