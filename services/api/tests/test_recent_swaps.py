from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pw_api.core.present import body_hex, swap_fields
from pw_api.core.query import CURSOR, SLOTS_MAX, Cursor, Recent, RecentSwaps, cursor_of
from pw_api.models.records import SwapView
from pw_common.wire.envelope import CONTENT_ENCODING, ZSTD, compress
from pw_common.wire.messages import Batch, Counts, SlotEvent, Swap

U64_MAX = 2**64 - 1
NOW_MS = 1_790_000_000_000


def make_swap(
    signature: str, *, ordinal: int = 0, mint: str = "m", trader: str = "t", slot: int = 5
) -> Swap:
    return Swap(
        signature=signature,
        ordinal=ordinal,
        slot=slot,
        index=1,
        trader=trader,
        side="buy",
        mint=mint,
        base_amount_raw=U64_MAX,
        base_decimals=6,
        quote_mint="q",
        quote_amount_raw=U64_MAX - 1,
        quote_decimals=9,
        venues=("pump",),
        fee_payer="payer",
        signers=("payer", trader),
    )


def make_batch(*events: Swap | SlotEvent) -> Batch:
    return Batch(
        tx_stream_created="2026-01-01T00:00:00Z",
        tx_seq=1,
        source="main",
        epoch=1,
        frontier_slot=0,
        counts=Counts(),
        events=events,
    )


def found(ring: RecentSwaps, **asked: Any) -> list[Swap]:
    return [one.swap for one in ring.find(**asked)]


def in_pages(ring: RecentSwaps, **asked: Any) -> list[Swap]:
    """Everything, each page begun where the one before ended."""
    pages: list[Swap] = []
    before: Cursor | None = None
    while page := ring.find(**asked, before=before):
        pages += [one.swap for one in page]
        before = cursor_of(page[-1].cursor.text)
        assert before is not None
    return pages


swaps_strategy = st.lists(
    st.builds(
        make_swap,
        st.sampled_from([f"s{i}" for i in range(12)]),
        ordinal=st.integers(0, 1),
        mint=st.sampled_from(["m1", "m2"]),
        trader=st.sampled_from(["a", "b"]),
    ),
    max_size=40,
)


@given(swaps=swaps_strategy, limit=st.integers(1, 50), cuts=st.integers(1, 5))
def test_the_ring_answers_as_a_plain_list_without_repeats_would(
    swaps: list[Swap], limit: int, cuts: int
) -> None:
    ring = RecentSwaps(1_000)
    for at in range(0, len(swaps), cuts):
        ring.add(make_batch(*swaps[at : at + cuts]), seq=at + 1, stored_ms=NOW_MS)
    kept: dict[tuple[str, int], Swap] = {}
    for swap in swaps:
        kept.setdefault((swap.signature, swap.ordinal), swap)
    newest = list(kept.values())[::-1]
    assert found(ring, limit=limit) == newest[:limit]
    assert found(ring, limit=limit, mint="m1") == [s for s in newest if s.mint == "m1"][:limit]
    assert found(ring, limit=limit, wallet="a") == [s for s in newest if s.trader == "a"][:limit]
    assert in_pages(ring, limit=limit) == newest
    assert in_pages(ring, limit=limit, mint="m1") == [s for s in newest if s.mint == "m1"]
    assert ring.repeats == len(swaps) - len(kept)
    assert ring.total == len(kept)


def test_the_ring_never_grows_past_its_bound_and_keeps_the_newest() -> None:
    ring = RecentSwaps(10)
    for number in range(1_000):
        ring.add(make_batch(make_swap(f"s{number}")), seq=number + 1, stored_ms=NOW_MS)
    assert len(ring) == 10
    assert [swap.signature for swap in found(ring, limit=2)] == ["s999", "s998"]


def recent(swap: Swap) -> Recent:
    return Recent(swap, Cursor(1, 0), NOW_MS, None)


def test_a_swap_has_the_time_of_its_block_also_when_that_comes_after_it() -> None:
    ring = RecentSwaps(10)
    ring.add(make_batch(make_swap("s")), seq=1, stored_ms=NOW_MS)
    assert [one.event_time_ms for one in ring.find(limit=1)] == [None]
    ring.add(
        make_batch(SlotEvent(slot=5, parent=4, block_time_s=1_790_000_000)),
        seq=2,
        stored_ms=NOW_MS + 400,
    )
    (one,) = ring.find(limit=1)
    assert (one.event_time_ms, one.stored_ms) == (1_790_000_000_000, NOW_MS)


def test_the_price_is_of_one_whole_token_in_whole_quote() -> None:
    bought = make_swap("s")
    half = structs.replace(bought, base_amount_raw=4_000_000, quote_amount_raw=2_000_000_000)
    assert swap_fields(recent(half))["price"] == "0.5"
    assert swap_fields(recent(structs.replace(bought, base_amount_raw=0)))["price"] is None


def test_the_times_of_slots_are_bounded() -> None:
    ring = RecentSwaps(10)
    for slot in range(SLOTS_MAX + 5):
        ring.add(
            make_batch(SlotEvent(slot=slot, parent=slot - 1, block_time_s=1)),
            seq=slot + 1,
            stored_ms=NOW_MS,
        )
        ring.add(make_batch(make_swap(f"s{slot}", slot=10**6 + slot)), seq=slot + 1, stored_ms=1)
    assert len(ring._time_ms) == len(ring._untimed) == SLOTS_MAX


def test_a_swap_that_has_its_time_keeps_it_while_it_is_held() -> None:
    ring = RecentSwaps(10)
    time_s = 1_790_000_000
    ring.add(
        make_batch(make_swap("s"), SlotEvent(slot=5, parent=4, block_time_s=time_s)),
        seq=1,
        stored_ms=NOW_MS,
    )
    for slot in range(100, 100 + SLOTS_MAX + 5):
        ring.add(make_batch(SlotEvent(slot=slot, parent=4, block_time_s=1)), seq=2, stored_ms=1)
    assert [one.event_time_ms for one in ring.find(limit=5)] == [1000 * time_s]


def test_a_stream_that_was_made_again_is_paged_without_repeats_or_losses() -> None:
    ring = RecentSwaps(1_000)
    for number in range(50):
        ring.add(make_batch(make_swap(f"old{number}")), seq=90_000 + number, stored_ms=NOW_MS)
    for number in range(50):
        ring.add(make_batch(make_swap(f"new{number}")), seq=1 + number, stored_ms=NOW_MS)
    wanted = [f"new{n}" for n in range(49, -1, -1)] + [f"old{n}" for n in range(49, -1, -1)]
    for limit in (7, 50, 60):
        assert [swap.signature for swap in in_pages(ring, limit=limit)] == wanted


@given(text=st.text(max_size=40) | st.from_regex(CURSOR))
def test_a_cursor_is_what_was_given_or_nothing(text: str) -> None:
    cursor = cursor_of(text)
    assert cursor is None or cursor_of(cursor.text) == cursor


def test_the_fee_payer_is_found_as_a_wallet_of_the_swap() -> None:
    ring = RecentSwaps(10)
    ring.add(make_batch(make_swap("s", trader="t")), seq=1, stored_ms=NOW_MS)
    assert len(ring.find(limit=5, wallet="payer")) == 1
    assert ring.find(limit=5, wallet="nobody") == []


def test_u64_amounts_leave_as_decimal_strings() -> None:
    fields = swap_fields(recent(make_swap("s")))
    assert fields["base_amount_raw"] == "18446744073709551615"
    assert fields["quote_amount_raw"] == "18446744073709551614"
    assert SwapView.model_validate(fields).base_amount_raw == "18446744073709551615"


def test_an_unvalued_swap_stays_unvalued() -> None:
    swap = make_swap("s")
    unvalued = Swap(
        **{
            **{name: getattr(swap, name) for name in swap.__struct_fields__},
            "quote_mint": None,
            "quote_amount_raw": None,
            "quote_decimals": None,
        }
    )
    assert swap_fields(recent(unvalued))["quote_amount_raw"] is None
    assert swap_fields(recent(unvalued))["price"] is None


@given(body=st.binary(max_size=300))
def test_a_body_that_claims_zstd_and_is_not_is_shown_as_stored(body: bytes) -> None:
    encoding, shown, cut = body_hex({CONTENT_ENCODING: ZSTD}, b"\x00" + body)
    assert (encoding, shown, cut) == ("zstd", (b"\x00" + body).hex(), False)


def test_a_large_body_is_cut_and_says_so() -> None:
    encoding, shown, cut = body_hex({CONTENT_ENCODING: ZSTD}, compress(b"a" * 100_000))
    assert encoding == "identity"
    assert cut
    assert len(shown) == 2 * 64 * 1024
