from hypothesis import given
from hypothesis import strategies as st

from pw_api.core.present import body_hex, swap_fields
from pw_api.core.query import RecentSwaps
from pw_api.models.views import SwapView
from pw_common.wire.envelope import CONTENT_ENCODING, ZSTD, compress
from pw_common.wire.messages import Batch, Counts, Swap

U64_MAX = 2**64 - 1


def make_swap(signature: str, *, ordinal: int = 0, mint: str = "m", trader: str = "t") -> Swap:
    return Swap(
        signature=signature,
        ordinal=ordinal,
        slot=5,
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


def make_batch(*swaps: Swap) -> Batch:
    return Batch(
        tx_stream_created="2026-01-01T00:00:00Z",
        tx_seq=1,
        source="main",
        epoch=1,
        frontier_slot=0,
        counts=Counts(),
        events=swaps,
    )


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
        ring.add(make_batch(*swaps[at : at + cuts]))
    kept: dict[tuple[str, int], Swap] = {}
    for swap in swaps:
        kept.setdefault((swap.signature, swap.ordinal), swap)
    newest = list(kept.values())[::-1]
    assert ring.find(limit=limit) == newest[:limit]
    assert ring.find(limit=limit, mint="m1") == [s for s in newest if s.mint == "m1"][:limit]
    assert ring.find(limit=limit, wallet="a") == [s for s in newest if s.trader == "a"][:limit]
    assert ring.repeats == len(swaps) - len(kept)
    assert ring.total == len(kept)


def test_the_ring_never_grows_past_its_bound_and_keeps_the_newest() -> None:
    ring = RecentSwaps(10)
    for number in range(1_000):
        ring.add(make_batch(make_swap(f"s{number}")))
    assert len(ring) == 10
    assert [swap.signature for swap in ring.find(limit=2)] == ["s999", "s998"]


def test_the_fee_payer_is_found_as_a_wallet_of_the_swap() -> None:
    ring = RecentSwaps(10)
    ring.add(make_batch(make_swap("s", trader="t")))
    assert len(ring.find(limit=5, wallet="payer")) == 1
    assert ring.find(limit=5, wallet="nobody") == []


def test_u64_amounts_leave_as_decimal_strings() -> None:
    fields = swap_fields(make_swap("s"))
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
    assert swap_fields(unvalued)["quote_amount_raw"] is None


@given(body=st.binary(max_size=300))
def test_a_body_that_claims_zstd_and_is_not_is_shown_as_stored(body: bytes) -> None:
    encoding, shown, cut = body_hex({CONTENT_ENCODING: ZSTD}, b"\x00" + body)
    assert (encoding, shown, cut) == ("zstd", (b"\x00" + body).hex(), False)


def test_a_large_body_is_cut_and_says_so() -> None:
    encoding, shown, cut = body_hex({CONTENT_ENCODING: ZSTD}, compress(b"a" * 100_000))
    assert encoding == "identity"
    assert cut
    assert len(shown) == 2 * 64 * 1024
