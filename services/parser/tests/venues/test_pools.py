"""What venues state of their pools: reserves after a trade, liquidity, ends of curves, burns."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.captures import read_capture
from pw_common.wire.messages import Event, SlotEvent, Swap
from pw_common.wire.pools import PoolEvent
from pw_geyser import geyser_pb2
from pw_parser.core.parse import parse
from pw_parser.core.venues.layout import EVENT_TAG, event_tag, instruction_tag

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
DLMM = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"
SOL = "So11111111111111111111111111111111111111112"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
KEY = [bytes([number]) * 32 for number in range(1, 6)]
TEXT = [str(Pubkey.from_bytes(key)) for key in KEY]


def pools(events: tuple[Event, ...]) -> list[PoolEvent]:
    return [event for event in events if isinstance(event, PoolEvent)]


def u64(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def stated(draft: Any, program: str, instruction: str, event: str, body: bytes) -> PoolEvent:
    accounts = tuple(f"a{number}" for number in range(24))
    made = draft("alice").invoke(program, accounts, instruction_tag(instruction), inner=False)
    made.invoke(program, ("a0",), EVENT_TAG + event_tag(event) + body, inner=True)
    made.token("alice", "mint-x", 5, 4)
    (pool,) = pools(parse(made.update()).events)
    return pool


def test_a_curve_that_is_complete_says_so(draft: Any) -> None:
    body = b"".join(KEY[:3]) + u64(1_700_000_000)
    pool = stated(draft, PUMP, "buy", "CompleteEvent", body)
    assert (pool.what, pool.pool, pool.mint_a) == ("completed", TEXT[2], TEXT[1])


def test_a_migration_names_the_pool_that_it_went_to(draft: Any) -> None:
    body = KEY[0] + KEY[1] + u64(500, 90, 1) + KEY[2] + u64(1_700_000_000) + KEY[3]
    pool = stated(draft, PUMP, "migrate", "CompletePumpAmmMigrationEvent", body)
    assert (pool.what, pool.pool, pool.to) == ("migrated", TEXT[2], TEXT[3])
    assert (pool.amount_a_raw, pool.amount_b_raw) == (500, 90)


@pytest.mark.parametrize(
    ("instruction", "event", "what", "reserves"),
    [
        ("deposit", "DepositEvent", "added", (1_005, 2_007)),
        ("withdraw", "WithdrawEvent", "removed", (995, 1_993)),
    ],
)
def test_liquidity_moves_the_reserves_of_both_sides(
    draft: Any, instruction: str, event: str, what: str, reserves: tuple[int, int]
) -> None:
    body = u64(0, 9, 0, 0, 0, 0, 1_000, 2_000, 5, 7, 90) + KEY[0] + KEY[1]
    pool = stated(draft, PUMPSWAP, instruction, event, body)
    assert (pool.what, pool.pool, pool.user) == (what, TEXT[0], TEXT[1])
    assert (pool.amount_a_raw, pool.amount_b_raw, pool.shares_raw) == (5, 7, 9)
    assert (pool.reserve_a_raw, pool.reserve_b_raw) == reserves


def test_a_swap_that_dlmm_states_twice_counts_once(draft: Any) -> None:
    accounts = tuple(f"a{number}" for number in range(16))
    made = draft("alice").invoke(DLMM, accounts, instruction_tag("swap2"), inner=False)
    head = KEY[0] + KEY[1] + struct.pack("<ii", 1, 2)
    once = head + u64(100, 200) + b"\x01"
    again = head + b"\x01" + bytes(16) + u64(110, 10, 200)
    for name, body in (("Swap", once), ("Swap2Evt", again)):
        made.invoke(DLMM, ("a0",), EVENT_TAG + event_tag(name) + body, inner=True)
    read = parse(made.token("alice", "mint-x", 5, 4).update())
    (trade,) = read.said.trades
    assert (trade.amount_in_raw, trade.amount_out_raw) == (100, 200)
    assert read.said.unparsed == ()


def test_a_burn_by_its_holder_is_kept(draft: Any) -> None:
    made = draft("alice").token("alice", "mint-lp", 900, 0)
    data = b"\x08" + u64(900)
    made.invoke(TOKEN, (made.last_account(), "mint-lp", "alice"), data, inner=False)
    (burn,) = pools(parse(made.update()).events)
    assert (burn.what, burn.amount_a_raw, burn.user) == ("burned", 900, made.address("alice"))
    assert burn.mint_a == made.address("mint-lp")


@pytest.mark.corpus
def test_reserves_after_a_trade_are_what_the_pools_accounts_hold(corpus_dir: Path) -> None:
    checked = 0
    for path in sorted(corpus_dir.glob("**/*.pb.gz")):
        for update in read_capture(path):
            events = pools(parse(update).events)
            latest = {event.pool: event for event in events if event.venue == "pumpswap"}
            if not latest:
                continue
            meta = geyser_pb2.SubscribeUpdate.FromString(update).transaction.transaction.meta
            held = {
                (row.owner, row.mint): int(row.ui_token_amount.amount)
                for row in meta.post_token_balances
            }
            for pool, event in latest.items():
                if event.what != "trade" or event.mint_a is None or event.mint_b is None:
                    continue
                assert held[pool, event.mint_a] == event.reserve_a_raw
                assert held[pool, event.mint_b] == event.reserve_b_raw
                checked += 1
    assert checked > 40


@pytest.mark.corpus
def test_pool_events_stand_behind_all_others(real_updates: list[bytes]) -> None:
    seen = 0
    for update in real_updates:
        events = [e for e in parse(update).events if not isinstance(e, SlotEvent)]
        assert [event.ordinal for event in events] == list(range(len(events)))
        kinds = [isinstance(event, PoolEvent) for event in events]
        assert kinds == sorted(kinds)
        seen += any(isinstance(event, Swap) for event in events) and any(kinds)
    assert seen > 100
