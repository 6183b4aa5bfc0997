"""Whatever a capture claims or is, reading it ends and takes bounded memory."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from pathlib import Path

import pytest
import zstandard

from pw_common.wire.captures import EMPTY_IN_A_ROW_MAX, BadCapture, read_capture
from pw_common.wire.framing import varint
from pw_common.wire.limits import UPDATE_BYTES_MAX


def why(path: Path) -> str:
    with pytest.raises(BadCapture) as error:
        for _ in read_capture(path):
            pass
    return str(error.value)


def test_a_device_and_a_pipe_are_no_captures(tmp_path: Path) -> None:
    (tmp_path / "zero.pb").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.pb.zst")
    (tmp_path / "folder.pb").mkdir()
    for name in ("zero.pb", "pipe.pb.zst", "folder.pb"):
        assert "not a regular file" in why(tmp_path / name)


@pytest.mark.parametrize("name", ["a.pb.gz", "a.pb.zst"])
def test_a_small_file_that_holds_endless_empty_updates_ends(tmp_path: Path, name: str) -> None:
    zeros = bytes(EMPTY_IN_A_ROW_MAX + 10)
    path = tmp_path / name
    packed = gzip.compress(zeros) if name.endswith("gz") else zstandard.compress(zeros)
    assert len(packed) < 2_000
    path.write_bytes(packed)
    assert "empty updates in a row" in why(path)


def test_empty_updates_among_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pb"
    path.write_bytes((bytes(1_000) + b"\x01x") * 3)
    assert sum(1 for _ in read_capture(path)) == 3 * 1_001


def test_a_claimed_size_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.pb"
    # Just below what is allowed, with nothing behind it.
    path.write_bytes(varint(UPDATE_BYTES_MAX) + b"x")
    tracemalloc.start()
    try:
        assert "breaks off in update 0" in why(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_claimed_window_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.pb.zst"
    # A frame's header without a content size, whose window is 2**41 bytes.
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00" + bytes([31 << 3]) + b"\x01\x00\x00")
    assert "cannot be decompressed" in why(path)
