"""`pw parse --programs`: another table of programs gives other names, and a bad one is refused."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from pw_cli.commands.captures.parse import add_arguments
from pw_cli.commands.captures.parse import run as parse_captures_of
from pw_common.wire.captures import CaptureWriter
from pw_replay.market import generate

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capture") / "market.pb.gz"
    with CaptureWriter(path) as writer:
        for update in generate(seed=5, minutes=0.2, tps=40):
            writer.write(update)
    return path


def run(capsysbinary: pytest.CaptureFixture[bytes], *args: str) -> tuple[int, list[str], str]:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    code = parse_captures_of(parser.parse_args(args))
    told = capsysbinary.readouterr()
    return code, told.out.decode().splitlines(), told.err.decode()


def test_another_table_names_the_same_trades_otherwise(
    capture: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    table = tmp_path / "programs.jsonl"
    table.write_text(json.dumps({"id": PUMP, "name": "curve_of_old", "kind": "venue"}) + "\n")
    _, built_in, told = run(capsysbinary, str(capture), "--json")
    code, renamed, told_too = run(capsysbinary, str(capture), "--json", "--programs", str(table))
    assert code == 0
    by_pump = [json.loads(line) for line in built_in if '"pumpfun"' in line]
    by_old = [json.loads(line) for line in renamed if '"curve_of_old"' in line]
    assert len(by_pump) > 10
    assert {one["signature"] for one in by_pump} == {one["signature"] for one in by_old}
    revisions = [
        json.loads(text.splitlines()[-1])["programs_revision"] for text in (told, told_too)
    ]
    assert len(set(revisions)) == 2


def test_a_table_that_cannot_be_used_is_refused_with_its_line(
    capture: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    table = tmp_path / "programs.jsonl"
    table.write_text(json.dumps({"id": PUMP, "name": "one", "kind": "dex"}))
    code, lines, told = run(capsysbinary, str(capture), "--programs", str(table))
    assert (code, lines) == (2, [])
    assert "line 1" in told
    code, _, told = run(capsysbinary, str(capture), "--programs", str(tmp_path / "nowhere"))
    assert code == 2
    assert "nowhere" in told
