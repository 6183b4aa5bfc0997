"""Liquidity and loans with an exchange on the way: the exchange alone is a trade, or nothing is."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.messages import RoundTrip, Swap
from pw_parser.core.parse import parse

USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
SOL = "So11111111111111111111111111111111111111112"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
LENDER = "MFv2hWf31Z9kbCa1snEPYctwafyhdvnV7FZnsebVacA"
UNKNOWN = str(Pubkey(b"somebody" + bytes(24)))
ONE_SOL = 1_000_000_000


def judged(draft: Any) -> list[Swap | RoundTrip]:
    return [e for e in parse(draft.update()).events if isinstance(e, Swap | RoundTrip)]


def liquidity_bought_first(draft: Any, program: str, kept: int) -> Any:
    """Half of alice's SOL buys the token, the other half goes with it into the same pool."""
    made = draft("alice").invoke(UNKNOWN, ("alice",), b"\x07", inner=False)
    made.token("alice", SOL, ONE_SOL, 0).token("alice", "mint-a", 0, kept)
    made.token("pool", SOL, 5 * ONE_SOL, 6 * ONE_SOL).token("pool", "mint-a", 9_000, 9_000 - kept)
    half = ONE_SOL // 2
    made.call(program, "pool", "alice").swap("alice", "pool", SOL, "mint-a", (half, 500), 3)
    made.call(program, "pool", "alice")
    for mint, raw in ((SOL, half), ("mint-a", 500 - kept)):
        made.move(made.account("alice", mint), made.account("pool", mint), "alice", raw, height=3)
    return made


PROGRAMS = pytest.mark.parametrize("program", [PUMPSWAP, UNKNOWN], ids=["listed", "unlisted"])


@PROGRAMS
def test_what_liquidity_leaves_of_what_was_bought_for_it_is_no_trade(
    draft: Any, program: str
) -> None:
    for kept in (0, 5):
        assert judged(liquidity_bought_first(draft, program, kept)) == []


@PROGRAMS
def test_a_token_bought_and_partly_deposited_costs_what_the_exchange_took(
    draft: Any, program: str
) -> None:
    (swap,) = judged(liquidity_bought_first(draft, program, 50))
    assert isinstance(swap, Swap)
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (500, ONE_SOL // 2)


def leveraged(draft: Any, lender: str, sign: int) -> Any:
    """alice's 10 and 40 that are lent buy a token that the lender holds; or all of it undone."""
    made = draft("alice").invoke(UNKNOWN, ("alice",), b"\x07", inner=False)

    def token(owner: str, mint: str, pre: int, post: int) -> None:
        made.token(owner, mint, *((pre, post) if sign > 0 else (post, pre)))

    token("alice", SOL, 10, 0)
    token("alice", "mint-lst", 0, 0)
    token("vaulta", SOL, 100, 60)
    token("vaultb", "mint-lst", 0, 45)
    token("pool", SOL, 0, 50)
    token("pool", "mint-lst", 45, 0)
    loan = ("vaulta", "alice", SOL, 40), ("alice", "vaultb", "mint-lst", 45)
    for source, to, mint, raw in loan if sign > 0 else reversed(loan):
        ends = (source, to) if sign > 0 else (to, source)
        made.call(lender, "alice")
        made.move(*(made.account(end, mint) for end in ends), ends[0], raw, height=3)
        if source == ("vaulta" if sign > 0 else "alice"):
            made.call(PUMPSWAP, "pool")
            given, got = ((SOL, 50), ("mint-lst", 45))[::sign]
            made.swap("alice", "pool", given[0], got[0], (given[1], got[1]), 3)
    return made


@pytest.mark.parametrize("lender", [LENDER, UNKNOWN], ids=["listed", "unlisted"])
@pytest.mark.parametrize("sign", [1, -1], ids=["taken", "repaid"])
def test_a_leveraged_deposit_is_no_trade_of_the_lenders_vault_and_no_round_trip(
    draft: Any, lender: str, sign: int
) -> None:
    assert judged(leveraged(draft, lender, sign)) == []


@pytest.mark.parametrize("sign", [1, -1], ids=["withdrawn", "deposited"])
def test_one_sided_liquidity_beside_rent_that_no_instruction_shows_is_no_trade(
    draft: Any, sign: int
) -> None:
    """A position's account is paid for, or pays back, by lamports that its program moves."""
    made = draft("alice").invoke(PUMPSWAP, ("pool", "alice"), inner=False)
    pre, post = (0, 500) if sign > 0 else (500, 0)
    made.token("alice", "mint-a", pre, post).token("pool", "mint-a", 900 - pre, 900 - post)
    made.token("pool", SOL, ONE_SOL, ONE_SOL)
    made.sol("alice", -sign * 57_000_000).sol("vaultposition", sign * 57_000_000)
    ends = [made.account("pool", "mint-a"), made.account("alice", "mint-a")][::sign]
    made.move(*ends, "pool" if sign > 0 else "alice", 500)
    assert judged(made) == []


@pytest.mark.parametrize("sign", [1, -1], ids=["withdrawn", "deposited"])
def test_liquidity_in_dollars_beside_sol_that_moved_the_other_way_is_no_trade(
    draft: Any, sign: int
) -> None:
    made = draft("alice").invoke(PUMPSWAP, ("pool", "alice"), inner=False)
    for mint in ("mint-a", USDC):
        pre, post = (0, 500) if sign > 0 else (500, 0)
        made.token("alice", mint, pre, post).token("pool", mint, 900 - pre, 900 - post)
        ends = [made.account("pool", mint), made.account("alice", mint)][::sign]
        made.move(*ends, "pool" if sign > 0 else "alice", 500)
    made.sol("alice", -sign * 57_000_000).sol("vaultposition", sign * 57_000_000)
    assert judged(made) == []
