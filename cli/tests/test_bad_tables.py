"""`--programs FILE` with a table that cannot be used: a line for each fault, and no traceback."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pw_cli.commands.captures import backtest, parse
from pw_cli.offline.programs_file import FILE_BYTES_MAX, programs_of
from pw_common.documents.document import BadDocument
from pw_common.documents.programs import BadPrograms
from pw_common.wire.captures import CaptureWriter
from pw_replay.market import generate

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
ENTRY = {"id": PUMP, "name": "one", "kind": "venue"}
OTHER = json.dumps({"id": "1" * 32, "name": "other", "kind": "infrastructure"})
DEEP = '{"id":' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capture") / "market.pb.gz"
    with CaptureWriter(path) as writer:
        for update in generate(seed=5, minutes=0.05, tps=20):
            writer.write(update)
    return path


def line(**changes: Any) -> str:
    return json.dumps(ENTRY | changes)


@pytest.mark.parametrize("command", [parse, backtest])
@pytest.mark.parametrize(
    "bad",
    [
        line(kind=["venue"]),
        line(kind="a\x1b[31m"),
        line(name="\ud800x"),
        line(name="a\nb\x1b[31m"),
        line(users={"*": "12"}),
        line(takes=[""]),
        line(**{"\x1b[31m": 1}),
        DEEP,
    ],
)
def test_a_bad_table_is_bad_input_on_one_plain_line(
    command: Any, bad: str, capture: Path, tmp_path: Path, capsysbinary: Any
) -> None:
    table = tmp_path / "programs.jsonl"
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args([str(capture), "--programs", str(table)])
    for text, number in ((f"{OTHER}\n{bad}\n", 2), (bad, 1)):
        table.write_text(text)
        assert command.run(args) == 2
        out, err = (stream.decode() for stream in capsysbinary.readouterr())
        assert out == ""
        assert f"line {number}: " in err
        assert err.endswith("\n")
        assert err[:-1].isprintable()


@pytest.mark.parametrize("bad", ['{"entries": ' + DEEP + "}", '{"entries": ["\\ud800"]}', "[" * 99])
def test_a_bad_document_is_bad_input_too(bad: str, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text(bad)
    with pytest.raises(BadDocument):
        programs_of(path)


def test_a_table_that_is_too_long_is_refused_rather_than_cut(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text(f"{line()}\n" + "\n" * FILE_BYTES_MAX + OTHER)
    with pytest.raises(BadPrograms, match=f"over {FILE_BYTES_MAX} bytes"):
        programs_of(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
@pytest.mark.parametrize("begin", [b"", b"{", b'{"entries": [', b"entries:\n- ", b"[{"])
def test_any_file_is_programs_or_a_bad_document(begin: bytes, body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(begin + body)
    try:
        programs_of(path)
    except BadDocument as error:
        assert error.errors  # noqa: PT017
