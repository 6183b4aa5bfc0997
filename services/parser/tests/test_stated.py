"""What the venues state decides where balances show half of the picture."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.captures import read_capture
from pw_common.wire.messages import QuoteTrade, RoundTrip, Swap
from pw_parser.core.decode.programs import SOL_MINT, STABLE_MINTS
from pw_parser.core.parse import parse
from pw_parser.core.venues.layout import EVENT_TAG, event_tag, instruction_tag
from pw_parser.core.venues.registry import ROUTERS

JUPITER = "JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4"
RAYDIUM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
SOL = "So11111111111111111111111111111111111111112"


def route(draft: Any, *hops: tuple[str, int, str, int]) -> Any:
    """A Jupiter route by alice whose events state these hops."""
    made = draft("alice").invoke(JUPITER, ("alice",), instruction_tag("route"), inner=False)
    for given, given_raw, got, got_raw in hops:
        body = bytes(32)
        for mint, raw in ((given, given_raw), (got, got_raw)):
            body += bytes(Pubkey.from_string(made.address(mint))) + struct.pack("<Q", raw)
        made.invoke(JUPITER, ("alice",), EVENT_TAG + event_tag("SwapEvent") + body, inner=True)
    return made


def test_a_token_burned_for_a_token_is_a_trade_of_both(draft: Any) -> None:
    made = route(draft, ("mint-a", 164_469, "mint-b", 2_955))
    made.token("alice", "mint-a", 164_469, 0).token("alice", "mint-b", 0, 2_955)
    made.token("vault", "mint-b", 9_000, 6_045)
    swaps = [event for event in parse(made.update()).events if isinstance(event, Swap)]
    assert {(s.side, s.mint, s.base_amount_raw) for s in swaps} == {
        ("sell", made.address("mint-a"), 164_469),
        ("buy", made.address("mint-b"), 2_955),
    }
    assert all("token_to_token" in s.reasons and s.quote_mint is None for s in swaps)


def test_arbitrage_that_keeps_its_profit_in_the_token_is_a_round_trip(draft: Any) -> None:
    made = route(draft, ("mint-a", 5_000_000, SOL, 900_000), (SOL, 900_000, "mint-a", 5_005_371))
    made.invoke(RAYDIUM, ("pool", "alice"), b"\x09", inner=True)
    made.token("alice", "mint-a", 5_000_000, 5_005_371)
    made.token("pool", "mint-a", 9_000_000, 8_994_629).token("pool", SOL, 10**9, 10**9 + 1_336)
    made.token("poolb", "mint-c", 10, 12)
    assert [type(event) for event in parse(made.update()).events] == [RoundTrip]


def test_an_order_that_a_keeper_filled_belongs_to_the_wallet_that_got_the_token(
    draft: Any,
) -> None:
    made = route(draft, ("mint-c", 37_520, "mint-a", 7_219))
    made.invoke(RAYDIUM, ("pool", "alice"), b"\x09", inner=True)
    # One authority holds both pools, so its own change opposes nothing.
    made.token("pool", "mint-a", 9_000_000, 8_992_781).token("pool", "mint-c", 0, 37_520)
    made.token("vault", "mint-c", 37_520, 0)
    made.token("owner", "mint-a", 0, 7_105).token("alice", "mint-a", 0, 107)
    (swap,) = [event for event in parse(made.update()).events if isinstance(event, Swap)]
    assert (swap.trader, swap.side) == (made.address("owner"), "buy")
    assert swap.base_amount_raw == 7_105
    assert {"not_signer", "no_quote_value", "keeper_paid"} <= set(swap.reasons)


def test_a_ray_log_speaks_for_its_own_pool(draft: Any) -> None:
    made = draft("alice").invoke(
        RAYDIUM,
        ("x1", "pool", "x2", "x3", "x4", "v1", "v2", *[f"y{n}" for n in range(10)], "alice"),
        b"\x09", inner=False,
    )  # fmt: skip
    log = b"\x03" + struct.pack("<7Q", 100, 0, 1, 0, 0, 0, 200)
    update = made.message()
    update.transaction.transaction.meta.log_messages.extend(
        [
            f"Program {RAYDIUM} invoke [1]",
            "Program log: ray_log: " + base64.b64encode(log).decode(),
            f"Program {RAYDIUM} success",
        ]
    )
    (trade,) = parse(update.SerializeToString()).said.trades
    assert (trade.venue, trade.amount_in_raw, trade.amount_out_raw) == ("raydium_v4", 100, 200)
    assert trade.user == made.address("alice")


@pytest.mark.corpus
def test_a_transaction_that_trades_a_pair_both_ways_does_not_say_what_sol_is_worth(
    real_updates: list[bytes], corpus_dir: Path
) -> None:
    newer = corpus_dir / "2026" / "assorted.pb.gz"
    stating = both_ways = 0
    for update in (*real_updates, *(read_capture(newer) if newer.is_file() else ())):
        read = parse(update)
        pairs = {
            (trade.mint_in, trade.mint_out)
            for trade in read.said.trades
            if trade.venue not in ROUTERS
        }
        both = {mint for mint in STABLE_MINTS if {(mint, SOL_MINT), (SOL_MINT, mint)} <= pairs}
        quotes = [event for event in read.events if isinstance(event, QuoteTrade)]
        stating += bool(quotes)
        both_ways += len(both)
        assert both.isdisjoint(quote.usd_mint for quote in quotes)
    assert stating > 10
    assert both_ways > 0
