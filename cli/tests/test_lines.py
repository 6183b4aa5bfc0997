"""Typed lines: what is taken, and what a bad line says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.dated import KINDS, Dated, Place
from pw_cli.offline.event_slots import LEADING_MAX, slots_of
from pw_cli.offline.inputs import closed_slots_of
from pw_cli.offline.line_order import BACK_SLOTS_MAX, in_order, merged
from pw_cli.offline.lines import LINE_BYTES_MAX, dated_of, read_lines
from pw_cli.offline.zstd_end import check_whole
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.text.amounts import amounts_as_text
from pw_common.wire.captures import BadCapture
from pw_common.wire.limits import SLOT_MAX
from pw_common.wire.messages import SlotEvent, Swap
from pw_detection.detector import Detector
from pw_parser.core.decode.programs import BUILT_IN
from support.offline_files import write_lines

HERE = Place("swaps.jsonl", "line 3")
SWAP = Swap(
    signature="s", ordinal=0, slot=7, index=1, trader="t", side="buy", mint="m",
    base_amount_raw=2**64 - 1, base_decimals=6, quote_mint=None, quote_amount_raw=None,
    quote_decimals=None,
)  # fmt: skip


def swap(**changed: Any) -> dict[str, Any]:
    return {**msgspec.to_builtins(SWAP), **changed}


def line(**changed: Any) -> bytes:
    return json.dumps(swap(**changed)).encode()


def at(slot: int, number: int = 0, **beside: Any) -> Dated:
    return dated_of(
        line(slot=slot, signature=f"s{slot}-{number}", **beside), Place("f", f"line {number}")
    )


def read(path: Path, *lines: bytes) -> list[Dated]:
    return list(read_lines(write_lines(path, lines)))


def closed(*events: Dated) -> tuple[list[ClosedSlot], list[str]]:
    said: list[str] = []
    return list(slots_of(events, said.append)), said


@pytest.mark.parametrize("ending", [".jsonl", ".ndjson.gz", ".json.zst"])
def test_lines_are_read_plain_and_compressed(tmp_path: Path, ending: str) -> None:
    found = read(tmp_path / f"swaps{ending}", b"\xef\xbb\xbf" + line(), b"", line(slot=8))
    assert [one.event for one in found] == [SWAP, msgspec.structs.replace(SWAP, slot=8)]
    assert [one.place.at for one in found] == ["line 1", "line 3"]


def test_whole_numbers_may_be_decimal_text_and_unknown_fields_are_ignored() -> None:
    as_text = {**swap(), "slot": "7", "base_amount_raw": str(2**64 - 1), "block_height": [1]}
    assert dated_of(json.dumps(as_text).encode(), HERE).event == SWAP
    shown = msgspec.json.encode(amounts_as_text(SWAP))
    assert dated_of(shown, HERE).event == SWAP


@pytest.mark.parametrize("amount", ["9007199254740993.0", "9007199254740993e0", '"1e16"', "2e17"])
def test_a_number_that_may_mean_several_is_refused(amount: str) -> None:
    body = line().replace(b"18446744073709551615", amount.encode())
    with pytest.raises(BadInput, match=r"line 3: base_amount_raw: .*(is not exact|`int`)"):
        dated_of(body, HERE)
    # Below 2^53 a float is one whole number.
    assert dated_of(line(base_amount_raw=9007199254740991.0), HERE).event.base_amount_raw == (  # type: ignore[union-attr]
        2**53 - 1
    )


def test_the_example_in_the_documents_is_taken() -> None:
    text = (Path(__file__).parents[2] / "docs/lines.md").read_text()
    example = text.split("```json")[1].split("```")[0].replace("\n", "")
    one = dated_of(example.encode(), HERE)
    assert isinstance(one.event, Swap)
    assert (one.event.base_amount_raw, one.event_time_ms) == (512_000_000, 1_755_800_000_000)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "allowed: one JSON object a line"),
        (b"[]", "allowed: one JSON object a line"),
        (b'"\xff"', "allowed: one JSON object a line"),
        (b"[" * 30_000, "allowed: one JSON object a line"),
        (b'{"a":' * 10_000, "nested too deep"),
        (b'{"type": "batch.v1"}', "type 'batch.v1'; allowed: swap.v1, slot.v1, token.v1"),
        (b"{}", "type ''; allowed: swap.v1"),
        (b'{"type": "swap.v1"}', "missing required field `signature`"),
        (line(slot="seven"), "slot: Expected `int`, got `str`"),
        (line(side="hold"), "side: 'hold'; allowed: buy, sell"),
        (line(slot=0), "slot: 0; allowed: 1 to 1000000000000"),
        (line(base_amount_raw=-1), "base_amount_raw: -1; allowed: 0 to 18446744073709551615"),
        (line(base_amount_raw=2**64), "base_amount_raw: a number of over 64 bits"),
        (line(base_decimals=256), "base_decimals: 256; allowed: 0 to 255"),
        (line(confidence="nan"), "confidence: "),
        (line(event_time_ms=-1), "event_time_ms: -1; allowed: 0 to "),
        (line(session=-1), "session: -1; allowed: 0 to "),
        (b'{"type":"slot.v1","slot":5,"parent":4,"block_time_s":-1}', "block_time_s: -1"),
    ],
)
def test_a_bad_line_is_named_with_what_is_allowed(body: bytes, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        dated_of(body, HERE)
    assert str(refused.value).startswith("swaps.jsonl: line 3: ")
    assert said in str(refused.value)


def test_a_long_line_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl.zst", [line(), b" " * (1 << 26)])
    with pytest.raises(BadInput, match=f"line 2: over {LINE_BYTES_MAX} bytes"):
        list(read_lines(path))


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl.gz", [line()] * 50)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BadInput, match=r"a\.jsonl\.gz: line \d+: cannot be decompressed"):
        list(read_lines(path))


@pytest.mark.parametrize("name", ["a.jsonl.zst", "a.pb.zst"])
def test_a_zstd_file_is_taken_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    part = [
        zstandard.ZstdCompressor(write_checksum=sum_).compress(line()) for sum_ in (False, True)
    ]
    skipped = b"\x51\x2a\x4d\x18\x03\x00\x00\x00abc"
    path, body = tmp_path / name, part[0] + skipped + part[1]
    ends = {0, len(part[0]), len(part[0]) + len(skipped), len(body)}
    for size in range(len(body) + 1):
        path.write_bytes(body[:size])
        if size in ends:
            check_whole(path)
            continue
        with pytest.raises((BadInput, BadCapture), match=r"breaks off|cannot be decompressed"):
            list(closed_slots_of([path], BUILT_IN, pytest.fail))


garbage = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


@settings(max_examples=100)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_any_line_is_taken_or_named_and_what_is_taken_can_be_folded(
    tag: str, data: st.DataObject
) -> None:
    fields = KINDS[tag].__struct_fields__
    numbers = st.integers(-1, 2**65) | st.integers(0, 300)
    values = numbers | numbers.map(str) | st.text(max_size=9) | garbage
    one = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, values)))
    one |= data.draw(st.sampled_from([{}, {"side": "sell", "what": "trade", "venues": ["v"]}]))
    body = json.dumps({**swap(), **one, "type": tag, "event_time_ms": 5}).encode()
    try:
        dated = dated_of(body, HERE)
    except BadInput as error:
        assert str(error).startswith("swaps.jsonl: line 3: ")
        return
    assert 1 <= dated.event.slot <= SLOT_MAX
    detector = Detector()
    for slot in closed(dated)[0]:
        detector.step(slot)
        detector.tokens(10)


@given(st.lists(st.integers(1, 40), max_size=60), st.randoms())
def test_lines_within_the_bound_come_in_the_order_of_slots(slots: list[int], random: Any) -> None:
    # Sorted, then shuffled within spans that are no wider than the bound.
    wide = sorted(one * 7 for one in slots)
    spans: dict[int, list[int]] = {}
    for slot in wide:
        spans.setdefault(slot // BACK_SLOTS_MAX, []).append(slot)
    shuffled = [one for span in spans.values() for one in random.sample(span, len(span))]
    found = in_order(at(slot, number) for number, slot in enumerate(shuffled))
    assert [one.event.slot for one in found] == wide


def test_a_line_further_back_says_how_to_sort() -> None:
    lines = [at(100, 1), at(100 - BACK_SLOTS_MAX, 2), at(99 - BACK_SLOTS_MAX, 3)]
    with pytest.raises(BadInput, match=r"f: line 3: slot 67 after slot 100; .*ORDER BY slot"):
        list(in_order(lines))


def test_too_many_lines_that_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pw_cli.offline.line_order.HELD_MAX", 5)
    with pytest.raises(BadInput, match="line 5: over 5 events within 32 slots"):
        list(in_order(at(9, number) for number in range(6)))


def test_files_are_put_together_by_slot_whatever_their_order(tmp_path: Path) -> None:
    paths = [
        write_lines(tmp_path / f"{name}.jsonl", [line(slot=slot) for slot in slots])
        for name, slots in (("c", (900, 901)), ("a", (40, 10, 800)), ("b", (12, 300)), ("d", ()))
    ]
    assert [one.event.slot for one in merged(paths)] == [10, 12, 40, 300, 800, 900, 901]


def test_a_session_on_some_lines_only_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [line(session=1), line(slot=8)])
    with pytest.raises(BadInput, match=r"line 2: no session, .*allowed: on all lines or none"):
        list(merged([path]))


def test_the_time_that_a_swap_names_is_its_slots_time() -> None:
    found, said = closed(at(7, 1), at(7, 2, event_time_ms=5_001), at(9, 3))
    assert [(one.slot, one.event_time_ms, one.reset) for one in found] == [
        (7, 5_001, True),
        (9, 5_801, False),
    ]
    assert [swap.signature for swap in found[0].swaps] == ["s7-1", "s7-2"]
    assert said == []


def test_the_time_of_what_filled_a_gap_gives_way() -> None:
    """It has whole seconds: a slot before it may be later, and one after it earlier."""
    found, said = closed(
        at(7, event_time_ms=5_400),
        at(8, event_time_ms=5_000, amended=True),
        at(9, 1, event_time_ms=5_800),
        at(9, 2, event_time_ms=5_000, amended=True),
        at(10, event_time_ms=7_000, amended=True),
        at(11, event_time_ms=6_600),
        at(12, event_time_ms=7_400),
    )
    times = [5_400, 5_400, 5_800, 7_000, 7_000, 7_400]
    assert [one.event_time_ms for one in found] == times
    assert said == []
    with pytest.raises(BadInput, match="event_time_ms 5399 of slot 9 is before that of slot 7"):
        closed(
            at(7, event_time_ms=5_400),
            at(8, event_time_ms=5_500, amended=True),
            at(9, event_time_ms=5_399),
        )


def test_a_session_begins_with_empty_windows() -> None:
    found, _ = closed(
        at(7, event_time_ms=9, session=1),
        at(8, event_time_ms=9, session=1),
        at(3, event_time_ms=1, session=2),
    )
    assert [(one.slot, one.reset) for one in found] == [(7, True), (8, False), (3, True)]


def test_a_repeat_is_dropped_and_events_of_other_kinds_are_not_taken_for_one() -> None:
    token = json.dumps({
        "type": "token.v1", "signature": "s7-1", "ordinal": 0, "slot": 7, "index": 1,
        "mint": "m", "name": "n", "symbol": "s", "creator": "c",
    }).encode()  # fmt: skip
    found, _ = closed(at(7, 1, event_time_ms=5), at(7, 1), dated_of(token, HERE))
    assert [(len(one.swaps), len(one.tokens)) for one in found] == [(1, 1)]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([(7, 5_000), (7, 5_001)], "f: line 1: event_time_ms 5001 in slot 7, and 5000 at line 0"),
        ([(7, 5_000), (8, 4_999)], "event_time_ms 4999 of slot 8 is before that of slot 7, 5000"),
    ],
)
def test_times_that_contradict_each_other_are_refused(
    events: list[tuple[int, int]], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        closed(*(at(slot, at_, event_time_ms=ms) for at_, (slot, ms) in enumerate(events)))


def test_without_any_time_slots_are_counted_and_it_is_said() -> None:
    found, [said] = closed(at(1_000), at(1_005))
    assert [(one.slot, one.event_time_ms) for one in found] == [(1_000, 400_000), (1_005, 402_000)]
    assert "each is taken for 400 ms, counted from slot 0 at 1970-01-01" in said


def test_what_stands_before_the_first_time_is_left_out_and_it_is_said() -> None:
    header = Dated(SlotEvent(slot=9, parent=8, block_time_s=60), HERE)
    found, [said] = closed(at(7), at(8), header)
    assert [(one.slot, one.event_time_ms) for one in found] == [(9, 60_000)]
    assert said == "left out 2 events before slot 9, the first with a time"


def test_a_time_that_comes_too_late_is_refused() -> None:
    untimed = [at(slot) for slot in range(1, LEADING_MAX + 3)]
    with pytest.raises(BadInput, match="has a time, and the slots before it had none"):
        closed(*untimed, at(500, event_time_ms=5))
