"""What is no trade gives no swap: each kind by hand, in its usual form."""

from __future__ import annotations

from typing import Any

import pytest

from pw_common.wire.messages import RoundTrip, Swap, Transfer
from pw_parser.core.parse import parse

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
PHOENIX = "PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY"
SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
OPENBOOK = "opnb2LAfJYbRMAHHvqjCwQxanZn7ReEHp1k81EohpZb"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
MARKETPLACE = "M2mx93ekt1fmXSVkTrUL9xVFHkmME8HTUi5Cyc5aF7K"


def swaps(draft: Any) -> list[Swap]:
    return [event for event in parse(draft.update()).events if isinstance(event, Swap)]


def transfer(draft: Any) -> Any:
    return draft("alice").token("alice", "mint-a", 100, 40).token("bob", "mint-a", 0, 60)


def airdrop(draft: Any) -> Any:
    made = draft("sender").token("sender", "mint-a", 1_000, 970)
    for number in range(3):
        made.token(f"wallet{number}", "mint-a", 0, 10)
    return made


def nft_sale(draft: Any) -> Any:
    made = draft("alice").invoke(MARKETPLACE, ("alice", "bob"), inner=False)
    made.token("bob", "mint-nft", 1, 0, places=0).token("alice", "mint-nft", 0, 1, places=0)
    return made.sol("alice", -2_000_000_000).sol("bob", 2_000_000_000)


def wrapping(draft: Any) -> Any:
    made = draft("alice").token("alice", SOL, 0, 1_000_000_000)
    return made.sol("alice", -1_000_000_000).system(2, "alice", made.last_account(), 1_000_000_000)


def pool_creation(draft: Any) -> Any:
    made = draft("alice").invoke(PUMPSWAP, ("pool", "alice"), inner=False)
    made.token("alice", "mint-a", 1_000_000, 0).token("pool", "mint-a", None, 1_000_000)
    made.token("alice", SOL, 5_000_000_000, 0).token("pool", SOL, None, 5_000_000_000)
    return made.token("alice", "mint-lp", None, 70_000)


def order_placed(draft: Any) -> Any:
    made = draft("alice").invoke(PHOENIX, ("pool", "alice"), b"\x02", inner=False)
    return made.token("alice", USDC, 900_000_000, 400_000_000).token("vault", USDC, 0, 500_000_000)


def quote_for_quote(draft: Any) -> Any:
    made = draft("alice").invoke(PUMPSWAP, ("pool", "alice"), inner=False)
    made.token("alice", USDC, 0, 150_000_000).token("pool", USDC, 900_000_000, 750_000_000)
    made.token("pool", SOL, 10**12, 10**12 + 10**9)
    return made.sol("alice", -1_000_000_000)


@pytest.mark.parametrize(
    "make",
    [transfer, airdrop, nft_sale, wrapping, pool_creation, order_placed, quote_for_quote],
    ids=lambda make: make.__name__,
)
def test_it_is_no_trade(draft: Any, make: Any) -> None:
    assert swaps(make(draft)) == []
    assert not any(isinstance(e, RoundTrip) for e in parse(make(draft).update()).events)


def test_a_message_of_version_one_reads_like_any_other(buy: Any) -> None:
    plain, configured = buy("alice").message(), buy("alice").message()
    message = configured.transaction.transaction.transaction.message
    message.config.priority_fee, message.config.compute_unit_limit = 1, 5
    message.versioned = True
    assert parse(configured.SerializeToString()) == parse(plain.SerializeToString())


def test_keys_from_lookup_tables_count_like_those_of_the_message(buy: Any) -> None:
    update = buy("alice").message()
    info = update.transaction.transaction
    keys = list(info.transaction.message.account_keys)
    del info.transaction.message.account_keys[2:]
    info.meta.loaded_writable_addresses.extend(keys[2:4])
    info.meta.loaded_readonly_addresses.extend(keys[4:])
    assert parse(update.SerializeToString()).events == parse(buy("alice").update()).events


def test_funding_is_a_transfer_between_wallets_above_the_minimum(draft: Any) -> None:
    made = (
        draft("alice").system(2, "alice", "bob", 60_000_000).system(2, "alice", "carol", 49_999_999)
    )
    made.system(2, "alice", "vault", 90_000_000)
    for name, lamports in (("bob", 60_000_000), ("carol", 49_999_999), ("vault", 90_000_000)):
        made.sol(name, lamports, before=0)
    made.sol("alice", -200_000_000)
    (event,) = parse(made.update()).events
    assert isinstance(event, Transfer)
    assert (event.source, event.destination) == (made.address("alice"), made.address("bob"))
    assert (event.lamports, event.ordinal) == (60_000_000, 0)


def test_ordinals_run_through_all_events_of_a_transaction(buy: Any) -> None:
    made = buy("alice").system(2, "alice", "bob", 60_000_000).sol("bob", 60_000_000, before=0)
    made.sol("alice", -60_000_000)
    events = parse(made.update()).events
    assert [type(event) for event in events] == [Swap, Transfer]
    assert [event.ordinal for event in events] == [0, 1]  # type: ignore[union-attr]


def test_orders_placed_and_settled_move_deposits_and_are_no_trade(draft: Any) -> None:
    settle, take = bytes.fromhex("ee40a3604bab1021"), bytes.fromhex("032c47031ac7cb55")
    for tag, trades in ((settle, 0), (take, 1)):
        made = draft("alice").invoke(OPENBOOK, ("pool", "alice"), tag + bytes(8), inner=False)
        made.token("alice", "mint-a", 0, 4_300_000).token("pool", "mint-a", 9_000_000, 4_700_000)
        made.token("alice", USDC, 900_000, 723_199).token("pool", USDC, 0, 176_801)
        assert len(swaps(made)) == trades


def test_a_remainder_of_a_stable_coin_does_not_hide_the_sol_that_paid(buy: Any) -> None:
    made = buy("alice", lamports=35_700_000).token("alice", USDC, 9_000, 5_544)
    made.token("curve", USDC, 0, 3_456)
    (swap,) = swaps(made)
    assert (swap.quote_mint, swap.quote_amount_raw) == (SOL, 35_700_000)
