"""Whatever arrives parses or is `Malformed`: nothing else ever leaves `parse`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pw_common.wire.messages import encode
from pw_geyser import geyser_pb2
from pw_parser.core.explain import explain
from pw_parser.core.parse import Malformed, Parsed, parse


def readable(update: bytes) -> Parsed | None:
    """Parse and encode, or None when malformed; anything else fails the test."""
    try:
        parsed = parse(update)
    except Malformed:
        return None
    for event in parsed.events:
        encode(event)
    return parsed


@given(st.binary(max_size=400))
def test_arbitrary_bytes_parse_or_are_malformed(update: bytes) -> None:
    assert readable(update) == readable(update)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_explained_or_are_malformed(update: bytes) -> None:
    with contextlib.suppress(Malformed):
        explain(update)


mutations = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 255), st.sampled_from(["set", "cut", "add"])),
    min_size=1,
    max_size=6,
)


def mutated(update: bytes, changes: list[tuple[int, int, str]]) -> bytes:
    out = bytearray(update)
    for place, value, how in changes:
        at = place % max(1, len(out))
        if how == "set":
            out[at : at + 1] = bytes([value])
        elif how == "cut":
            del out[at : at + 1 + value % 8]
        else:
            out.insert(at, value)
    return bytes(out)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=mutations)
def test_a_mutated_buy_parses_or_is_malformed(buy: Any, changes: list[Any]) -> None:
    readable(mutated(buy("alice", "bob").update(), changes))


@pytest.mark.corpus
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_mutated_real_transactions_parse_or_are_malformed(
    real_updates: list[bytes], data: st.DataObject
) -> None:
    update = data.draw(st.sampled_from(real_updates))
    readable(mutated(update, data.draw(mutations)))


@pytest.mark.corpus
def test_real_transactions_give_the_same_events_twice(real_updates: list[bytes]) -> None:
    assert [parse(u) for u in real_updates] == [parse(u) for u in real_updates]


Spoil = Callable[[Any], object]


def spoil_index(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.meta.post_token_balances[0].account_index = 4_000


def spoil_amount(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.meta.post_token_balances[0].ui_token_amount.amount = "1e3"


def spoil_huge_amount(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.meta.post_token_balances[0].ui_token_amount.amount = "9" * 20


def spoil_owner(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.meta.post_token_balances[0].owner = "nobody"


def spoil_key(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.transaction.message.account_keys[0] = b"short"


def spoil_balances(update: geyser_pb2.SubscribeUpdate) -> None:
    del update.transaction.transaction.meta.post_balances[-1]


def spoil_program(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.transaction.message.instructions[0].program_id_index = 300


def spoil_signers(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.transaction.message.header.num_required_signatures = 200


def spoil_signature(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.signature = b"\x01"


def spoil_meta(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.ClearField("meta")


def spoil_message(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.transaction.transaction.ClearField("message")


def spoil_info(update: geyser_pb2.SubscribeUpdate) -> None:
    update.transaction.ClearField("transaction")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_index, "account 4000"),
        (spoil_amount, "'1e3' is not a decimal"),
        (spoil_huge_amount, "out of range"),
        (spoil_owner, "'nobody' is not a public key"),
        (spoil_key, "account key of 5 bytes"),
        (spoil_balances, "post balances"),
        (spoil_program, "program 300"),
        (spoil_signers, "200 signers"),
        (spoil_signature, "signature of 1 bytes"),
        (spoil_meta, "without meta"),
        (spoil_message, "without message"),
        (spoil_info, "without transaction info"),
    ],
)
def test_an_update_that_contradicts_itself_is_malformed(buy: Any, spoil: Spoil, words: str) -> None:
    update = buy("alice").message()
    spoil(update)
    with pytest.raises(Malformed, match=words):
        parse(update.SerializeToString())


@pytest.mark.parametrize("kind", ["ping", "pong", "none"])
def test_a_kind_that_nobody_subscribed_to_is_malformed(kind: str) -> None:
    update = geyser_pb2.SubscribeUpdate(filters=["all"])
    if kind != "none":
        getattr(update, kind).SetInParent()
    with pytest.raises(Malformed, match="unknown kind"):
        parse(update.SerializeToString())
