"""`pw backtest` and `pw why` say the same of a capture, of typed lines and of Parquet."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from pw_cli.commands.captures import backtest
from pw_cli.commands.captures.parse import parse_captures
from pw_cli.commands.watching import why
from pw_cli.offline.inputs import closed_slots_of
from pw_cli.offline.offline import batches, closed_slots
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import encode
from pw_parser.core.decode.programs import BUILT_IN
from support.market import market, write_capture
from support.offline_files import lines_of, write_lines, write_parquet


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    return write_capture(folder / "market.pb.zst", market(seed=5, minutes=2.5, tps=30))


@pytest.fixture(scope="module")
def slots(capture: Path) -> list[ClosedSlot]:
    return list(closed_slots([capture]))


@pytest.fixture(scope="module")
def lines(capture: Path, slots: list[ClosedSlot]) -> Path:
    last = slots[-1].slot
    events = [event for batch in batches([capture]) for event in batch.events if event.slot <= last]
    return write_lines(capture.parent / "market.jsonl.gz", map(encode, events))


def tried(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    backtest.add_arguments(parser)
    return backtest.run(parser.parse_args([str(one) for one in words]))


def explained(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    why.add_arguments(parser)
    return why.run(parser.parse_args([str(one) for one in words]))


def test_the_alerts_of_a_capture_are_those_of_its_events_as_lines(
    capture: Path, lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tried("--json", capture) == 0
    expected, told = capsys.readouterr()
    assert told == ""
    assert json.loads(expected.splitlines()[-1])["alerts"] > 0
    assert tried("--json", lines) == 0
    assert capsys.readouterr().out == expected


def test_the_alerts_of_stored_swaps_are_the_same_as_lines_and_as_parquet(
    slots: list[ClosedSlot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tried("--json", write_lines(tmp_path / "swaps.ndjson", lines_of(slots))) == 0
    expected = capsys.readouterr().out
    assert json.loads(expected.splitlines()[-1])["alerts"] > 0
    files = write_parquet(tmp_path / "parquet", slots, parts=2)
    assert tried("--json", tmp_path / "parquet") == 0
    assert capsys.readouterr().out == expected
    assert tried("--json", *files) == 0
    assert capsys.readouterr().out == expected


def test_the_events_that_parse_writes_are_the_slots_of_the_capture(
    capture: Path, slots: list[ClosedSlot], tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("wb") as out:
        assert parse_captures([capture], out, every_event=True) == 0
    found = list(closed_slots_of([path], BUILT_IN, pytest.fail))
    # A capture's last slot may not be complete; lines have what there is of it.
    assert found[: len(slots)] == slots
    assert len(found) <= len(slots) + 1


def test_a_token_is_explained_from_files_alike(
    capture: Path, lines: Path, slots: list[ClosedSlot], capsys: pytest.CaptureFixture[str]
) -> None:
    mint = slots[-1].swaps[0].mint
    assert explained("--json", mint, capture) == 0
    expected = capsys.readouterr().out
    rows = json.loads(expected)
    assert {row["verdict"] for row in rows} & {"holds", "fails"}
    assert explained("--json", mint, lines) == 0
    assert capsys.readouterr().out == expected
    assert explained(mint, lines) == 0
    assert rows[0]["trigger"] in capsys.readouterr().out
    assert explained("1" * 32, lines) == 1
    assert "did not trade within the last hour of these files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("a.jsonl",), "a.jsonl: No such file or directory"),
        (("a.parquet",), "a.parquet: no such file"),
        (("a.pb",), "a.pb: No such file or directory"),
        (("a.txt",), "a.txt: unknown by its name; allowed: captures (.pb"),
        (("a.pb", "b.jsonl"), "captures and typed lines at once; allowed: one kind at a time"),
    ],
)
def test_files_that_cannot_be_read_are_named_and_are_exit_code_2(
    names: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / name for name in names]
    assert tried(*paths) == 2
    assert said in capsys.readouterr().err
    assert explained("1" * 32, *paths) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""


def test_a_bad_line_ends_the_command_with_its_number(
    lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_lines(
        tmp_path / "bad.jsonl", [b'{"type": "slot.v1", "slot": 5, "parent": 4}', b"{"]
    )
    assert tried(path) == 2
    assert f"pw backtest: {path}: line 2: " in capsys.readouterr().err


def test_a_bad_row_ends_the_command_with_its_file_and_signature(
    slots: list[ClosedSlot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import duckdb

    write_parquet(tmp_path / "good", slots[-5:])
    path = tmp_path / "bad.parquet"
    rows = f"SELECT * REPLACE ('hold' AS side) FROM '{tmp_path}/good/swaps-0.parquet'"  # noqa: S608
    duckdb.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    assert tried(path) == 2
    assert f"pw backtest: {path}: slot " in (said := capsys.readouterr().err)
    assert "side: 'hold'; allowed: buy, sell" in said


def test_swaps_without_any_time_are_tried_and_it_is_said(
    slots: list[ClosedSlot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swaps = [encode(swap) for one in slots for swap in one.swaps]
    assert tried("--json", write_lines(tmp_path / "swaps.jsonl", swaps)) == 0
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["swaps"] == len(swaps)
    assert err.startswith("pw backtest: nothing says when the slots were")


def test_rules_for_files_are_refused_where_a_running_system_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert explained("1" * 32, "--triggers", "a.yaml") == 2
    assert "a running system has its own" in capsys.readouterr().err
