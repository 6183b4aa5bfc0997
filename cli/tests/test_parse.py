"""`pw parse`: captures in, swaps out, each once, in chain order, with honest exit codes."""

from __future__ import annotations

import argparse
import io
import json
import os
from pathlib import Path

import msgspec
import pytest

from pw_cli.commands.captures.parse import add_arguments, first_slot, in_chain_order, parse_captures
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import Swap, swap_digest
from pw_geyser import geyser_pb2


def block_meta(slot: int) -> bytes:
    update = geyser_pb2.SubscribeUpdate()
    update.block_meta.slot = slot
    return update.SerializeToString()


def capture(path: Path, *updates: bytes) -> Path:
    with CaptureWriter(path) as writer:
        for update in updates:
            writer.write(update)
    return path


@pytest.fixture(scope="module")
def real_captures() -> list[Path]:
    folder = Path(os.environ.get("PW_CORPUS_DIR", "../shared/corpus")).resolve()
    found = sorted(folder.glob("*.pb.gz"))
    if not found:
        pytest.skip(f"NO REAL TRANSACTIONS in {folder}: set PW_CORPUS_DIR")
    return found


def test_captures_play_in_the_order_of_their_first_slot(tmp_path: Path) -> None:
    late = capture(tmp_path / "a.pb", b"\xff", block_meta(9))
    early = capture(tmp_path / "b.pb.gz", block_meta(5))
    empty = capture(tmp_path / "c.pb.zst")
    assert first_slot(late) == 9
    assert in_chain_order([empty, late, early]) == [early, late, empty]


def test_a_bad_update_is_named_and_the_exit_code_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = capture(tmp_path / "a.pb", block_meta(5), b"\xff\xff", block_meta(6))
    assert parse_captures([path], io.BytesIO(), as_json=False) == 1
    told = capsys.readouterr().err
    assert f"{path}: update 1: not a SubscribeUpdate" in told
    assert "1 bad updates" in told


def test_an_unreadable_file_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parse_captures([tmp_path / "none.pb"], io.BytesIO()) == 2
    assert "none.pb: No such file" in capsys.readouterr().err


def test_a_capture_that_breaks_off_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.pb"
    path.write_bytes(b"\x09cut")
    assert parse_captures([path], io.BytesIO()) == 2
    assert "breaks off in update 0" in capsys.readouterr().err


def test_the_arguments_are_captures_and_two_flags() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(["a.pb", "b.pb", "--json", "--digest"])
    assert (args.captures, args.json, args.digest) == ([Path("a.pb"), Path("b.pb")], True, True)


@pytest.mark.corpus
def test_repeats_are_dropped_and_the_digest_is_that_of_the_swaps_written(
    real_captures: list[Path], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    twice = tmp_path / "again.pb.gz"
    twice.write_bytes(real_captures[0].read_bytes())
    out = io.BytesIO()
    assert parse_captures([*real_captures, twice], out, as_json=True, with_digest=True) == 0
    figures = json.loads(capfdbinary.readouterr().err)
    lines = out.getvalue().splitlines()
    # Amounts are text for the many readers that round above 2**53; the digest is of what is stored.
    assert all(type(json.loads(line)["base_amount_raw"]) is str for line in lines)
    swaps = [msgspec.json.decode(line, type=Swap, strict=False) for line in lines]
    keys = {(swap.signature, swap.ordinal) for swap in swaps}
    assert len(keys) == len(swaps) == figures["swaps"]
    assert figures["repeats"] > 0
    assert figures["swap_digest"] == swap_digest(swaps)
