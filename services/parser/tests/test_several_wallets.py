"""One transaction, several wallets: who bought how much, and what the pool moved for it."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.messages import RoundTrip, Swap
from pw_parser.core.parse import parse

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USDS = "USDSwr9ApdHk5bvJKMjzff41FfuX8bSxdKcR81vTwcA"
PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
UNKNOWN = str(Pubkey(b"somebody" + bytes(24)))
ONE_SOL = 1_000_000_000


def swaps(draft: Any) -> list[Swap]:
    return [event for event in parse(draft.update()).events if isinstance(event, Swap)]


def by_trader(draft: Any) -> dict[str, tuple[str, int, int | None]]:
    return {s.trader: (s.side, s.base_amount_raw, s.quote_amount_raw) for s in swaps(draft)}


def curve_buys(draft: Any, shares: dict[str, int], program: str) -> Any:
    """alice pays a curve once for each wallet; the curve sends the token to that wallet."""
    made = draft("alice").invoke(UNKNOWN, ("alice",), b"\x07", inner=False)
    made.token("curve", "mint-a", 10_000, 10_000 - sum(shares.values()))
    for wallet, base in shares.items():
        made.token(wallet, "mint-a", 0, base)
    for wallet, base in shares.items():
        made.call(program, "curve", wallet, "alice", height=2)
        curve = made.account("curve", "mint-a")
        made.move(curve, made.account(wallet, "mint-a"), "curve", base, height=3)
        made.system(2, "alice", "curve", base * ONE_SOL, inner=True, height=3)
    paid = sum(shares.values()) * ONE_SOL
    return made.sol("alice", -paid).sol("curve", paid, before=10**12)


@pytest.mark.parametrize("program", [PUMP, UNKNOWN], ids=["listed", "unlisted"])
def test_a_payer_who_buys_for_another_wallet_too_pays_its_own_price(
    draft: Any, program: str
) -> None:
    made = curve_buys(draft, {"alice": 6, "bob": 3}, program)
    assert by_trader(made) == {
        made.address("alice"): ("buy", 6, 6 * ONE_SOL),
        made.address("bob"): ("buy", 3, 3 * ONE_SOL),
    }


def test_a_payer_who_buys_for_others_alone_has_a_trade_for_each(draft: Any) -> None:
    made = curve_buys(draft, {"bob": 6, "carol": 3, "dave": 5}, PUMP)
    assert by_trader(made) == {
        made.address("bob"): ("buy", 6, 6 * ONE_SOL),
        made.address("carol"): ("buy", 3, 3 * ONE_SOL),
        made.address("dave"): ("buy", 5, 5 * ONE_SOL),
    }


def bought(draft: Any, pool_gave: int, lamports: int) -> Any:
    """alice buys from a pool with wrapped SOL."""
    made = draft("alice").invoke(PUMPSWAP, ("pool", "alice"), inner=False)
    made.token("pool", "mint-a", 10_000, 10_000 - pool_gave)
    made.token("pool", SOL, 9 * ONE_SOL, 9 * ONE_SOL + lamports)
    return made.token("alice", SOL, lamports, 0)


def test_a_buyer_who_passes_most_of_it_on_has_bought_all_of_it(draft: Any) -> None:
    made = bought(draft, 100, ONE_SOL).token("alice", "mint-a", 0, 5).token("bob", "mint-a", 0, 95)
    made.swap("alice", "pool", SOL, "mint-a", (ONE_SOL, 100))
    accounts = made.account("alice", "mint-a"), made.account("bob", "mint-a"), "alice"
    made.invoke(made.token_program, accounts, b"\x03" + (95).to_bytes(8, "little"), inner=False)
    assert by_trader(made) == {made.address("alice"): ("buy", 100, ONE_SOL)}


def test_a_fee_in_the_token_makes_no_second_buyer(draft: Any) -> None:
    made = bought(draft, 100, ONE_SOL).token("alice", "mint-a", 0, 95).token("fees", "mint-a", 0, 5)
    made.swap("alice", "pool", SOL, "mint-a", (ONE_SOL, 95))
    made.move(made.account("pool", "mint-a"), made.account("fees", "mint-a"), "pool", 5)
    assert by_trader(made) == {made.address("alice"): ("buy", 95, ONE_SOL)}


def routed(draft: Any, payer: str, kept: int = 0) -> Any:
    """A payer's dollars buy the token by SOL in two pools; bob gets it, less what alice keeps."""
    made = draft("alice").invoke(UNKNOWN, ("alice",), b"\x07", inner=False)
    made.token(payer, USDC, 90_000_000, 0).token("alice", SOL, 0, 0)
    if payer != "alice":
        made.token("alice", USDC, 0, 0)
        escrow = made.account(payer, USDC), made.account("alice", USDC)
        made.move(*escrow, payer, 90_000_000)
    made.token("alice", "mint-a", 0, kept).token("bob", "mint-a", 0, 500 - kept)
    made.token("pool", USDC, 0, 90_000_000).token("pool", SOL, ONE_SOL, ONE_SOL // 2)
    made.token("poolb", SOL, ONE_SOL, ONE_SOL + ONE_SOL // 2).token("poolb", "mint-a", 900, 400)
    made.call(PUMPSWAP, "pool").swap("alice", "pool", USDC, SOL, (90_000_000, ONE_SOL // 2), 3)
    made.call(PUMPSWAP, "poolb").swap("alice", "poolb", SOL, "mint-a", (ONE_SOL // 2, 500), 3)
    passed = made.account("alice", "mint-a"), made.account("bob", "mint-a")
    return made.move(*passed, "alice", 500 - kept)


def test_output_to_another_wallet_costs_what_the_payer_paid(draft: Any) -> None:
    (swap,) = swaps(routed(draft, "alice"))
    assert (swap.trader, swap.side, swap.base_amount_raw) == (draft.address("bob"), "buy", 500)
    assert (swap.quote_mint, swap.quote_amount_raw) == (USDC, 90_000_000)
    assert "paid_by_another" in swap.reasons


@pytest.mark.parametrize("kept", [0, 10, 30])
def test_a_filled_order_costs_what_its_escrow_paid_whatever_the_keeper_keeps(
    draft: Any, kept: int
) -> None:
    (swap,) = swaps(routed(draft, "vault", kept))
    assert (swap.trader, swap.base_amount_raw) == (draft.address("bob"), 500 - kept)
    assert (swap.quote_mint, swap.quote_amount_raw) == (USDC, 90_000_000)
    assert "event_disagrees" not in swap.reasons


def test_what_is_bought_and_sold_back_but_for_dust_is_a_round_trip(draft: Any) -> None:
    """Through one pool, whose balance shows the remainder alone."""
    made = draft("alice").invoke(UNKNOWN, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", SOL, ONE_SOL, ONE_SOL - 16_000_000).token("alice", "mint-a", 0, 4_000)
    made.token("pool", "mint-a", 10**9, 10**9 - 4_000)
    made.token("pool", SOL, ONE_SOL, ONE_SOL + 16_000_000)
    made.call(UNKNOWN, "pool", "alice")
    made.swap("alice", "pool", SOL, "mint-a", (ONE_SOL, 360_000), 3)
    made.call(UNKNOWN, "pool", "alice")
    made.swap("alice", "pool", "mint-a", SOL, (356_000, ONE_SOL - 16_000_000), 3)
    (trip,) = parse(made.update()).events
    assert isinstance(trip, RoundTrip)
    assert trip.quote_change_raw == -16_000_000


@pytest.mark.parametrize("fee", [1, 5, 10])
def test_a_tokens_own_fee_hides_neither_price_nor_taker(draft: Any, fee: int) -> None:
    """Of 100 that are sent, the token keeps a part: of a custodian's and of a maker's side."""
    vault = draft("keeper").invoke(UNKNOWN, ("vaultusd", "vault"), b"\x07", inner=False)
    vault.token("vaultusd", USDC, 90, 0).token("vault", "mint-a", 0, 100 - fee)
    vault.token("vaultusd", "mint-a", 0, 0)
    vault.token("pool", "mint-a", 100, 0).token("pool", USDC, 0, 90)
    vault.call(PUMPSWAP, "pool").swap("vaultusd", "pool", USDC, "mint-a", (90, 100), 3)
    vault.move(
        vault.account("vaultusd", "mint-a"), vault.account("vault", "mint-a"), "vaultusd", 100
    )
    assert by_trader(vault) == {vault.address("vault"): ("buy", 100 - fee, 90)}

    pair = draft("maker", "taker").invoke(UNKNOWN, ("taker", "maker"), b"\x07", inner=False)
    pair.token("taker", "mint-a", 100, 0).token("maker", "mint-a", 0, 100 - fee)
    pair.token("taker", USDC, 0, 90).token("maker", USDC, 90, 0)
    pair.swap("taker", "maker", "mint-a", USDC, (100, 90))
    assert by_trader(pair) == {pair.address("taker"): ("sell", 100, 90)}


def test_a_dollar_that_is_no_quote_is_a_price_for_others_as_well(draft: Any) -> None:
    """A keeper sells an escrow's token for USDS; alice buys with USDS for bob."""
    fill = draft("keeper").invoke(UNKNOWN, ("keeper", "vault", "owner"), b"\x07", inner=False)
    fill.token("vault", "mint-a", 500, 0).token("keeper", "mint-a", 0, 0)
    fill.token("pool", "mint-a", 0, 500).token("pool", USDS, 1_000, 0)
    fill.token("keeper", USDS, 0, 0).token("owner", USDS, 0, 1_000)
    fill.move(fill.account("vault", "mint-a"), fill.account("keeper", "mint-a"), "vault", 500)
    fill.call(PUMPSWAP, "pool", "keeper").swap("keeper", "pool", "mint-a", USDS, (500, 1_000), 3)
    fill.move(fill.account("keeper", USDS), fill.account("owner", USDS), "keeper", 1_000)
    bought = draft("alice").invoke(PUMPSWAP, ("pool", "alice"), inner=False)
    bought.token("alice", USDS, 1_000, 0).token("alice", "mint-a", 0, 0)
    bought.token("bob", "mint-a", 0, 500)
    bought.token("pool", USDS, 0, 1_000).token("pool", "mint-a", 500, 0)
    bought.swap("alice", "pool", USDS, "mint-a", (1_000, 500))
    bought.move(bought.account("alice", "mint-a"), bought.account("bob", "mint-a"), "alice", 500)
    for made, trader, side in ((fill, "owner", "sell"), (bought, "bob", "buy")):
        (swap,) = swaps(made)
        assert (swap.trader, swap.side, swap.mint) == (
            made.address(trader), side, made.address("mint-a"),
        )  # fmt: skip
        assert (swap.quote_mint, swap.quote_amount_raw) == (USDS, 1_000)


def test_a_tokens_own_fee_is_no_gift_where_the_buyer_passes_a_fee_on(draft: Any) -> None:
    """Of 1,000 the token keeps 50; alice, who got 950, pays 9 of them to a front end."""
    made = bought(draft, 1_000, ONE_SOL).token("alice", "mint-a", 0, 941)
    made.token("fees", "mint-a", 0, 9)
    made.swap("alice", "pool", SOL, "mint-a", (ONE_SOL, 1_000))
    made.move(made.account("alice", "mint-a"), made.account("fees", "mint-a"), "alice", 9)
    assert by_trader(made) == {made.address("alice"): ("buy", 941, ONE_SOL)}
