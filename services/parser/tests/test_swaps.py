"""What a transaction's balances say, each promise on a synthetic transaction."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from pw_common.wire.messages import RoundTrip, Swap
from pw_parser.core.decode.programs import EXCHANGES, TIP_ACCOUNTS
from pw_parser.core.parse import parse

USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
SOL = "So11111111111111111111111111111111111111112"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TIP = "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5"
RENT = 2_039_280
ONE_SOL = 1_000_000_000


def swaps(draft: Any) -> list[Swap]:
    return [event for event in parse(draft.update()).events if isinstance(event, Swap)]


def only(draft: Any) -> Swap:
    found = swaps(draft)
    assert len(found) == 1, found
    return found[0]


def test_a_pump_buy_belongs_to_the_signer_and_never_to_the_curve(buy: Any) -> None:
    swap = only(buy("alice"))
    assert (swap.trader, swap.side) == (buy("alice").address("alice"), "buy")
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (5_000_000, ONE_SOL)
    assert (swap.quote_mint, swap.quote_decimals, swap.base_decimals) == (SOL, 9, 6)
    assert (swap.venues, swap.slot, swap.index, swap.confidence) == (("pumpfun",), 7, 3, 1.0)


def test_the_same_bytes_give_the_same_swaps_for_any_hash_seed(buy: Any) -> None:
    program = (
        "import sys; from pw_common.wire.messages import encode;"
        "from pw_parser.core.parse import parse;"
        "print([encode(e) for e in parse(bytes.fromhex(sys.stdin.read())).events])"
    )
    update = buy("alice", "bob").update().hex()
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=update,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(answers) == 1


def test_several_traders_give_several_swaps_ranked_by_trader(buy: Any) -> None:
    found = swaps(buy("alice", "bob", "carol"))
    assert [swap.ordinal for swap in found] == [0, 1, 2]
    assert [swap.trader for swap in found] == sorted(
        buy("x").address(name) for name in ("alice", "bob", "carol")
    )
    assert {swap.quote_amount_raw for swap in found} == {ONE_SOL}


def test_rent_of_an_opened_token_account_is_not_part_of_the_price(buy: Any) -> None:
    draft = buy("alice").token("alice", "mint-b", None, 0).sol("alice", -RENT)
    draft.system(0, "alice", draft.last_account(), RENT, inner=True)
    swap = only(draft)
    assert swap.quote_amount_raw == ONE_SOL
    assert "rent_paid" in swap.reasons


def test_rent_of_a_closed_token_account_is_not_part_of_the_proceeds(draft: Any) -> None:
    sale = draft("alice").invoke(PUMPSWAP, ("pool", "alice"), inner=False)
    sale.token("alice", "mint-a", 500, None).sol("alice", ONE_SOL + RENT)
    sale.invoke(TOKEN, (sale.last_account(), "alice", "alice"), b"\x09", inner=False)
    sale.token("pool", "mint-a", 0, 500).token("pool", SOL, 5 * ONE_SOL, 4 * ONE_SOL)
    swap = only(sale)
    assert (swap.side, swap.quote_amount_raw) == ("sell", ONE_SOL)
    assert "rent_returned" in swap.reasons


@pytest.mark.parametrize("inner", [False, True])
def test_a_tip_is_not_part_of_the_price(buy: Any, inner: bool) -> None:
    tipped = buy("alice").sol(TIP, 10_000_000).sol("alice", -10_000_000)
    tipped.system(2, "alice", TIP, 10_000_000, inner=inner)
    swap = only(tipped)
    assert swap.quote_amount_raw == ONE_SOL
    assert "tip" in swap.reasons


def test_a_priority_fee_is_not_part_of_the_price(draft: Any) -> None:
    dear = draft("alice", fee=50_000_000).invoke(PUMPSWAP, (), inner=False)
    dear.token("alice", "mint-a", 0, 9).sol("alice", -ONE_SOL)
    dear.token("pool", "mint-a", 9, 0).token("pool", SOL, 0, ONE_SOL)
    assert only(dear).quote_amount_raw == ONE_SOL


def test_a_fresh_wallet_funded_and_buying_at_once_is_the_trader(buy: Any) -> None:
    draft = buy("alice")
    draft.signer_count, draft.names = 2, ["payer", *draft.names]
    draft.pre["payer"] = draft.post["payer"] = 9 * ONE_SOL
    draft.post["alice"] += 3 * ONE_SOL + draft.fee
    draft.post["payer"] -= 3 * ONE_SOL + draft.fee
    draft.system(2, "payer", "alice", 3 * ONE_SOL)
    swap = only(draft)
    assert swap.trader == draft.address("alice")
    assert swap.quote_amount_raw == ONE_SOL
    assert swap.fee_payer == draft.address("payer")


def test_wrapped_and_plain_sol_are_one_asset(draft: Any) -> None:
    mixed = draft("alice").invoke(PUMPSWAP, (), inner=False).sol("alice", -ONE_SOL)
    mixed.token("alice", SOL, ONE_SOL, 0).token("alice", "mint-a", 0, 9)
    mixed.token("pool", "mint-a", 9, 0).token("pool", SOL, 0, 2 * ONE_SOL)
    assert only(mixed).quote_amount_raw == 2 * ONE_SOL


def test_a_usdc_trade_is_quoted_in_usdc(draft: Any) -> None:
    trade = draft("alice").invoke(PUMPSWAP, (), inner=False)
    trade.token("alice", USDC, 50_000_000, 0).token("alice", "mint-a", 0, 9)
    trade.token("pool", USDC, 0, 50_000_000).token("pool", "mint-a", 9, 0)
    swap = only(trade)
    assert (swap.side, swap.quote_mint) == ("buy", USDC)
    assert (swap.quote_amount_raw, swap.quote_decimals) == (50_000_000, 6)


def test_a_tiny_sale_drowned_in_rent_keeps_its_side_and_price(draft: Any) -> None:
    sale = draft("alice").invoke(PUMPSWAP, (), inner=False)
    sale.token("alice", "mint-a", 500, 0).sol("alice", 4_000 - 7_000_000)
    sale.token("pool", "mint-a", 0, 500).token("pool", SOL, ONE_SOL, ONE_SOL - 4_000)
    swap = only(sale)
    assert (swap.side, swap.quote_amount_raw) == ("sell", 4_000)
    assert "quote_from_pool" in swap.reasons


def test_token_to_token_gives_both_legs_without_a_value(draft: Any) -> None:
    trade = draft("alice").invoke(PUMPSWAP, (), inner=False)
    trade.token("alice", "mint-a", 5, 0).token("alice", "mint-b", 0, 9)
    trade.token("pool", "mint-a", 0, 5).token("pool", "mint-b", 9, 0)
    found = swaps(trade)
    assert {(s.side, s.quote_mint, s.quote_amount_raw) for s in found} == {
        ("buy", None, None),
        ("sell", None, None),
    }


def test_arbitrage_that_ends_without_base_is_a_round_trip(draft: Any) -> None:
    trip = draft("alice").invoke(PUMPSWAP, (), inner=False).sol("alice", 77)
    trip.token("alice", "mint-a", 5, 5).token("pool one", "mint-a", 0, 5)
    trip.token("pool two", "mint-a", 5, 0)
    (event,) = parse(trip.update()).events
    assert isinstance(event, RoundTrip)
    assert (event.trader, event.quote_change_raw) == (trip.address("alice"), 77)


def test_dust_that_arbitrage_leaves_behind_is_no_trade(draft: Any) -> None:
    trip = draft("alice").invoke(PUMPSWAP, (), inner=False).sol("alice", 77)
    trip.token("alice", "mint-a", 5, 9).token("pool one", "mint-a", 0, 50_000)
    trip.token("pool one", SOL, 10_077, 0).token("pool two", SOL, 0, 10_000)
    trip.token("pool two", "mint-a", 50_004, 0)
    (event,) = parse(trip.update()).events
    assert isinstance(event, RoundTrip)


@pytest.mark.parametrize(("spread", "paid"), [(0, 1_000), (20, 1_000), (100, 1_000)])
def test_an_order_filled_from_escrow_belongs_to_who_got_the_token(
    draft: Any, spread: int, paid: int
) -> None:
    fill = draft("keeper").invoke(PUMPSWAP, (), inner=True)
    fill.token("keeper", "mint-a", 0, spread).token("owner", "mint-a", 0, 1_000 - spread)
    fill.token("vault", SOL, 1_000, 0)
    fill.token("pool", "mint-a", 1_000, 0).token("pool", SOL, 0, 1_000)
    swap = only(fill)
    assert (swap.trader, swap.side) == (fill.address("owner"), "buy")
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (1_000 - spread, paid)


@pytest.mark.parametrize("sign", [1, -1])
def test_liquidity_added_or_removed_is_no_trade(draft: Any, sign: int) -> None:
    change = draft("alice").invoke(PUMPSWAP, (), inner=False).sol("alice", sign * ONE_SOL)
    change.token("alice", "mint-a", 500, 500 + sign * 400).token(
        "alice", "mint-lp", 50, 50 - sign * 40
    )
    change.token("pool", "mint-a", 500, 500 - sign * 400)
    change.token("pool", SOL, 5 * ONE_SOL, (5 - sign) * ONE_SOL)
    assert swaps(change) == []


def test_a_program_vault_trades_where_the_exchange_names_it(draft: Any) -> None:
    trade = draft("keeper").invoke(PUMPSWAP, ("pool", "vault"), inner=True)
    trade.token("vault", "mint-a", 9, 0).token("vault", SOL, 0, 995)
    trade.token("pool", "mint-a", 0, 9).token("pool", SOL, 1_000, 0)
    swap = only(trade)
    assert (swap.trader, swap.side) == (trade.address("vault"), "sell")
    assert {"program_vault", "not_signer"} <= set(swap.reasons)


def test_a_relayed_order_belongs_to_its_owner_and_not_to_the_keeper(draft: Any) -> None:
    trade = draft("keeper").invoke(PUMPSWAP, (), inner=True)
    trade.token("owner", "mint-a", 9, 0).token("owner", USDC, 0, 995)
    trade.token("pool", "mint-a", 0, 9).token("pool", USDC, 1_000, 0)
    swap = only(trade)
    assert swap.trader == trade.address("owner")
    assert swap.fee_payer == trade.address("keeper")


def test_token_2022_accounts_count_like_any_other(buy: Any) -> None:
    draft = buy("alice")
    draft.token_program = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
    assert only(draft).base_amount_raw == 5_000_000


def test_without_a_listed_exchange_balances_alone_make_no_swap(buy: Any) -> None:
    """Nothing in it shows one program that moved the token against the quote."""
    assert parse(buy("alice", venue="SomeUnknownProgram").update()).events == ()


def test_failures_and_votes_give_nothing_but_counts(buy: Any) -> None:
    failed, vote = buy("alice"), buy("alice")
    failed.failed, vote.vote = True, True
    assert parse(failed.update())[:4] == ("transaction", (), True, False)
    assert parse(vote.update())[:4] == ("transaction", (), False, True)


def test_the_program_tables_hold_distinct_names() -> None:
    names = [program.name for program in EXCHANGES.values()]
    assert len(names) == len(set(names))
    assert len(TIP_ACCOUNTS) == 8
