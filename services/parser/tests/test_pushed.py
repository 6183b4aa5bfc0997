"""What somebody adds to a transaction, or does in another's name, makes no sure trade."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import RoundTrip, Swap
from pw_parser.core.decode.programs import SPL_2022
from pw_parser.core.parse import parse

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USDS = "USDSwr9ApdHk5bvJKMjzff41FfuX8bSxdKcR81vTwcA"
RAYDIUM_FARM = "9KEPoZmtHUrBbhWN1v1KWLMkkvwY6WLtAVUCPRtRjP4z"
VENUE = str(Pubkey(b"venue" + bytes(27)))
OTHER = str(Pubkey(b"other" + bytes(27)))
RAYDIUM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
RENT_OF_A_STATE = 890_880
ONE_SOL = 1_000_000_000


def swaps(draft: Any) -> list[Swap]:
    return [e for e in parse(draft.update()).events if isinstance(e, Swap)]


def sure(draft: Any) -> list[Swap]:
    return [swap for swap in swaps(draft) if swap.confidence >= CONFIDENCE_MIN]


def exchange(draft: Any, given: str, got: str, raws: tuple[int, int], venue: str = VENUE) -> Any:
    """alice gives one token to the pool of an unlisted program and gets another."""
    made = draft("alice").invoke(venue, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", given, raws[0], 0).token("pool", given, 9_000, 9_000 + raws[0])
    made.token("pool", got, 10**9, 10**9 - raws[1]).token("alice", got, 5, 5 + raws[1])
    return made.swap("alice", "pool", given, got, raws)


@pytest.mark.parametrize("given", ["mint-a", USDS])
def test_a_trade_in_which_no_quote_moves_is_seen_on_an_unlisted_venue(
    draft: Any, given: str
) -> None:
    found = sure(exchange(draft, given, "mint-b", (500, 77)))
    bought = next(swap for swap in found if swap.side == "buy")
    assert (bought.trader, bought.base_amount_raw) == (draft.address("alice"), 77)


def spent_for(draft: Any, quote: str, owner: str) -> Any:
    """alice pays a pool of her own; what it gives goes to somebody else."""
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", quote, 10**9, 0).token("pool", quote, 0, 10**9)
    made.token("pool", "mint-a", 9_000, 8_500).token(owner, "mint-a", 0, 500)
    made.move(made.account("alice", quote), made.account("pool", quote), "alice", 10**9)
    return made.move(made.account("pool", "mint-a"), made.account(owner, "mint-a"), "pool", 500)


@pytest.mark.parametrize("quote", [USDC, SOL])
def test_nobody_makes_another_wallet_a_sure_buyer_by_paying_for_it(draft: Any, quote: str) -> None:
    made = spent_for(draft, quote, "watched")
    assert not sure(made)
    (swap,) = swaps(made)
    assert (swap.trader, "gifted" in swap.reasons) == (draft.address("watched"), True)


def test_wallets_that_each_pay_a_part_for_another_make_it_no_sure_buyer(draft: Any) -> None:
    payers = ("one", "two", "three")
    made = draft(*payers).invoke(VENUE, ("pool", *payers), b"\x07", inner=False)
    for payer in payers:
        made.token(payer, USDC, 300, 0)
    made.token("pool", USDC, 0, 900).token("pool", "mint-a", 9_000, 8_500)
    made.token("watched", "mint-a", 0, 500)
    for payer in payers:
        made.move(made.account(payer, USDC), made.account("pool", USDC), payer, 300)
    made.move(made.account("pool", "mint-a"), made.account("watched", "mint-a"), "pool", 500)
    assert not sure(made)


def test_sol_that_was_never_counted_as_wrapped_makes_nobody_a_sure_buyer(draft: Any) -> None:
    """Lamports sent to a wrapped account, synced and spent, and the account closed to another."""
    made = draft("attacker").token("pool", SOL, ONE_SOL, 2 * ONE_SOL)
    made.token("pool", "mint-a", 9_000, 8_500).token("watched", "mint-a", 0, 500)
    made.token("attacker", SOL, 0, None)
    wrapped = made.last_account()
    made.pre[wrapped], made.post[wrapped] = 2_039_280 + ONE_SOL, 0
    made.sol("watched", 2_039_280)
    made.invoke(made.token_program, (wrapped,), b"\x11", inner=False)
    made.invoke(RAYDIUM, ("pool", "attacker"), b"\x09", inner=False)
    made.invoke(made.token_program, (wrapped, "watched", "attacker"), b"\x09", inner=False)
    made.move(wrapped, made.account("pool", SOL), "attacker", ONE_SOL)
    made.move(made.account("pool", "mint-a"), made.account("watched", "mint-a"), "pool", 500)
    update = made.message()
    update.transaction.transaction.meta.inner_instructions[0].index = 1
    found = [e for e in parse(update.SerializeToString()).events if isinstance(e, Swap)]
    assert all(swap.confidence < CONFIDENCE_MIN for swap in found)


def test_a_delegate_is_doubted_where_rows_name_no_token_program(draft: Any) -> None:
    made = draft("attacker").invoke(VENUE, ("pool", "attacker"), b"\x07", inner=False)
    made.token_program = SPL_2022
    made.token("watched", "mint-a", 500, 0).token("pool", "mint-a", 0, 500)
    made.token("pool", USDC, 10, 0).token("watched", USDC, 0, 10)
    update = made.swap("watched", "pool", "mint-a", USDC, (500, 10)).message()
    meta = update.transaction.transaction.meta
    for row in (*meta.pre_token_balances, *meta.post_token_balances):
        row.program_id = ""
    (swap,) = [e for e in parse(update.SerializeToString()).events if isinstance(e, Swap)]
    assert swap.confidence < CONFIDENCE_MIN


@pytest.mark.parametrize("program", ["classic", SPL_2022])
def test_a_delegate_of_the_mint_makes_no_sure_sale(draft: Any, program: str) -> None:
    """The owner of a classic token has to approve a delegate; a newer mint can name one."""
    made = draft("attacker").invoke(VENUE, ("pool", "attacker"), b"\x07", inner=False)
    if program == SPL_2022:
        made.token_program = program
    made.token("watched", "mint-a", 500, 0).token("pool", "mint-a", 0, 500)
    made.token("pool", USDC, 10, 0).token("watched", USDC, 0, 10)
    made.swap("watched", "pool", "mint-a", USDC, (500, 10))
    assert bool(sure(made)) == (program == "classic")


def deposit_paying(draft: Any, reward: str, payer: str, venue: str = VENUE) -> Any:
    """alice deposits a share in a farm, which pays her last reward at once."""
    made = draft("alice").invoke(venue, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-lp", 500, 0).token("pool", "mint-lp", 9_000, 9_500)
    made.token(payer, reward, 10**9, 10**9 - 77).token("alice", reward, 5, 82)
    made.move(made.account("alice", "mint-lp"), made.account("pool", "mint-lp"), "alice", 500)
    return made.move(made.account(payer, reward), made.account("alice", reward), payer, 77)


@pytest.mark.parametrize("reward", [USDC, SOL, "mint-b"])
def test_a_deposit_that_another_account_rewards_is_no_sure_sale(draft: Any, reward: str) -> None:
    assert not sure(deposit_paying(draft, reward, "vault"))


def test_a_fee_that_moves_both_ways_makes_no_pool_of_a_farm(draft: Any) -> None:
    made = deposit_paying(draft, USDC, "vault")
    made.token("vault2", "mint-lp", 0, 1).token("vault2", USDC, 1, 0)
    made.move(made.account("alice", "mint-lp"), made.account("vault2", "mint-lp"), "alice", 1)
    made.move(made.account("vault2", USDC), made.account("alice", USDC), "vault2", 1)
    assert not sure(made)


@pytest.mark.parametrize("reward", [USDC, "mint-b"])
def test_a_known_farm_that_pays_a_reward_sells_nothing(draft: Any, reward: str) -> None:
    assert not swaps(deposit_paying(draft, reward, "pool", RAYDIUM_FARM))


@pytest.mark.parametrize("lamports", [1, RENT_OF_A_STATE])
def test_a_refund_of_rent_beside_a_deposit_is_no_sure_price(draft: Any, lamports: int) -> None:
    made = draft("alice").sol("pool", -lamports, before=10**9)
    made.invoke(VENUE, ("pool", "alice"), b"\x07", inner=False).sol("alice", lamports)
    made.token("alice", "mint-a", 500, 0).token("pool", "mint-a", 9_000, 9_500)
    made.move(made.account("alice", "mint-a"), made.account("pool", "mint-a"), "alice", 500)
    assert not sure(made)


def test_a_fee_for_a_claim_is_no_sure_price(draft: Any) -> None:
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.sol("alice", -1_000_000).sol("pool", 1_000_000)
    made.token("alice", "mint-a", 0, 500).token("pool", "mint-a", 9_000, 8_500)
    made.system(2, "alice", "pool", 1_000_000, inner=True, height=2)
    made.move(made.account("pool", "mint-a"), made.account("alice", "mint-a"), "pool", 500)
    assert not sure(made)


@pytest.mark.parametrize("times", [1, 49, 51, 10_000])
def test_a_token_passed_between_two_accounts_hides_no_trade(draft: Any, times: int) -> None:
    made = exchange(draft, USDC, "mint-a", (10**9, 500))
    made.token("vault", "mint-a", 500 * times, 0).token("vault2", "mint-a", 0, 500 * times)
    made.move(
        made.account("vault", "mint-a"), made.account("vault2", "mint-a"), "vault", 500 * times
    )
    (swap,) = sure(made)
    assert (swap.trader, swap.base_amount_raw) == (draft.address("alice"), 500)


def test_a_wash_of_no_worth_hides_no_trade(draft: Any) -> None:
    made = exchange(draft, USDC, "mint-a", (10**9, 500))
    made.token("poolb", "mint-a", 10**9, 10**9).token("poolb", USDC, 10**9, 10**9)
    made.call(OTHER, "poolb").swap("alice", "poolb", USDC, "mint-a", (10, 10**8), 3)
    made.call(OTHER, "poolb").swap("alice", "poolb", "mint-a", USDC, (10**8, 10), 3)
    (swap,) = sure(made)
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (500, 10**9)


@pytest.mark.parametrize("times", [10, 25])
def test_tokens_sent_to_oneself_hide_no_trade(draft: Any, times: int) -> None:
    made = exchange(draft, USDC, "mint-a", (10**9, 500))
    made.token("poolb", "mint-b", 0, 1).token("alice", "mint-b", 1, 0)
    made.call(OTHER, "poolb").move(
        made.account("alice", "mint-b"), made.account("poolb", "mint-b"), "alice", 1, height=3
    )
    own = made.account("alice", "mint-a")
    for _ in range(times):
        made.move(own, own, "alice", 10_000, height=3)
    (swap,) = [one for one in sure(made) if one.mint == draft.address("mint-a")]
    assert swap.base_amount_raw == 500


def test_two_accounts_of_a_trader_that_trade_with_each_other_hide_nothing(draft: Any) -> None:
    made = exchange(draft, USDC, "mint-a", (10**9, 500))
    for mint, raw in (("mint-a", 25_500), (USDC, 51 * 10**9)):
        made.token("vault", mint, raw, 0) if mint == USDC else made.token("vault", mint, 0, raw)
        made.token("vault2", mint, 0, raw) if mint == USDC else made.token("vault2", mint, raw, 0)
    made.call(OTHER, "vault").swap("vault", "vault2", USDC, "mint-a", (51 * 10**9, 25_500), 3)
    assert draft.address("alice") in {swap.trader for swap in sure(made)}


def test_what_a_route_leaves_at_the_cost_of_the_route_is_still_a_round_trip(draft: Any) -> None:
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", USDC, 10**6, 10**6 - 300).token("alice", "mint-a", 0, 500)
    made.token("pool", USDC, 0, 10**6).token("pool", "mint-a", 10**8, 0)
    made.token("poolb", USDC, 10**6, 300).token("poolb", "mint-a", 0, 10**8 - 500)
    made.call(OTHER, "pool").swap("alice", "pool", USDC, "mint-a", (10**6, 10**8), 3)
    made.call(OTHER, "poolb")
    made.swap("alice", "poolb", "mint-a", USDC, (10**8 - 500, 10**6 - 300), 3)
    assert not swaps(made)
    assert [e for e in parse(made.update()).events if isinstance(e, RoundTrip)]


def filled(draft: Any) -> Any:
    """bob fills an order of alice: she signed it, he pays from his own wallet."""
    made = draft("bob", "alice").invoke(VENUE, ("alice", "bob"), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("bob", "mint-a", 0, 500)
    made.token("bob", USDC, 10**9, 0).token("alice", USDC, 0, 10**9)
    return made.swap("alice", "bob", "mint-a", USDC, (500, 10**9))


def test_a_unit_that_is_burned_beside_it_brings_no_stranger_into_a_fill(draft: Any) -> None:
    made = filled(draft)
    made.token("stranger", "mint-a", 501, 0).token("watched", "mint-a", 0, 500)
    account = made.account("stranger", "mint-a")
    sent = b"\x03" + (500).to_bytes(8, "little")
    burned = b"\x08" + (1).to_bytes(8, "little")
    to = made.account("watched", "mint-a")
    made.invoke(made.token_program, (account, to, "stranger"), sent, inner=False)
    made.invoke(made.token_program, (account, "mint-a", "stranger"), burned, inner=False)
    assert swaps(made) == swaps(filled(draft))


@pytest.mark.parametrize("raw", [1, 500])
def test_a_gift_between_strangers_splits_no_fill_and_makes_nobody_a_trader(
    draft: Any, raw: int
) -> None:
    plain = swaps(filled(draft))
    made = filled(draft)
    made.token("stranger", "mint-a", raw, 0).token("watched", "mint-a", 0, raw)
    made.invoke(
        made.token_program,
        (made.account("stranger", "mint-a"), made.account("watched", "mint-a"), "stranger"),
        b"\x03" + raw.to_bytes(8, "little"),
        inner=False,
    )
    assert swaps(made) == plain
    assert [swap.trader for swap in plain] == [draft.address("alice")]


def test_what_an_order_program_passes_on_still_reaches_its_owner(draft: Any) -> None:
    """A keeper exchanges for an order: the token goes to its owner by an instruction of its own."""
    made = draft("keeper").invoke(VENUE, ("pool", "keeper"), b"\x07", inner=False)
    made.token("keeper", USDC, 10**9, 10**9).token("vault", USDC, 10**9, 0)
    made.token("pool", USDC, 0, 10**9).token("pool", "mint-a", 9_000, 8_500)
    made.token("alice", "mint-a", 0, 500).token("keeper", "mint-a", 0, 0)
    made.token("stranger", "mint-a", 500, 0).token("watched", "mint-a", 0, 500)
    made.move(made.account("vault", USDC), made.account("keeper", USDC), "vault", 10**9)
    made.call(OTHER, "pool").swap("keeper", "pool", USDC, "mint-a", (10**9, 500), 3)
    for source, to in (("keeper", "alice"), ("stranger", "watched")):
        made.invoke(
            made.token_program,
            (made.account(source, "mint-a"), made.account(to, "mint-a"), source),
            b"\x03" + (500).to_bytes(8, "little"),
            inner=False,
        )
    assert {swap.trader for swap in swaps(made)} == {draft.address("alice")}
