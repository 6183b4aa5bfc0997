"""Capture files: what is written is read, in pieces, and what breaks says where."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pw_common.wire.captures import PIECE_BYTES, SUFFIXES, BadCapture, CaptureWriter, read_capture
from pw_common.wire.framing import join, varint
from pw_common.wire.limits import UPDATE_BYTES_MAX

UPDATES = [b"", b"one", b"x" * (PIECE_BYTES + 5), b"three" * 100, b""]


def written(path: Path, updates: list[bytes]) -> Path:
    with CaptureWriter(path) as capture:
        for update in updates:
            capture.write(update)
        assert capture.updates == len(updates)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read_in_order(tmp_path: Path, suffix: str) -> None:
    assert list(read_capture(written(tmp_path / f"a{suffix}", UPDATES))) == UPDATES


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(updates=st.lists(st.binary(max_size=300), max_size=20), suffix=st.sampled_from(SUFFIXES))
def test_any_updates_survive_the_file(tmp_path: Path, updates: list[bytes], suffix: str) -> None:
    assert list(read_capture(written(tmp_path / f"a{suffix}", updates))) == updates


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_updates_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    one = written(tmp_path / f"one{suffix}", UPDATES).read_bytes()
    assert one == written(tmp_path / f"another-name{suffix}", UPDATES).read_bytes()


def test_files_made_by_the_ordinary_tools_are_read(tmp_path: Path) -> None:
    raw = join(UPDATES)
    halves = raw[: len(raw) // 2], raw[len(raw) // 2 :]
    (tmp_path / "a.pb.gz").write_bytes(b"".join(gzip.compress(half) for half in halves))
    zstd = zstandard.ZstdCompressor()
    (tmp_path / "a.pb.zst").write_bytes(b"".join(zstd.compress(half) for half in halves))
    for name in ("a.pb.gz", "a.pb.zst"):
        assert list(read_capture(tmp_path / name)) == UPDATES


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pb", join([b"good"]) + b"\x09cut", "breaks off in update 1, byte 5"),
        ("a.pb", join([b"good"]) + b"\x80", "breaks off in update 1, byte 5"),
        ("a.pb", varint(UPDATE_BYTES_MAX + 1), "length 8388609 over 8388608 at update 0, byte 0"),
        ("a.pb", b"\xff" * 11, "over 8388608 at update 0"),
        ("a.pb.gz", b"not gzip", "cannot be decompressed after update 0"),
        ("a.pb.gz", gzip.compress(join([b"good"]), mtime=0)[:-9], "cannot be decompressed"),
        ("a.pb.zst", b"not zstd", "cannot be decompressed after update 0"),
        ("a.pb.xz", b"", "allowed: .pb, .pb.gz, .pb.zst"),
    ],
)
def test_a_broken_file_says_which_and_where(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadCapture) as caught:
        list(read_capture(path))
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadCapture, match="No such file"):
        list(read_capture(tmp_path / "none.pb.gz"))


def test_the_updates_before_a_break_are_given(tmp_path: Path) -> None:
    path = tmp_path / "a.pb"
    path.write_bytes(join([b"one", b"two"]) + b"\x09cut")
    reader = read_capture(path)
    assert [next(reader), next(reader)] == [b"one", b"two"]
