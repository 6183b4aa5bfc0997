"""Trades below programs that no table names, and what only looks like one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import RoundTrip, Swap
from pw_parser.core.decode.programs import BUILT_IN, Programs, read_programs
from pw_parser.core.parse import Malformed, parse

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
VENUE = str(Pubkey(b"venue" + bytes(27)))
OTHER = str(Pubkey(b"other" + bytes(27)))
BOT = str(Pubkey(b"front" + bytes(27)))
ONE_SOL = 1_000_000_000


def swaps(draft: Any, programs: Programs = BUILT_IN) -> list[Swap]:
    return [e for e in parse(draft.update(), programs).events if isinstance(e, Swap)]


def listed(kind: str) -> Programs:
    return read_programs(json.dumps({"id": VENUE, "name": "somebody", "kind": kind}))


def unlisted_buy(draft: Any, venue: str = VENUE) -> Any:
    """alice buys 500 of a token for 90 USDC from the pool of a program, called directly."""
    made = draft("alice").invoke(venue, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 0, 500).token("pool", "mint-a", 9_000, 8_500)
    made.token("alice", USDC, 90_000_000, 0).token("pool", USDC, 0, 90_000_000)
    return made.swap("alice", "pool", USDC, "mint-a", (90_000_000, 500))


def test_a_trade_below_an_unlisted_program_is_named_by_its_id(draft: Any) -> None:
    (swap,) = swaps(unlisted_buy(draft))
    assert (swap.trader, swap.side) == (draft.address("alice"), "buy")
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (500, 90_000_000)
    assert swap.venues == (f"unlisted:{VENUE}",)
    assert "venue_unlisted" in swap.reasons
    assert swap.route_hops == 1


def test_being_unlisted_costs_a_trade_in_one_pool_no_confidence(draft: Any) -> None:
    (unknown,) = swaps(unlisted_buy(draft))
    (known,) = swaps(unlisted_buy(draft), listed("venue"))
    assert unknown.confidence == known.confidence == 1.0 >= CONFIDENCE_MIN
    assert known.venues == ("somebody",)


def test_a_route_through_unlisted_pools_stays_above_the_threshold(draft: Any) -> None:
    made = draft("alice").invoke(BOT, ("alice",), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("pool", "mint-a", 0, 500)
    made.token("pool", "mint-b", 70, 0).token("poolb", "mint-b", 0, 70)
    made.token("poolb", USDC, 90, 0).token("alice", USDC, 0, 90).token("alice", "mint-b", 0, 0)
    made.call(VENUE, "pool").swap("alice", "pool", "mint-a", "mint-b", (500, 70), 3)
    made.call(OTHER, "poolb").swap("alice", "poolb", "mint-b", USDC, (70, 90), 3)
    (swap,) = swaps(made)
    assert swap.venues == (f"unlisted:{VENUE}", f"unlisted:{OTHER}")
    assert "route_unlisted" in swap.reasons
    assert CONFIDENCE_MIN <= swap.confidence < 1


def test_the_lowest_call_that_exchanged_is_the_venue_and_not_its_router(draft: Any) -> None:
    made = unlisted_buy(draft, BOT)
    made.inner.clear()
    made.heights.clear()
    made.call(VENUE, "pool").swap("alice", "pool", USDC, "mint-a", (90_000_000, 500), 3)
    (swap,) = swaps(made)
    assert swap.venues == (f"unlisted:{VENUE}",)


def test_a_sale_to_an_unlisted_curve_that_pays_lamports_is_a_trade(draft: Any) -> None:
    made = draft("alice").sol("curve", -ONE_SOL).sol("alice", ONE_SOL)
    made.invoke(VENUE, ("curve", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("curve", "mint-a", 9_000, 9_500)
    made.move(made.account("alice", "mint-a"), made.account("curve", "mint-a"), "alice", 500)
    (swap,) = swaps(made)
    assert (swap.side, swap.quote_amount_raw) == ("sell", ONE_SOL)


def test_a_launch_on_an_unlisted_curve_is_a_trade_of_its_creator(draft: Any) -> None:
    made = draft("alice").invoke(VENUE, ("curve", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", None, 500).token("curve", "mint-a", None, 9_500)
    made.sol("alice", -ONE_SOL).sol("curve", ONE_SOL)
    made.move(made.account("curve", "mint-a"), made.account("alice", "mint-a"), "curve", 500)
    made.system(2, "alice", "curve", ONE_SOL, inner=True, height=2)
    (swap,) = swaps(made)
    assert (swap.side, swap.base_amount_raw, swap.quote_amount_raw) == ("buy", 500, ONE_SOL)


def lending_against_a_receipt(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("vault", "alice"), b"\x07", inner=False)
    made.token("alice", USDC, 90, 0).token("vault", USDC, 0, 90)
    made.token("alice", "mint-receipt", 0, 88)
    return made.move(made.account("alice", USDC), made.account("vault", USDC), "alice", 90)


def staking_for_a_liquid_token(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("vault", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-lst", 0, 900).token("fees", "mint-lst", 0, 3)
    made.sol("alice", -1_000).sol("vault", 1_000)
    return made.system(2, "alice", "vault", 1_000, inner=True, height=2)


def liquidity_added(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("pool", "mint-a", 0, 500)
    made.token("alice", USDC, 90, 0).token("pool", USDC, 0, 90).token("alice", "mint-lp", 0, 7)
    made.move(made.account("alice", "mint-a"), made.account("pool", "mint-a"), "alice", 500)
    return made.move(made.account("alice", USDC), made.account("pool", USDC), "alice", 90)


def airdrop_with_a_fee(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("vault", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 0, 500).token("vault", "mint-a", 900, 400)
    made.sol("alice", -5_300).sol("vaultfees", 5_300)
    made.system(2, "alice", "vaultfees", 5_300, inner=True, height=2)
    return made.move(made.account("vault", "mint-a"), made.account("alice", "mint-a"), "vault", 500)


def tokens_vested(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("vault", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 0, 500).token("vault", "mint-a", 900, 400)
    return made.move(made.account("vault", "mint-a"), made.account("alice", "mint-a"), "vault", 500)


def tokens_bridged_for_a_fee(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("vault", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("vault", "mint-a", 0, 500)
    made.sol("alice", -9_000).sol("relay", 9_000)
    made.system(2, "alice", "relay", 9_000, inner=True, height=2)
    return made.move(made.account("alice", "mint-a"), made.account("vault", "mint-a"), "alice", 500)


def a_picture_sold(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("vault", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-nft", 0, 1, places=0).token("vault", "mint-nft", 1, 0, places=0)
    made.token("alice", USDC, 90, 0).token("vault", USDC, 0, 90)
    return made.swap("alice", "vault", USDC, "mint-nft", (90, 1))


def collateral_deposited(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("vault", "alice"), b"\x07", inner=False)
    made.token("alice", USDC, 90, 0).token("vault", USDC, 0, 90)
    return made.move(made.account("alice", USDC), made.account("vault", USDC), "alice", 90)


def tokens_paid_for_goods(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("alice", "shop"), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("shop", "mint-a", 0, 500)
    return made.move(made.account("alice", "mint-a"), made.account("shop", "mint-a"), "alice", 500)


def presale_paid_in(draft: Any) -> Any:
    made = draft("alice").invoke(VENUE, ("vault", "alice"), b"\x07", inner=False)
    made.sol("alice", -ONE_SOL).sol("vault", ONE_SOL)
    return made.system(2, "alice", "vault", ONE_SOL, inner=True, height=2)


def paid_between_wallets_without_any_program(draft: Any) -> Any:
    made = draft("alice", "bob").token("alice", "mint-a", 500, 0).token("bob", "mint-a", 0, 500)
    made.token("alice", USDC, 0, 90).token("bob", USDC, 90, 0)
    for owner, to, mint, raw in (("alice", "bob", "mint-a", 500), ("bob", "alice", USDC, 90)):
        data = b"\x03" + raw.to_bytes(8, "little")
        accounts = (made.account(owner, mint), made.account(to, mint), owner)
        made.invoke(TOKEN, accounts, data, inner=False)
    return made


def a_deposit_and_a_withdrawal_in_two_instructions(draft: Any) -> Any:
    made = unlisted_buy(draft)
    made.inner.clear()
    made.heights.clear()
    return made.move(made.account("alice", USDC), made.account("pool", USDC), "alice", 90_000_000)


LOOK_ALIKES = [
    lending_against_a_receipt, staking_for_a_liquid_token, liquidity_added, airdrop_with_a_fee,
    tokens_vested, tokens_bridged_for_a_fee, a_picture_sold, collateral_deposited,
    tokens_paid_for_goods, presale_paid_in, paid_between_wallets_without_any_program,
    a_deposit_and_a_withdrawal_in_two_instructions,
]  # fmt: skip


@pytest.mark.parametrize("make", LOOK_ALIKES, ids=lambda make: make.__name__)
def test_what_looks_like_a_trade_below_an_unlisted_program_and_is_none(
    draft: Any, make: Any
) -> None:
    assert not [e for e in parse(make(draft).update()).events if isinstance(e, Swap | RoundTrip)]


def test_a_loan_against_collateral_is_told_by_the_list_alone(draft: Any) -> None:
    made = unlisted_buy(draft)
    assert swaps(made, listed("non_exchange")) == []
    assert len(swaps(made)) == 1


def test_a_listed_name_changes_nothing_but_the_name(draft: Any) -> None:
    for kind in ("venue", "router", "bot"):
        (named,) = swaps(unlisted_buy(draft), listed(kind))
        (unnamed,) = swaps(unlisted_buy(draft))
        for field in ("trader", "side", "mint", "base_amount_raw", "quote_amount_raw"):
            assert getattr(named, field) == getattr(unnamed, field)


def test_arbitrage_below_unlisted_programs_is_a_round_trip(draft: Any) -> None:
    made = draft("alice").invoke(BOT, ("alice",), b"\x07", inner=False)
    made.token("alice", "mint-a", 0, 0).token("alice", USDC, 100, 107)
    made.token("pool", "mint-a", 900, 400).token("pool", USDC, 0, 90)
    made.token("poolb", "mint-a", 0, 500).token("poolb", USDC, 97, 0)
    made.call(VENUE).swap("alice", "pool", USDC, "mint-a", (90, 500), 3)
    made.call(OTHER).swap("alice", "poolb", "mint-a", USDC, (500, 97), 3)
    (trip,) = parse(made.update()).events
    assert isinstance(trip, RoundTrip)
    assert (trip.quote_mint, trip.quote_change_raw) == (USDC, 7)


def test_a_transfer_to_an_account_that_is_not_there_is_malformed(draft: Any) -> None:
    update = unlisted_buy(draft).message()
    transfer = update.transaction.transaction.meta.inner_instructions[0].instructions[0]
    transfer.accounts = transfer.accounts[:1] + bytes([250]) + transfer.accounts[2:]
    with pytest.raises(Malformed):
        parse(update.SerializeToString())
