"""`pw parse --explain`, `--fixture`, `--verdicts`: a person sees why, and can keep a case."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pw_cli.commands.captures.explain import explain_one, find, verdicts, write_fixture
from pw_common.wire.captures import CaptureWriter, read_capture
from pw_geyser import geyser_pb2
from pw_replay.market import generate


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("market") / "market.pb.gz"
    with CaptureWriter(path) as writer:
        for update in generate(seed=2, minutes=0.05, tps=60):
            writer.write(update)
    return path


def a_trade(market: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert verdicts([market], None, as_json=True) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return next(str(row["signature"]) for row in rows if row["verdict"].startswith("buy"))


def test_one_transaction_is_explained_to_a_person(
    market: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signature = a_trade(market, capsys)
    assert explain_one(signature[:20], [market], as_json=False) == 0
    shown = capsys.readouterr().out
    for part in ("Balances, net", "Taken out", "Events", "swap: A trade", "confidence", signature):
        assert part in shown
    assert "network_fee: The network and priority fee was taken out" in shown


def test_the_working_is_there_as_json(market: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signature = a_trade(market, capsys)
    assert explain_one(signature, [market], as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "swap"
    assert told["events"][0]["signature"] == signature


def test_what_is_not_there_and_what_is_not_unique_is_said(
    market: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain_one("0", [market], as_json=False) == 1
    assert f"no transaction 0 in {market}" in capsys.readouterr().err
    assert explain_one("", [market], as_json=False) == 1
    assert "signatures begin with" in capsys.readouterr().err


def test_a_fixture_holds_the_transaction_and_its_reading(
    market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signature = a_trade(market, capsys)
    assert write_fixture(signature, [market], tmp_path / "fixtures") == 0
    (update,) = read_capture(tmp_path / "fixtures" / f"{signature}.pb.gz")
    assert find(signature, [market]) == {signature: update}
    expected = json.loads((tmp_path / "fixtures" / f"{signature}.json").read_text())
    assert expected["verdict"] == "swap"


def test_the_command_takes_the_flags(market: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signature = a_trade(market, capsys)
    command = [sys.executable, "-m", "pw_cli.main", "parse", "--explain", signature, str(market)]
    environ = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert "swap: A trade" in done.stdout
    assert "\x1b[" not in done.stdout


def test_a_transaction_that_cannot_be_read_is_one_line_and_leaves_no_fixture(
    market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signature = a_trade(market, capsys)
    (update,) = find(signature, [market]).values()
    message = geyser_pb2.SubscribeUpdate.FromString(update)
    message.transaction.transaction.meta.log_messages.append("marker")
    with CaptureWriter(tmp_path / "broken.pb.gz") as writer:
        writer.write(message.SerializeToString().replace(b"marker", b"mar\xffer"))
    assert explain_one(signature, [tmp_path / "broken.pb.gz"], as_json=False) == 2
    assert write_fixture(signature, [tmp_path / "broken.pb.gz"], tmp_path / "fixtures") == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith(f"pw parse: {signature}: cannot be read: ") for line in said] == [
        True
    ] * 2
    assert not (tmp_path / "fixtures").exists()


def test_a_broken_capture_is_exit_code_2(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pb.gz"
    broken.write_bytes(b"not gzip")
    assert explain_one("x", [broken], as_json=False) == 2
    assert verdicts([broken], None, as_json=False) == 2
    assert write_fixture("x", [broken], tmp_path) == 2
