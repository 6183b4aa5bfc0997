"""`pw simulate` writes the same capture for the same seed, and says what it wrote."""

import argparse
import json
from pathlib import Path

import pytest
import zstandard

from pw_cli.commands.captures import simulate
from pw_common.wire.framing import split
from pw_geyser import geyser_pb2


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    return simulate.run(parser.parse_args(words))


def test_the_same_seed_writes_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        out = str(tmp_path / f"{name}.pb.zst")
        assert call("--seed", "4", "--minutes", "0.1", "--tps", "50", "--out", out) == 0
    assert (tmp_path / "a.pb.zst").read_bytes() == (tmp_path / "b.pb.zst").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pb.zst", "b.pb.zst"]


def test_the_file_is_a_capture_and_the_summary_counts_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "market.pb.zst"
    assert call("--minutes", "0.1", "--tps", "50", "--out", str(out), "--json") == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert printed.err == ""
    with zstandard.open(out, "rb") as file:
        body = file.read()
    updates = [geyser_pb2.SubscribeUpdate.FromString(one) for one in split(body)]
    assert len(updates) == summary["updates"]
    assert len(body) == summary["raw_bytes"]
    assert updates[-1].HasField("slot")


@pytest.mark.parametrize("name", ["market.pb", "missing/market.pb.zst"])
def test_a_file_that_cannot_be_written_is_explained(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--minutes", "0.1", "--out", str(tmp_path / name)) == 2
    assert "--out" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "soon"])
def test_a_length_that_is_no_length_is_refused(minutes: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        call("--minutes", minutes, "--out", str(tmp_path / "x.pb.zst"))
