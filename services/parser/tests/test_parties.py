"""Who traded, where the balances of one wallet do not say it alone."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.messages import RoundTrip, Swap
from pw_parser.core.parse import parse

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USDT = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
USDS = "USDSwr9ApdHk5bvJKMjzff41FfuX8bSxdKcR81vTwcA"
PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
RFQ = "61DFfeTKM7trxYcPQCM78bJ794ddZprZpAwAnLiwTpYH"
BLOOM = "b1oomGGqPKGD6errbyfbVMBuzSC8WtAAYo8MwNafWW1"
UNKNOWN = str(Pubkey(b"front" + bytes(27)))
ONE_SOL = 1_000_000_000


def swaps(draft: Any) -> list[Swap]:
    return [event for event in parse(draft.update()).events if isinstance(event, Swap)]


def only(draft: Any) -> Swap:
    (swap,) = swaps(draft)
    return swap


def two_wallets(draft: Any, program: str, first: str, second: str) -> Any:
    """maker and taker both sign, each mirrors the other; the maker pays the network fee."""
    made = draft("maker", "taker").invoke(program, (first, second), b"\x07", inner=False)
    made.token("taker", "mint-a", 500, 0).token("maker", "mint-a", 0, 500)
    made.token("taker", USDC, 0, 90).token("maker", USDC, 90, 0)
    return made.swap("taker", "maker", "mint-a", USDC, (500, 90))


@pytest.mark.parametrize("program", [RFQ, UNKNOWN], ids=["listed", "unlisted"])
def test_of_two_signers_who_mirror_each_other_the_taker_traded(draft: Any, program: str) -> None:
    swap = only(two_wallets(draft, program, "taker", "maker"))
    assert (swap.trader, swap.side) == (draft.address("taker"), "sell")
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (500, 90)


def test_a_platforms_fee_makes_no_second_trader(draft: Any) -> None:
    made = draft("maker", "taker").invoke(RFQ, ("taker", "maker"), b"\x07", inner=False)
    made.token("taker", "mint-a", 500, 0).token("maker", "mint-a", 0, 500)
    made.token("taker", USDC, 0, 89).token("maker", USDC, 90, 0).token("vaultfees", USDC, 0, 1)
    assert only(made).trader == draft.address("taker")


def test_a_quote_signed_in_a_token_gives_the_takers_two_legs_alone(draft: Any) -> None:
    made = draft("maker", "taker").invoke(RFQ, ("taker", "maker"), b"\x07", inner=False)
    made.token("taker", "mint-a", 500, 0).token("maker", "mint-a", 0, 500)
    made.token("taker", "mint-b", 0, 70).token("maker", "mint-b", 70, 0)
    assert {(s.trader, s.side) for s in swaps(made)} == {
        (draft.address("taker"), "buy"),
        (draft.address("taker"), "sell"),
    }


def test_two_wallets_that_trade_with_a_pool_are_two_trades(draft: Any) -> None:
    made = draft("alice", "bob").invoke(PUMPSWAP, ("pool",), inner=False)
    made.token("alice", "mint-a", 500, 0).token("bob", "mint-a", 0, 500)
    made.token("pool", "mint-a", 900, 900)
    made.token("alice", USDC, 0, 89).token("bob", USDC, 90, 0).token("pool", USDC, 70, 71)
    assert len(swaps(made)) == 2


def filled(draft: Any, *, paid_out: int = 995, program: str = PUMPSWAP) -> Any:
    """A keeper sells what an escrow held; the owner, who does not sign, is paid."""
    made = draft("keeper").invoke(UNKNOWN, ("keeper", "vault", "owner"), b"\x07", inner=False)
    made.token("vault", "mint-a", 500, 0).token("keeper", "mint-a", 0, 0)
    made.token("pool", "mint-a", 0, 500).token("pool", USDC, 1_000, 0)
    made.token("keeper", USDC, 0, 0).token("owner", USDC, 0, paid_out)
    made.token("vaultfees", USDC, 0, 1_000 - paid_out)
    made.move(made.account("vault", "mint-a"), made.account("keeper", "mint-a"), "vault", 500)
    made.call(program, "pool", "keeper").swap("keeper", "pool", "mint-a", USDC, (500, 1_000), 3)
    return made.move(made.account("keeper", USDC), made.account("owner", USDC), "keeper", paid_out)


@pytest.mark.parametrize("program", [PUMPSWAP, UNKNOWN], ids=["listed", "unlisted"])
def test_base_that_leaves_an_escrow_is_sold_by_the_wallet_that_is_paid(
    draft: Any, program: str
) -> None:
    swap = only(filled(draft, program=program))
    assert (swap.trader, swap.side) == (draft.address("owner"), "sell")
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (500, 1_000)
    assert {"from_escrow", "not_signer", "keeper_paid"} <= set(swap.reasons)
    assert swap.confidence >= 0.7


def test_a_keepers_fill_is_no_round_trip_of_the_keeper(draft: Any) -> None:
    for paid_out in (995, 400):
        events = parse(filled(draft, paid_out=paid_out).update()).events
        assert not any(isinstance(event, RoundTrip) for event in events)


def test_a_custodians_account_trades_where_no_wallet_is_paid(draft: Any) -> None:
    made = draft("keeper").invoke(UNKNOWN, ("vaultusd", "vault"), b"\x07", inner=False)
    made.token("vaultusd", USDC, 90, 0).token("vault", "mint-a", 0, 500)
    made.token("vaultusd", "mint-a", 0, 0)
    made.token("pool", "mint-a", 500, 0).token("pool", USDC, 0, 90)
    made.call(PUMPSWAP, "pool").swap("vaultusd", "pool", USDC, "mint-a", (90, 500), 3)
    made.move(made.account("vaultusd", "mint-a"), made.account("vault", "mint-a"), "vaultusd", 500)
    swap = only(made)
    assert (swap.trader, swap.side) == (draft.address("vault"), "buy")
    assert "program_vault" in swap.reasons
    # Nobody follows a custodian: it stays below what rules take notice of.
    assert swap.confidence < 0.7


def test_liquidity_that_is_bought_or_sold_on_the_way_is_no_custodians_trade(draft: Any) -> None:
    """alice's dollars buy the token in one pool and go with it into another."""
    for kept in (0, 40):
        made = draft("alice").invoke(UNKNOWN, ("poolb",), b"\x07", inner=False)
        made.token("alice", USDC, 90 + kept, 0).token("alice", "mint-a", 0, 0)
        made.token("pool", "mint-a", 500, 0).token("pool", USDC, 0, 90)
        made.token("poolb", "mint-a", 0, 500).token("poolb", USDC, 0, kept)
        made.call(PUMPSWAP, "pool").swap("alice", "pool", USDC, "mint-a", (90, 500), 3)
        made.call(UNKNOWN, "poolb").move(
            made.account("alice", "mint-a"), made.account("poolb", "mint-a"), "alice", 500, height=3
        )
        assert swaps(made) == []


def test_output_to_another_wallet_belongs_to_the_wallet_that_holds_the_token(draft: Any) -> None:
    made = draft("payer").invoke(PUMPSWAP, ("pool", "payer"), inner=False)
    made.token("payer", USDC, 90, 0).token("friend", "mint-a", 0, 500)
    made.token("pool", "mint-a", 500, 0).token("pool", USDC, 0, 90)
    swap = only(made)
    assert (swap.trader, swap.side) == (draft.address("friend"), "buy")
    assert swap.quote_amount_raw == 90


def test_an_instructions_own_layout_names_the_vault(draft: Any) -> None:
    """buy_v2 names its user at account 13, where buy named it at 6."""
    for tag, places in (("b817ee6167c5d33d", 13), ("66063d1201daebea", 6)):
        accounts = [f"other {n}" for n in range(places)] + ["vault"]
        made = draft("keeper").invoke(PUMP, tuple(accounts), bytes.fromhex(tag), inner=False)
        made.token("vault", "mint-a", 0, 500).token("vault", USDC, 90, 0)
        made.token("curve", "mint-a", 500, 0).token("curve", USDC, 0, 90)
        assert only(made).trader == draft.address("vault")


@pytest.mark.parametrize("program", [BLOOM, UNKNOWN], ids=["listed bot", "unlisted front end"])
def test_a_fee_that_a_bot_takes_by_a_call_is_not_part_of_the_price(
    draft: Any, program: str
) -> None:
    made = draft("alice").invoke(program, ("alice",), b"\x07", inner=False)
    made.token("alice", "mint-a", 0, 500).token("curve", "mint-a", 900, 400)
    made.sol("alice", -1_010_000_000).sol("curve", ONE_SOL).sol("fees", 10_000_000)
    made.call(PUMP, "curve")
    made.move(made.account("curve", "mint-a"), made.account("alice", "mint-a"), "curve", 500,
              height=3)  # fmt: skip
    made.system(2, "alice", "curve", ONE_SOL, inner=True, height=3)
    made.system(2, "alice", "fees", 10_000_000, inner=True, height=2)
    swap = only(made)
    assert swap.quote_amount_raw == ONE_SOL
    assert "sent_beside" in swap.reasons


def test_the_venues_own_fee_stays_in_the_price(draft: Any) -> None:
    made = draft("alice").invoke(PUMP, ("alice",), b"\x07", inner=False)
    made.token("alice", "mint-a", 0, 500).token("curve", "mint-a", 900, 400)
    made.sol("alice", -1_010_000_000).sol("curve", ONE_SOL).sol("fees", 10_000_000)
    made.move(made.account("curve", "mint-a"), made.account("alice", "mint-a"), "curve", 500)
    made.system(2, "alice", "curve", ONE_SOL, inner=True, height=2)
    made.system(2, "alice", "fees", 10_000_000, inner=True, height=2)
    assert only(made).quote_amount_raw == 1_010_000_000


def test_more_rent_for_a_mint_that_was_just_made_is_rent(draft: Any) -> None:
    made = draft("alice", "mint-a").invoke(PUMP, ("alice",), b"\x07", inner=False)
    made.token("alice", "mint-a", None, 500).token("curve", "mint-a", None, 400)
    made.pre["mint-a"], made.post["mint-a"] = 0, 3_591_360
    made.sol("alice", -10_000 - 3_591_360).sol("curve", 10_000)
    made.system(0, "alice", "mint-a", 2_519_520, inner=True, height=2)
    made.system(2, "alice", "mint-a", 1_071_840, inner=True, height=2)
    made.system(2, "alice", "curve", 10_000, inner=True, height=2)
    swap = only(made)
    assert swap.quote_amount_raw == 10_000
    assert "rent_paid" in swap.reasons


def test_the_quote_is_what_the_pool_moved_where_a_wallet_paid_much_beside_it(draft: Any) -> None:
    made = draft("alice").invoke(PUMPSWAP, ("pool",), inner=False).sol("alice", -3 * ONE_SOL)
    made.token("alice", "mint-a", 0, 500).token("pool", "mint-a", 500, 0)
    made.token("pool", SOL, 0, ONE_SOL).sol("somewhere", 2 * ONE_SOL)
    swap = only(made)
    assert swap.quote_amount_raw == ONE_SOL
    assert "quote_from_pool" in swap.reasons


def test_dust_of_a_routes_middle_token_is_no_trade(draft: Any) -> None:
    made = draft("alice").invoke(PUMPSWAP, ("pool",), inner=False)
    made.token("alice", "mint-a", 50_000, 0).token("pool", "mint-a", 0, 50_000)
    made.token("pool", "mint-b", 70_000, 0).token("poolb", "mint-b", 0, 69_990)
    made.token("alice", "mint-b", 0, 10).token("alice", USDC, 0, 90).token("poolb", USDC, 90, 0)
    swap = only(made)
    assert (swap.mint, swap.side) == (draft.address("mint-a"), "sell")
    assert (swap.quote_mint, swap.quote_amount_raw) == (USDC, 90)


def test_arbitrage_that_keeps_dust_and_loses_a_little_is_a_round_trip(draft: Any) -> None:
    made = draft("alice").invoke(PUMPSWAP, ("pool",), inner=False).sol("alice", -2_166)
    made.token("alice", "mint-a", 50_000, 50_008).token("pool", "mint-a", 0, 50_000)
    made.token("pool", SOL, ONE_SOL, 0).token("poolb", SOL, 0, ONE_SOL + 2_166)
    made.token("poolb", "mint-a", 60_000, 9_992)
    (trip,) = parse(made.update()).events
    assert isinstance(trip, RoundTrip)
    assert trip.quote_change_raw == -2_166


def test_one_dollar_for_another_by_way_of_a_token_is_no_round_trip(draft: Any) -> None:
    made = draft("alice").invoke(PUMPSWAP, ("pool",), inner=False)
    made.token("alice", USDT, 63_000, 0).token("alice", USDC, 0, 63_100)
    made.token("pool", USDT, 0, 63_000).token("pool", "mint-a", 500, 0)
    made.token("poolb", "mint-a", 0, 500).token("poolb", USDC, 63_100, 0)
    assert parse(made.update()).events == ()


def test_what_is_bought_and_burned_is_no_round_trip(draft: Any) -> None:
    made = draft("alice").invoke(PUMPSWAP, ("pool",), inner=False)
    made.token("alice", "mint-a", 0, 0).token("pool", "mint-a", 500, 0)
    made.token("alice", USDC, 90, 0).token("pool", USDC, 0, 90).token("poolb", "mint-c", 5, 6)
    assert not any(isinstance(event, RoundTrip) for event in parse(made.update()).events)


def test_a_token_bought_with_another_dollar_is_paid_with_it(draft: Any) -> None:
    made = draft("alice").invoke(PUMPSWAP, ("pool",), inner=False)
    made.token("alice", USDS, 90_000_000, 0).token("pool", USDS, 0, 90_000_000)
    made.token("alice", "mint-a", 0, 500).token("pool", "mint-a", 500, 0)
    swap = only(made)
    assert (swap.mint, swap.side) == (draft.address("mint-a"), "buy")
    assert (swap.quote_mint, swap.quote_amount_raw) == (USDS, 90_000_000)


def test_another_dollar_bought_is_marked_as_one(draft: Any) -> None:
    made = draft("alice").invoke(PUMPSWAP, ("pool",), inner=False)
    made.token("alice", USDC, 90, 0).token("pool", USDC, 0, 90)
    made.token("alice", USDS, 0, 89).token("pool", USDS, 89, 0)
    swap = only(made)
    assert (swap.mint, swap.side) == (USDS, "buy")
    assert "stable_coin" in swap.reasons


def test_a_fee_in_shares_is_no_other_side_of_a_withdrawal(draft: Any) -> None:
    """A stake pool burns the shares and keeps a few of them for its manager."""
    made = draft("alice").invoke(PUMPSWAP, ("pool",), inner=False).sol("alice", ONE_SOL)
    made.token("alice", "mint-lst", 1_000, 0).token("vaultfees", "mint-lst", 0, 3)
    assert swaps(made) == []


def test_a_position_that_pays_a_token_out_is_no_trade(draft: Any) -> None:
    perps = "PERPHjGBqRHArX4DySjwM6UJHiR3sWAatqfdBS2qQJu"
    made = draft("alice").invoke(perps, ("pool", "alice"), b"\x07" * 8, inner=False)
    made.token("alice", "mint-a", 0, 500).token("pool", "mint-a", 900, 400)
    made.sol("alice", -3_000_000).sol("pool", 3_000_000)
    assert swaps(made) == []
