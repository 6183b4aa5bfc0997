"""A listed program vouches for what it exchanged, and for nothing else in the transaction."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import Swap
from pw_geyser import geyser_pb2
from pw_parser.core.decode.programs import BUILT_IN
from pw_parser.core.parse import parse

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
IDS = {one.name: one.id for one in BUILT_IN.by_key.values()}
VENUE = str(Pubkey(b"venue" + bytes(27)))
SETTLE, PLACE = b"\0\x05\0\0\0", b"\0\x0a\0\0\0"


def swaps(update: bytes) -> list[Swap]:
    return [e for e in parse(update).events if isinstance(e, Swap)]


def anchor(name: str) -> bytes:
    return hashlib.sha256(f"global:{name}".encode()).digest()[:8]


def both_ways(draft: Any, program: str, data: bytes) -> bytes:
    """alice gives a program one token and gets USDC out of it, by one instruction."""
    made = draft("alice").invoke(program, ("pool", "alice", "pool"), data + bytes(40), inner=False)
    made.token("alice", "mint-a", 1_000, 0).token("pool", "mint-a", 9_000, 10_000)
    made.token("pool", USDC, 9_000, 8_300).token("alice", USDC, 0, 700)
    return bytes(made.swap("alice", "pool", "mint-a", USDC, (1_000, 700)).update())


@pytest.mark.parametrize(
    ("venue", "instruction"),
    [
        ("meteora_dlmm", "rebalance_liquidity"),
        ("raydium_clmm", "increase_liquidity_v2"),
        ("orca_whirlpool", "increase_liquidity_v2"),
        ("meteora_damm_v2", "add_liquidity"),
        ("pumpswap", "collect_coin_creator_fee"),
    ],
)
def test_liquidity_of_a_listed_venue_is_no_trade(draft: Any, venue: str, instruction: str) -> None:
    assert swaps(both_ways(draft, IDS[venue], anchor(instruction))) == []


def by_two(draft: Any, program: str, first: bytes, second: bytes) -> bytes:
    """USDC comes out by the first instruction, the token goes in by the second."""
    made = draft("alice").token("alice", USDC, 0, 700).token("pool", USDC, 5_000, 4_300)
    made.token("alice", "mint-a", 1_000, 0).token("pool", "mint-a", 0, 1_000)
    made.invoke(program, ("pool", "alice"), first, inner=False)
    made.invoke(program, ("pool", "alice"), second, inner=False)
    made.move(made.account("pool", USDC), made.account("alice", USDC), "pool", 700)
    made.move(made.account("alice", "mint-a"), made.account("pool", "mint-a"), "alice", 1_000)
    update: geyser_pb2.SubscribeUpdate = made.message()
    groups = update.transaction.transaction.meta.inner_instructions
    groups.add(index=1).instructions.add().CopyFrom(groups[0].instructions[1])
    del groups[0].instructions[1]
    return bytes(update.SerializeToString())


@pytest.mark.parametrize(
    ("book", "first", "second"),
    [
        ("openbook_v1", SETTLE, PLACE),
        ("serum_v3", SETTLE, PLACE),
        ("phoenix", b"\x06", b"\x02"),
        ("openbook_v2", anchor("settle_funds"), anchor("place_order")),
        ("meteora_dlmm", anchor("remove_liquidity2"), anchor("add_liquidity2")),
    ],
)
def test_an_order_that_is_settled_and_one_that_is_placed_are_no_trade(
    draft: Any, book: str, first: bytes, second: bytes
) -> None:
    assert swaps(by_two(draft, IDS[book], first + bytes(46), second + bytes(46))) == []


@pytest.mark.parametrize("listed", ["raydium_v4", "jupiter_v6", "photon"])
def test_a_listed_program_that_moves_nothing_makes_no_trade_of_an_airdrop(
    draft: Any, listed: str
) -> None:
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.sol("alice", -50_000_000).sol("vault", 50_000_000)
    made.token("alice", "mint-a", 0, 500).token("pool", "mint-a", 9_000, 8_500)
    made.system(2, "alice", "vault", 50_000_000, inner=True, height=2)
    made.move(made.account("pool", "mint-a"), made.account("alice", "mint-a"), "pool", 500)
    made.invoke(IDS[listed], ("alice",), b"\x09", inner=False)
    assert swaps(made.update()) == []


@pytest.mark.parametrize("program", [IDS["raydium_v4"], VENUE], ids=["listed", "unlisted"])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("other", ["bob", "vault"])
def test_another_token_that_comes_or_goes_beside_a_trade_is_no_side_of_it(
    draft: Any, program: str, side: int, other: str
) -> None:
    made = draft("alice").token("alice", "mint-a", 5_000, 5_000 + 500 * side)
    made.token("pool", "mint-a", 9_000, 9_000 - 500 * side)
    made.token("alice", USDC, 9_000, 9_000 - 700 * side)
    made.token("pool", USDC, 9_000, 9_000 + 700 * side)
    made.invoke(program, ("pool", "alice"), b"\x09", inner=False)
    given, got, raws = (USDC, "mint-a", (700, 500)) if side > 0 else ("mint-a", USDC, (500, 700))
    made.swap("alice", "pool", given, got, raws)
    made.token("alice", "mint-b", 1_000, 1_000 - 300 * side)
    made.token(other, "mint-b", 9_000, 9_000 + 300 * side)
    ends = [made.account("alice", "mint-b"), made.account(other, "mint-b")][::side]
    owner = "alice" if side > 0 else other
    data = b"\x03" + (300).to_bytes(8, "little")
    made.invoke(made.token_program, (*ends, owner), data, inner=False)
    (swap,) = swaps(made.update())
    assert (swap.mint, swap.quote_amount_raw) == (draft.address("mint-a"), 700)
    assert swap.confidence >= CONFIDENCE_MIN


def test_who_fills_an_order_may_trade_on_the_way_and_the_order_is_still_seen(draft: Any) -> None:
    made = draft("keeper").invoke(VENUE, ("pool", "keeper"), b"\x07", inner=False)
    made.token("keeper", "mint-b", 0, 5).token("poolb", "mint-b", 5, 0)
    made.token("keeper", USDC, 5, 0).token("poolb", USDC, 0, 5)
    made.token("alice", "mint-a", 0, 500).token("pool", "mint-a", 9_000, 8_500)
    made.token("vault", SOL, 10**9, 0).token("pool", SOL, 0, 10**9)
    made.call(VENUE, "pool")
    made.move(made.account("vault", SOL), made.account("pool", SOL), "vault", 10**9, height=3)
    to = made.account("alice", "mint-a")
    made.move(made.account("pool", "mint-a"), to, "pool", 500, height=3)
    made.call(VENUE, "poolb").swap("keeper", "poolb", USDC, "mint-b", (5, 5), 3)
    assert draft.address("alice") in {swap.trader for swap in swaps(made.update())}
