"""Instructions that a token program gets as one batch count as if each stood by itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from pw_common.wire.captures import read_capture
from pw_common.wire.messages import Swap
from pw_common.wire.pools import PoolEvent
from pw_geyser import geyser_pb2
from pw_parser.core.decode.programs import BUILT_IN, TOKEN_PROGRAMS, Programs
from pw_parser.core.decode.token_batches import PARTS_MAX, parts_of, without_batches
from pw_parser.core.decode.transaction import info_of, view_of
from pw_parser.core.explain import explain
from pw_parser.core.parse import Malformed, Parsed, parse

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
VENUE = str(Pubkey(b"venue" + bytes(27)))
OTHER = str(Pubkey(b"other" + bytes(27)))
ONE_SOL = 1_000_000_000
NOBODY_LISTED = Programs(
    {k: one for k, one in BUILT_IN.by_key.items() if one.kind == "non_exchange"}, "", frozenset()
)

# Whether a run of token instructions ends before the next one.
Cuts = Callable[[], bool]


def batch(*parts: tuple[bytes, bytes]) -> bytes:
    return b"\xff" + b"".join(bytes((len(a), len(data))) + data for a, data in parts)


def keys_of(message: geyser_pb2.SubscribeUpdate) -> list[bytes]:
    info = message.transaction.transaction
    keys = [*info.transaction.message.account_keys, *info.meta.loaded_writable_addresses]
    return [*keys, *info.meta.loaded_readonly_addresses]


def wrapped(update: bytes, cuts: Cuts) -> tuple[bytes, int]:
    """The transaction with runs of token instructions as batches, and how many were wrapped."""
    message = geyser_pb2.SubscribeUpdate.FromString(update)
    info = message.transaction.transaction
    tokens = {i for i, key in enumerate(keys_of(message)) if key in TOKEN_PROGRAMS}
    count = 0
    groups = info.meta.inner_instructions
    callers = {group.index for group in groups}
    outer = info.transaction.message.instructions
    # What calls others stays as it is: behind a batch nobody knows which part called.
    runs = _runs(outer, tokens, cuts, alone=callers)
    places = {at: place for place, run in enumerate(runs) for at in run}
    count += _wrap(outer, runs, tokens)
    for group in groups:
        group.index = places.get(group.index, group.index)
        count += _wrap(
            group.instructions, _runs(group.instructions, tokens, cuts, alone=set()), tokens
        )
    return message.SerializeToString(), count


def _runs(steps: Any, tokens: set[int], cuts: Cuts, *, alone: Iterable[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for at, one in enumerate(steps):
        last = steps[runs[-1][-1]] if runs else None
        joins = (
            last is not None
            and one.program_id_index == last.program_id_index
            and one.program_id_index in tokens
            and getattr(one, "stack_height", 0) == getattr(last, "stack_height", 0)
            and not {at, runs[-1][-1]} & set(alone)
            and sum(len(steps[i].accounts) for i in (*runs[-1], at)) <= PARTS_MAX
            and not cuts()
        )
        if joins:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _wrap(steps: Any, runs: list[list[int]], tokens: set[int]) -> int:
    made, count = [], 0
    for run in runs:
        copy = type(steps[run[0]])()
        copy.CopyFrom(steps[run[0]])
        parts = [(steps[i].accounts, steps[i].data) for i in run]
        if copy.program_id_index in tokens and all(
            a and 0 < len(data) <= 255 and data[:1] != b"\xff" for a, data in parts
        ):
            copy.accounts, copy.data = b"".join(a for a, _ in parts), batch(*parts)
            count += len(parts)
            made.append(copy)
        else:
            made.extend(type(copy).FromString(steps[i].SerializeToString()) for i in run)
    del steps[:]
    steps.extend(made)
    return count


def busy(draft: Any) -> Any:
    """alice opens an account, sells to an unlisted pool, gets shares, closes and burns."""
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("pool", "mint-a", 0, 500)
    made.token("alice", USDC, 0, 90).token("pool", USDC, 100, 10)
    made.token("alice", "mint-b", 7, 0).token("alice", "mint-c", 0, None)
    at = made.account
    made.swap("alice", "pool", "mint-a", USDC, (500, 90))
    made.call(OTHER, "pool")
    raw = (3).to_bytes(8, "little")
    for accounts, data in (
        ((at("alice", "mint-b"), "mint-b", "alice"), b"\x08" + raw),
        ((at("alice", "mint-c"), "alice", "alice"), b"\x09"),
    ):
        made.invoke(TOKEN, accounts, data, inner=True)
        made.heights[-1] = 2
        made.invoke(TOKEN, accounts, data, inner=False)
    return made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_in_batches_or_not_a_transaction_reads_the_same(draft: Any, data: Any) -> None:
    plain = busy(draft).update()
    joined, count = wrapped(plain, lambda: data.draw(st.booleans()))
    assert count == 6
    assert parse(joined) == parse(plain)
    assert any(isinstance(event, Swap) for event in parse(plain).events)


@pytest.mark.corpus
@pytest.mark.parametrize("programs", [BUILT_IN, NOBODY_LISTED], ids=["listed", "unlisted"])
def test_real_transactions_in_batches_read_the_same(
    real_updates: list[bytes], corpus_dir: Path, programs: Programs
) -> None:
    newer = corpus_dir / "2026" / "assorted.pb.gz"
    chance = random.Random(11)
    trades = 0
    for update in (*real_updates, *(read_capture(newer) if newer.is_file() else ())):
        read = parse(update, programs)
        if read.kind != "transaction" or not read.events:
            continue
        for often in (0, 0.5):
            joined, count = wrapped(update, lambda: chance.random() < often)  # noqa: B023
            assert parse(joined, programs) == read, read.signature
            trades += count > 0 and any(isinstance(event, Swap) for event in read.events)
    assert trades >= 500


@pytest.mark.corpus
def test_the_parts_of_a_batch_are_the_instructions_that_it_was_made_of(
    real_updates: list[bytes],
) -> None:
    checked = 0
    for update in real_updates:
        if parse(update).kind != "transaction":
            continue
        joined, count = wrapped(update, lambda: False)
        message = geyser_pb2.SubscribeUpdate.FromString(joined)
        apart = without_batches(view_of(info_of(message.transaction), 7))
        info = geyser_pb2.SubscribeUpdate.FromString(update).transaction.transaction
        assert list(apart.message.instructions) == list(info.transaction.message.instructions)
        assert list(apart.meta.inner_instructions) == list(info.meta.inner_instructions)
        checked += count > 0
    assert checked >= 300


def in_one_batch(draft: Any, tail: bytes = b"", more: tuple[str, ...] = ()) -> Any:
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", USDC, 1000, 0).token("pool", USDC, 0, 1000)
    made.token("pool", "mint-a", 9000, 8500).token("alice", "mint-a", 0, 500)
    at = made.account
    accounts = (
        *(at("alice", USDC), at("pool", USDC), "alice"),
        *(at("pool", "mint-a"), at("alice", "mint-a"), "pool"),
    )
    data = batch(*((b"123", b"\x03" + raw.to_bytes(8, "little")) for raw in (1000, 500)))
    made.invoke(TOKEN, (*accounts, *more), data + tail, inner=True)
    made.heights[-1] = 2
    return made


def only_swap(parsed: Parsed) -> Swap:
    (swap,) = (event for event in parsed.events if isinstance(event, Swap))
    return swap


def test_a_trade_moved_by_one_batch_is_seen_on_an_unlisted_venue(draft: Any) -> None:
    made = in_one_batch(draft)
    swap = only_swap(parse(made.update()))
    assert (swap.trader, swap.side) == (draft.address("alice"), "buy")
    assert (swap.base_amount_raw, swap.quote_amount_raw) == (500, 1000)
    assert swap.venues == (f"unlisted:{VENUE}",)
    explained = explain(made.update())
    assert explained is not None
    assert explained.hops == (f"unlisted:{VENUE}",)


@pytest.mark.parametrize(
    "tail",
    [b"\x03", b"\x03\x09", b"\x09\x01\x09", b"\x01\xff\x09", b"\x00\x01\x09", b"\x01\x00"],
    ids=["half a header", "no data", "no accounts left", "cut", "names nothing", "says nothing"],
)
def test_a_broken_end_of_a_batch_is_not_read_and_hides_nothing(draft: Any, tail: bytes) -> None:
    whole = only_swap(parse(in_one_batch(draft, more=("alice", "bob")).update()))
    assert only_swap(parse(in_one_batch(draft, tail, ("alice", "bob")).update())) == whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60), accounts=st.binary(max_size=20), outer=st.booleans())
def test_whatever_stands_in_a_batch_parses_or_is_malformed(
    draft: Any, data: bytes, accounts: bytes, outer: bool
) -> None:
    message = busy(draft).message()
    info = message.transaction.transaction
    steps: Any = (
        info.transaction.message.instructions
        if outer
        else info.meta.inner_instructions[0].instructions
    )
    for one in steps:
        one.program_id_index = keys_of(message).index(bytes(Pubkey.from_string(TOKEN)))
        one.accounts, one.data = accounts, b"\xff" + data
    try:
        parse(message.SerializeToString())
    except Malformed:
        return


@given(data=st.binary(max_size=300), accounts=st.binary(max_size=60))
def test_parts_share_no_account_and_none_is_a_batch(data: bytes, accounts: bytes) -> None:
    parts = parts_of(accounts, b"\xff" + data)
    taken = b"".join(named for named, _ in parts)
    assert accounts.startswith(taken)
    assert (b"\xff" + data).startswith(batch(*parts))
    assert all(named and part and part[:1] != b"\xff" for named, part in parts)


def test_a_batch_has_no_more_parts_than_an_instruction_has_accounts() -> None:
    one = (b"\x00", b"\x09")
    assert parts_of(bytes(PARTS_MAX), batch(*[one] * PARTS_MAX)) == [one] * PARTS_MAX
    assert parts_of(bytes(10**5), batch(*[one] * 10**5)) == [one] * PARTS_MAX


def test_a_batch_within_a_batch_is_not_read(draft: Any) -> None:
    message = in_one_batch(draft).message()
    (one,) = message.transaction.transaction.meta.inner_instructions[0].instructions
    one.data = batch((one.accounts, one.data))
    assert parse(message.SerializeToString()).events == ()


def test_calls_of_an_outer_instruction_stay_below_it_behind_a_batch(draft: Any) -> None:
    """And groups of instructions that are not there stay below none."""
    message = in_one_batch(draft).message()
    info = message.transaction.transaction
    (venue,), (group,) = info.transaction.message.instructions, info.meta.inner_instructions
    plain = only_swap(parse(message.SerializeToString()))
    steps = [type(venue)(), type(venue).FromString(venue.SerializeToString())]
    steps[0].program_id_index = group.instructions[0].program_id_index
    idle = (group.instructions[0].accounts[:1], b"\x11")
    steps[0].accounts, steps[0].data = idle[0] * 3, batch(idle, idle, idle)
    del info.transaction.message.instructions[:]
    info.transaction.message.instructions.extend(steps)
    group.index = 1
    for index in (2, 3, 2**32 - 1):
        strange = info.meta.inner_instructions.add(index=index)
        strange.instructions.add(program_id_index=steps[0].program_id_index, data=b"\x11")
    assert only_swap(parse(message.SerializeToString())) == plain


def test_what_a_wallet_burns_in_a_batch_is_burned(draft: Any) -> None:
    made = draft("alice").token("alice", "mint-a", 900, 0).token("alice", "mint-b", 70, 0)
    at = made.account
    parts = [(b"123", b"\x08" + raw.to_bytes(8, "little")) for raw in (900, 70)]
    named = (at("alice", "mint-a"), "mint-a", "alice", at("alice", "mint-b"), "mint-b", "alice")
    made.invoke(TOKEN, named, batch(*parts), inner=False)
    burned = [event for event in parse(made.update()).events if isinstance(event, PoolEvent)]
    assert [(one.what, one.amount_a_raw) for one in burned] == [("burned", 900), ("burned", 70)]


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("joined", [True, False])
def test_a_sale_that_a_pool_pays_by_unwrapping_is_seen(
    draft: Any, stated: bool, joined: bool
) -> None:
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("pool", "mint-a", 0, 500)
    made.token("pool", SOL, 5 * ONE_SOL, 3 * ONE_SOL).sol("alice", 2 * ONE_SOL)
    made.move(made.account("alice", "mint-a"), made.account("pool", "mint-a"), "alice", 500)
    amount = b"\x01" + (2 * ONE_SOL).to_bytes(8, "little") if stated else b"\x00"
    made.invoke(TOKEN, (made.account("pool", SOL), "alice", "pool"), b"\x2d" + amount, inner=True)
    made.heights[-1] = 2
    update = made.update()
    swap = only_swap(parse(wrapped(update, lambda: False)[0] if joined else update))
    assert (swap.trader, swap.side) == (draft.address("alice"), "sell")
    assert (swap.quote_mint, swap.quote_amount_raw) == (SOL, 2 * ONE_SOL)


@pytest.mark.parametrize("amount", [b"\x01" + bytes(7), b"\x01" + bytes(8), b"", b"\x02\x01"])
def test_a_broken_or_empty_unwrapping_moves_nothing(draft: Any, amount: bytes) -> None:
    made = draft("alice").invoke(VENUE, ("pool", "alice"), b"\x07", inner=False)
    made.token("alice", "mint-a", 500, 0).token("pool", "mint-a", 0, 500)
    made.token("pool", SOL, 5 * ONE_SOL, 5 * ONE_SOL).sol("alice", 2 * ONE_SOL)
    made.move(made.account("alice", "mint-a"), made.account("pool", "mint-a"), "alice", 500)
    made.invoke(TOKEN, (made.account("pool", SOL), "alice", "pool"), b"\x2d" + amount, inner=True)
    made.heights[-1] = 2
    assert parse(made.update()).events == ()


@pytest.mark.parametrize("joined", [True, False])
def test_sol_that_somebody_takes_out_of_a_mint_is_beside_the_trade(buy: Any, joined: bool) -> None:
    plain = only_swap(parse(buy("alice").update()))
    made = buy("alice").sol("mint-a", -3 * ONE_SOL).sol("alice", 3 * ONE_SOL)
    made.invoke(TOKEN, ("mint-a", "alice", "alice"), b"\x26", inner=False)
    update = made.update()
    swap = only_swap(parse(wrapped(update, lambda: False)[0] if joined else update))
    assert swap.quote_amount_raw == plain.quote_amount_raw
    assert {*swap.reasons} == {*plain.reasons, "received_beside"}
