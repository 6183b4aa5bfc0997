"""The order in which a transaction lists its accounts does not change what it says."""

from __future__ import annotations

import random

import pytest

from pw_geyser import geyser_pb2
from pw_parser.core.parse import parse


def shuffled(raw: bytes, seed: int) -> bytes:
    """The same transaction with all accounts behind the signers in another order."""
    update = geyser_pb2.SubscribeUpdate.FromString(raw)
    info = update.transaction.transaction
    message, meta = info.transaction.message, info.meta
    loaded = [*meta.loaded_writable_addresses, *meta.loaded_readonly_addresses]
    keys = [*message.account_keys, *loaded]
    signers = message.header.num_required_signatures
    order = [
        *range(signers),
        *random.Random(seed).sample(range(signers, len(keys)), len(keys) - signers),
    ]
    place = {old: new for new, old in enumerate(order)}
    del (
        message.account_keys[:],
        meta.loaded_writable_addresses[:],
        meta.loaded_readonly_addresses[:],
    )
    message.account_keys.extend(keys[old] for old in order)
    for balances in (meta.pre_balances, meta.post_balances):
        values = list(balances)
        balances[:] = [values[old] for old in order]
    for outer in message.instructions:
        outer.program_id_index = place[outer.program_id_index]
        outer.accounts = bytes(place[account] for account in outer.accounts)
    for inner in (one for group in meta.inner_instructions for one in group.instructions):
        inner.program_id_index = place[inner.program_id_index]
        inner.accounts = bytes(place[account] for account in inner.accounts)
    for row in (*meta.pre_token_balances, *meta.post_token_balances):
        row.account_index = place[row.account_index]
    return update.SerializeToString()


@pytest.mark.corpus
def test_accounts_in_any_order_give_the_same_events(real_updates: list[bytes]) -> None:
    checked = 0
    for seed, raw in enumerate(real_updates):
        parsed = parse(raw)
        if parsed.kind == "transaction" and parsed.events:
            assert parse(shuffled(raw, seed)).events == parsed.events
            checked += 1
    assert checked > 250


@pytest.mark.corpus
def test_groups_of_inner_instructions_in_any_order_give_the_same_events(
    real_updates: list[bytes],
) -> None:
    for raw in real_updates:
        parsed = parse(raw)
        if parsed.kind != "transaction" or not parsed.events:
            continue
        update = geyser_pb2.SubscribeUpdate.FromString(raw)
        groups = update.transaction.transaction.meta.inner_instructions
        turned = list(reversed(groups))
        del groups[:]
        groups.extend(turned)
        assert parse(update.SerializeToString()).events == parsed.events
