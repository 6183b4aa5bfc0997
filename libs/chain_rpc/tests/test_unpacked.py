"""An answer is read within its bound, packed or not."""

from __future__ import annotations

import gzip

import pytest

from pw_rpc.core.unpacked import BadAnswer, Unpacked

BOUND = 1_000


def unpacked(data: bytes, *, packed: bool, step: int = 7) -> bytes:
    into = Unpacked(BOUND, gzip=packed)
    for at in range(0, len(data), step):
        into.add(data[at : at + step])
    return into.whole()


@pytest.mark.parametrize("size", [0, 1, BOUND])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_what_fits_comes_as_it_was_sent(size: int, step: int) -> None:
    text = b"x" * size
    assert unpacked(text, packed=False, step=step) == text
    assert unpacked(gzip.compress(text), packed=True, step=step) == text


@pytest.mark.parametrize("step", [1, 7, 10_000_000])
def test_few_bytes_that_are_very_many_end_at_the_bound(step: int) -> None:
    bomb = gzip.compress(bytes(100_000_000))
    into = Unpacked(BOUND, gzip=True)
    with pytest.raises(BadAnswer, match="over"):
        for at in range(0, len(bomb), step):
            into.add(bomb[at : at + step])
            assert len(into._bytes) <= BOUND + 1


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(BadAnswer, match="over"):
        unpacked(b"x" * (BOUND + 1), packed=False)


@pytest.mark.parametrize(
    "data",
    [b"{}", b"\x1f\x8b", gzip.compress(b"x" * 99, mtime=0)[:-1]],
    ids=["no gzip", "its first bytes", "cut at its end"],
)
def test_what_is_no_whole_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer, match="gzip"):
        unpacked(data, packed=True)
