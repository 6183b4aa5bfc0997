"""What makes an update itself: the same from every endpoint, another on every other chain."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_common.wire.envelope import Identity
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import BLOCKHASH_BYTES_MAX, META, read_update

HASH = "4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZAMdL4VZHirAn"


def header(
    slot: int,
    blockhash: str,
    *,
    filters: tuple[str, ...] = (),
    created_s: int = 0,
    transactions: int = 0,
) -> bytes:
    update = pb.SubscribeUpdate(filters=filters)
    update.block_meta.slot = slot
    update.block_meta.parent_slot = slot - 1
    update.block_meta.blockhash = blockhash
    update.block_meta.executed_transaction_count = transactions
    update.created_at.seconds = created_s
    return update.SerializeToString()


def test_headers_of_two_blocks_of_one_slot_are_not_the_same() -> None:
    one, other = header(7, HASH), header(7, HASH[:-1] + "o")
    assert read_update(one).identity != read_update(other).identity


def test_a_header_is_the_same_whatever_endpoint_sends_it() -> None:
    near = header(7, HASH, filters=("pw-meta",), created_s=1)
    far = header(7, HASH, filters=("elsewhere",), created_s=9)
    assert read_update(near).identity == read_update(far).identity == (META, 7, HASH.encode())


def test_a_header_without_a_hash_is_known_by_its_slot() -> None:
    assert read_update(header(7, "")).identity == Identity(META, 7, b"")


def test_a_hash_that_is_no_text_is_read_too() -> None:
    raw = header(7, "x" * 44).replace(b"x" * 44, b"\xff" * 44)
    assert read_update(raw).identity == Identity(META, 7, b"\xff" * 44)


@given(st.text("ab", max_size=3 * BLOCKHASH_BYTES_MAX), st.text("ab", max_size=80))
def test_hashes_of_any_length_stay_distinct_and_take_bounded_room(one: str, other: str) -> None:
    found, beside = (read_update(header(7, text)).identity for text in (one, other))
    assert (found == beside) == (one == other)
    assert len(found.key) <= BLOCKHASH_BYTES_MAX
