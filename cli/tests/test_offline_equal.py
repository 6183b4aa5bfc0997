"""The same events as a capture, as typed lines and as Parquet give the same alerts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pw_cli.commands.captures.parse import parse_captures
from pw_cli.offline.inputs import closed_slots_of
from pw_cli.offline.offline import batches, closed_slots
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.alerts import alert_digest
from pw_common.wire.messages import Event, SlotEvent, encode
from pw_detection.detector import Detector
from pw_parser.core.decode.programs import BUILT_IN
from pw_replay.market.slots import START_SLOT, START_TIME_S
from support.market import market, write_capture
from support.offline_files import lines_of, write_lines, write_parquet


def events_until(captures: list[Path], slot: int) -> list[Event]:
    """Every event but those after a capture's last complete slot, which lines have and it not."""
    return [event for batch in batches(captures) for event in batch.events if event.slot <= slot]


def read(*paths: Path) -> list[ClosedSlot]:
    said: list[str] = []
    found = list(closed_slots_of(paths, BUILT_IN, said.append))
    assert said == []
    return found


def digest(slots: Iterable[ClosedSlot]) -> tuple[int, str]:
    detector = Detector()
    found = [alert for one in slots for alert in detector.step(one)]
    return len(found), alert_digest(found)


def only_stored(slots: Iterable[ClosedSlot]) -> list[ClosedSlot]:
    """What history stores of these: slots with swaps or tokens, and nothing else of them."""
    found: list[ClosedSlot] = []
    begins = False
    for one in slots:
        begins = begins or one.reset
        if one.swaps or one.tokens:
            found.append(ClosedSlot(one.slot, one.event_time_ms, begins, one.swaps, one.tokens))
            begins = False
    return found


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two captures, the second after a pause: two sessions."""
    folder = tmp_path_factory.mktemp("markets")
    return [
        write_capture(folder / f"{seed}.pb.zst", market(seed=seed, minutes=2.5, tps=30))
        if seed == 5
        else write_capture(folder / f"{seed}.pb.zst", later(seed))
        for seed in (5, 6)
    ]


def later(seed: int) -> list[bytes]:
    from pw_replay.market import generate

    return list(
        generate(
            seed=seed, minutes=0.5, tps=30,
            start_slot=START_SLOT + 2_000, start_time_s=START_TIME_S + 900,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def slots(captures: list[Path]) -> list[ClosedSlot]:
    return list(closed_slots(captures))


def test_all_events_as_lines_are_the_slots_of_the_capture(
    captures: list[Path], tmp_path: Path
) -> None:
    expected = read(*captures[:1])
    events = events_until(captures[:1], expected[-1].slot)
    assert any(isinstance(event, SlotEvent) for event in events)
    path = write_lines(tmp_path / "all.jsonl.zst", map(encode, events))
    assert read(path) == expected
    assert digest(expected)[0] > 0


def test_the_events_of_several_captures_are_as_many_sessions(
    captures: list[Path], slots: list[ClosedSlot], tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("wb") as out:
        assert parse_captures(captures, out, every_event=True) == 0
    found = read(path)
    # A capture's last slot may not be complete; lines have what there is of it.
    assert [one for one in found if one in slots] == slots
    assert len(found) <= len(slots) + len(captures)
    assert sum(one.reset for one in found) == len(captures)


def test_a_file_for_each_kind_of_event_gives_the_same_slots(
    captures: list[Path], tmp_path: Path
) -> None:
    by_kind: dict[type, list[bytes]] = {}
    expected = read(*captures[:1])
    for event in events_until(captures[:1], expected[-1].slot):
        by_kind.setdefault(type(event), []).append(encode(event))
    paths = [
        write_lines(tmp_path / f"{kind.__name__}.ndjson.gz", lines)
        for kind, lines in by_kind.items()
    ]
    assert read(*paths) == expected


def test_what_history_stores_gives_the_same_alerts_from_each_kind_of_file(
    slots: list[ClosedSlot], tmp_path: Path
) -> None:
    stored = only_stored(slots)
    assert sum(one.reset for one in stored) == 2
    expected = digest(stored)
    assert expected[0] > 0
    lines = write_lines(tmp_path / "swaps.jsonl", lines_of(stored, with_session=True))
    assert read(lines) == stored
    write_parquet(tmp_path / "text", stored, parts=3)
    from_parquet = read(tmp_path / "text")
    assert from_parquet == stored
    assert digest(from_parquet) == expected
    assert read(*write_parquet(tmp_path / "lists", stored, as_lists=True)) == stored


def test_rows_come_in_spans_and_are_the_same(
    slots: list[ClosedSlot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = only_stored(slots)
    write_parquet(tmp_path, stored)
    monkeypatch.setattr("pw_cli.parquet.swap_rows.SPAN_SLOTS", 7)
    monkeypatch.setattr("pw_cli.parquet.swap_rows.SPAN_ROWS_MAX", 100)
    assert read(tmp_path) == stored


@pytest.mark.corpus
def test_real_blocks_give_the_same_from_each_kind_of_file(corpus_dir: Path, tmp_path: Path) -> None:
    blocks = sorted(corpus_dir.glob("block-*.pb.gz"))
    assert blocks
    expected = read(*blocks)
    stored = only_stored(expected)
    assert sum(len(one.swaps) for one in stored) > 0
    lines = write_lines(tmp_path / "all.jsonl", lines_of(stored, with_session=True))
    write_parquet(tmp_path / "parquet", stored)
    from_parquet = read(tmp_path / "parquet")
    assert read(lines) == from_parquet == stored
    assert digest(from_parquet) == digest(stored)
