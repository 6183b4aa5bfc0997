"""A program's vault against a pool, both accounts of programs, where no layout names the user."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import RoundTrip, Swap
from pw_parser.core.parse import parse

SOL = "So11111111111111111111111111111111111111112"
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
VENUE, OTHER, BOT = (str(Pubkey(name + bytes(27))) for name in (b"venue", b"other", b"front"))
ONE_SOL = 1_000_000_000


def associated(draft: Any, *owners: str) -> bytes:
    """The update, with the token accounts of these owners at their associated addresses."""
    update = draft.message()
    keys = update.transaction.transaction.transaction.message.account_keys
    for account, owner, mint, *_ in draft.tokens:
        if owner in owners:
            seeds = [Pubkey.from_string(draft.address(name)) for name in (owner, mint)]
            derived, _ = Pubkey.find_program_address(
                [bytes(seeds[0]), bytes(TOKEN), bytes(seeds[1])], ASSOCIATED
            )
            keys[draft.names.index(account)] = bytes(derived)
    return bytes(update.SerializeToString())


def judged(update: bytes) -> list[Swap | RoundTrip]:
    return [e for e in parse(update).events if isinstance(e, Swap | RoundTrip)]


def vault_buys(draft: Any) -> Any:
    """A bot signs; its program's vault buys from a pool of a program that nobody listed."""
    made = draft("bot").invoke(BOT, ("bot", "vault", "pool"), b"\x07", inner=False)
    made.token("vault", SOL, ONE_SOL, 0).token("vault", "mint-a", 0, 500)
    made.token("pool", SOL, 0, ONE_SOL).token("pool", "mint-a", 900, 400)
    return made.call(VENUE, "pool").swap("vault", "pool", SOL, "mint-a", (ONE_SOL, 500), 3)


@pytest.mark.parametrize("holder", ["vault", "pool"])
def test_of_two_programs_accounts_the_one_with_associated_accounts_traded(
    draft: Any, holder: str
) -> None:
    made = vault_buys(draft)
    (swap,) = judged(associated(made, holder))
    assert isinstance(swap, Swap)
    assert swap.trader == made.address(holder)
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (500, ONE_SOL)
    assert "program_vault" in swap.reasons
    # Nobody follows an account of a program: it stays below what rules take notice of.
    assert swap.confidence < CONFIDENCE_MIN


def test_nobody_is_named_where_both_or_neither_hold_associated_accounts(draft: Any) -> None:
    assert judged(associated(vault_buys(draft), "vault", "pool")) == []
    assert judged(associated(vault_buys(draft))) == []


def test_on_a_route_the_trader_takes_part_in_every_exchange(draft: Any) -> None:
    made = draft("bot").invoke(BOT, ("bot",), b"\x07", inner=False)
    made.token("vault", "mint-a", 500, 0).token("vault", SOL, 0, ONE_SOL)
    made.token("vault", "mint-b", 0, 0)
    made.token("pool", "mint-a", 0, 500).token("pool", "mint-b", 70, 0)
    made.token("poolb", "mint-b", 0, 70).token("poolb", SOL, ONE_SOL, 0)
    made.call(VENUE, "pool").swap("vault", "pool", "mint-a", "mint-b", (500, 70), 3)
    made.call(OTHER, "poolb").swap("vault", "poolb", "mint-b", SOL, (70, ONE_SOL), 3)
    (swap,) = judged(associated(made))
    assert isinstance(swap, Swap)
    assert (swap.trader, swap.side) == (made.address("vault"), "sell")
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (500, ONE_SOL)


def test_liquidity_that_moves_between_pools_has_no_vault_that_trades(draft: Any) -> None:
    """A curve completes: both of its sides go into a new pool."""
    made = draft("keeper").invoke(VENUE, ("curve", "pool"), b"\x07", inner=False)
    made.token("curve", "mint-a", 500, 0).token("curve", SOL, ONE_SOL, 0)
    made.token("pool", "mint-a", 0, 500).token("pool", SOL, 0, ONE_SOL)
    for mint, raw in (("mint-a", 500), (SOL, ONE_SOL)):
        made.move(made.account("curve", mint), made.account("pool", mint), "curve", raw)
    assert judged(associated(made, "pool")) == []
