from __future__ import annotations

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pw_common.wire.envelope import (
    BadEnvelope,
    Identity,
    TxHeaders,
    compress,
    decompress,
    read_tx_headers,
    tx_headers,
    tx_msg_id,
)

identities = st.lists(
    st.builds(
        Identity,
        st.sampled_from(["tx", "slot", "meta", "other"]),
        st.integers(0, 2**63),
        st.binary(max_size=64),
    ),
    max_size=6,
)

HEADERS = TxHeaders("tx:ab", 3, "main", 7, 99, "00-ab-cd-01")


@given(identities, identities)
def test_an_id_is_equal_exactly_for_equal_ordered_identities(
    one: list[Identity], other: list[Identity]
) -> None:
    assert (tx_msg_id(one) == tx_msg_id(other)) == (one == other)


def test_headers_survive_the_way() -> None:
    assert read_tx_headers(tx_headers(HEADERS)) == HEADERS


@pytest.mark.parametrize("name", ["Nats-Msg-Id", "Pw-Count", "Pw-Epoch", "Pw-Frontier-Slot"])
def test_a_missing_or_wrong_header_is_named(name: str) -> None:
    headers = tx_headers(HEADERS)
    del headers[name]
    with pytest.raises(BadEnvelope, match=name):
        read_tx_headers(headers)


@pytest.mark.parametrize("value", ["-1", "1.5", "²", "", "9" * 40, " 3"])
def test_a_number_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(BadEnvelope, match="Pw-Epoch"):
        read_tx_headers(tx_headers(HEADERS) | {"Pw-Epoch": value})


def test_another_schema_version_is_refused_with_both_names() -> None:
    with pytest.raises(BadEnvelope, match=r"capture\.v2.*capture\.v1"):
        read_tx_headers(tx_headers(HEADERS) | {"Pw-Schema": "capture.v2"})


@given(st.binary(max_size=5_000))
def test_what_is_compressed_is_decompressed(body: bytes) -> None:
    assert decompress(compress(body), 5_000) == body


@given(st.binary(max_size=300))
def test_garbage_is_refused_with_bad_envelope_and_nothing_else(body: bytes) -> None:
    try:
        decompress(body, 1_000)
    except BadEnvelope:
        return


def test_a_bomb_is_refused_whether_it_declares_its_size_or_not() -> None:
    zeros = b"\0" * 50_000_000
    declared = compress(zeros)
    silent = zstandard.ZstdCompressor(write_content_size=False).compress(zeros)
    for bomb in (declared, silent):
        assert len(bomb) < 10_000
        with pytest.raises(BadEnvelope, match="1000"):
            decompress(bomb, 1_000)


@given(st.binary(min_size=50, max_size=2_000), st.data())
def test_a_truncated_body_is_refused(body: bytes, data: st.DataObject) -> None:
    whole = compress(body)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(BadEnvelope):
        decompress(whole[:cut], 5_000)
