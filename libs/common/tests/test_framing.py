from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.wire.framing import BadFrame, frame, join, split

updates = st.lists(st.binary(max_size=300), max_size=12)


@given(updates)
def test_what_is_joined_is_split_again(parts: list[bytes]) -> None:
    assert list(split(join(parts))) == parts
    assert b"".join(frame(part) for part in parts) == join(parts)


@given(updates, st.integers(0, 4_000))
def test_a_cut_body_yields_the_whole_frames_before_the_cut(parts: list[bytes], cut: int) -> None:
    whole = join(parts)
    body = whole[: min(cut, len(whole))]
    ends = [len(join(parts[:count])) for count in range(len(parts) + 1)]
    complete = max(count for count, end in enumerate(ends) if end <= len(body))
    found: list[bytes] = []
    try:
        for update in split(body):
            found.append(update)  # noqa: PERF402 - what came before the error counts
    except BadFrame as error:
        assert error.position == complete
        assert error.offset == ends[complete]
    else:
        assert len(body) in ends
    assert found == parts[:complete]


@given(st.binary(max_size=200))
def test_garbage_is_split_or_refused_with_bad_frame_and_nothing_else(body: bytes) -> None:
    try:
        assert join(split(body)) is not None
    except BadFrame:
        return


def test_an_absurd_length_is_refused_without_reading_it() -> None:
    with pytest.raises(BadFrame, match="over 10"):
        list(split(frame(b"x" * 11), update_bytes_max=10))
    with pytest.raises(BadFrame, match="longer than a varint"):
        list(split(b"\xff" * 11))
