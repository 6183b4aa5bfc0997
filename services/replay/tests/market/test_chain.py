"""The generated chain: reproducible, unbroken, in order, at the rate asked for."""

import hashlib
from itertools import islice, pairwise

import pytest

from pw_replay.market import generate

from .conftest import MINUTES, TPS, Decoded


def digest(seed: int, tps: float = 40.0) -> str:
    whole = hashlib.sha256()
    for update in generate(seed, 0.2, tps):
        whole.update(len(update).to_bytes(4, "little") + update)
    return whole.hexdigest()


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert digest(5) == digest(5)


def test_another_seed_gives_other_bytes() -> None:
    assert digest(5) != digest(6)


def test_a_longer_market_starts_with_the_shorter_one() -> None:
    shorter = list(generate(5, 0.1, 50))
    longer = list(islice(generate(5, 0.3, 50), len(shorter)))
    assert shorter == longer


@pytest.mark.parametrize(("minutes", "tps"), [(0, 10), (1, 0), (-1, 10), (1, -5)])
def test_a_market_without_length_or_rate_is_refused(minutes: float, tps: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        next(generate(1, minutes, tps))


def test_the_parent_chain_is_unbroken_although_slots_are_skipped(market: list[Decoded]) -> None:
    metas = [one.update.block_meta for one in market if one.kind == "block_meta"]
    for parent, child in pairwise(metas):
        assert child.parent_slot == parent.slot
        assert child.parent_blockhash == parent.blockhash
        assert child.block_height.block_height == parent.block_height.block_height + 1
        assert child.block_time.timestamp >= parent.block_time.timestamp
    assert any(child.slot > parent.slot + 1 for parent, child in pairwise(metas))
    assert len({meta.blockhash for meta in metas}) == len(metas)


def test_every_slot_is_transactions_then_meta_then_status(market: list[Decoded]) -> None:
    indexes: list[int] = []
    slots: set[int] = set()
    last_created = 0
    for position, one in enumerate(market):
        created = one.update.created_at.seconds * 10**9 + one.update.created_at.nanos
        assert created >= last_created
        last_created = created
        if one.kind == "transaction":
            indexes.append(one.update.transaction.transaction.index)
            slots.add(one.update.transaction.slot)
        elif one.kind == "block_meta":
            meta = one.update.block_meta
            assert indexes == list(range(meta.executed_transaction_count))
            assert slots <= {meta.slot}
            status = market[position + 1].update.slot
            assert (status.slot, status.parent) == (meta.slot, meta.parent_slot)
            indexes, slots = [], set()


def test_the_rate_is_the_one_asked_for(transactions: list[Decoded]) -> None:
    wanted = MINUTES * 60 * TPS
    assert abs(len(transactions) - wanted) < wanted * 0.02


def test_signatures_are_unique(transactions: list[Decoded]) -> None:
    signatures = [
        signature
        for one in transactions
        for signature in one.update.transaction.transaction.transaction.signatures
    ]
    assert len(set(signatures)) == len(signatures)
    assert all(len(signature) == 64 for signature in signatures)
