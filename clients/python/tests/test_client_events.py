"""The stream of events reads the same however its bytes are cut, and garbage is an input."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pocketwatcher.events import BLOCK_BYTES_MAX, Event, EventParser, TooLong

# Bytes in which line ends, fields and signs of several bytes are common.
PIECES = st.sampled_from(
    [b"\n", b"\r", b"\r\n", b"\n\n", b"data", b"data: ", b"data:x", b"id: 7", b"id", b"event: a",
     b": ping", b":", b" ", "☃".encode(), b"\xff", b"\x00", b"\xef\xbb\xbf", b"{}", b"\x0b\x1c"]
)  # fmt: skip
STREAMS = st.lists(PIECES | st.binary(max_size=3), max_size=40).map(b"".join)


def events(*chunks: bytes) -> list[Event]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def naive(stream: bytes) -> list[Event]:
    """The same by the book: all at once, line by line."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = []
    lines = text.split(b"\n")[:-1]
    block: list[bytes] = []
    for line in lines:
        if line:
            block.append(line)
            continue
        if block:
            fields = [(*one.split(b":", 1), b"")[:2] for one in block]
            pairs = [
                (name, value.removeprefix(b" ").decode("utf-8", "replace"))
                for name, value in fields
            ]
            ids = [value for name, value in pairs if name == b"id" and "\0" not in value]
            names = [value for name, value in pairs if name == b"event"]
            data = "\n".join(value for name, value in pairs if name == b"data")
            found.append(Event((names or [""])[-1] or "message", data, ids[-1] if ids else None))
        block = []
    return found


@given(STREAMS, st.lists(st.integers(0, 200)))
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [8, 10])
@example(b"\r\n\ndata\n\n", [1, 1, 1])
def test_any_cut_of_a_stream_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[first:end] for first, end in zip(places, places[1:], strict=False)]
    assert events(*chunks) == naive(stream)
    assert events(*(stream[at : at + 1] for at in range(len(stream)))) == naive(stream)


def test_an_alert_is_its_name_its_data_and_its_place() -> None:
    stream = b': alerts\nid: 6\n\nevent: alert\nid: 7\ndata: {"n":1}\n\n: ping\n\n'
    assert events(stream) == [
        Event("message", "", "6"),
        Event("alert", '{"n":1}', "7"),
        # Somebody is there.
        Event("message", "", None),
    ]


def test_a_block_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    parser = EventParser()
    line = b"data: " + b"x" * 1_000_000 + b"\n"
    with pytest.raises(TooLong):
        for _ in range(BLOCK_BYTES_MAX // 1_000_000 + 1):
            parser.feed(line)
    with pytest.raises(TooLong):
        EventParser().feed(b"x" * (BLOCK_BYTES_MAX + 1))


def test_many_blocks_may_be_longer_together_than_one_may_be() -> None:
    parser = EventParser()
    for _ in range(BLOCK_BYTES_MAX // 1_000_000 + 1):
        [event] = parser.feed(b"data: " + b"x" * 1_000_000 + b"\n\n")
        assert len(event.data) == 1_000_000
