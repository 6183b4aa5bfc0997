"""On a disk that is full `pw up` says one clear sentence, whatever it was about to write."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import pw

PAGE = 4_096
DISK_BYTES = 4 * 1024 * 1024
FEW = ("--parsers", "1", "--rate", "20", "--port", "0", "--timeout", "2")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("a small file system of its own needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(made, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path, *, free_pages: int) -> None:
    (disk / "full").write_bytes(bytes(DISK_BYTES - free_pages * PAGE))


# One page after the other: the list of seeds, the token, the broker's settings, its own files.
@pytest.mark.parametrize("free_pages", [0, 1, 2, 4])
async def test_a_full_disk_is_one_sentence_that_names_the_flag(
    free_pages: int, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(disk, free_pages=free_pages)
    # A relative path, as a person types it.
    monkeypatch.chdir(disk)
    ended = await pw("up", "--data", "data", *FEW)
    assert ended.err.splitlines() == [
        "pw up: --data data: No space left on device; free some, or choose another folder"
    ]
    assert (ended.code, ended.out) == (78, "")
    # What is half written would be in the way once there is room.
    left = {one.name for one in (disk / "data").iterdir()}
    assert left <= {"lock", "nats", "seeds.json", "api-token"}


async def test_a_disk_that_cannot_hold_the_streams_is_said_with_what_is_free(disk: Path) -> None:
    fill(disk, free_pages=128)
    ended = await pw("up", "--data", str(disk / "data"), *FEW)
    assert ended.code == 69
    said = ended.err.splitlines()
    assert "insufficient storage" in said[-2]
    assert said[-1] == f"pw up: --data {disk / 'data'}: 0 MiB are free on its disk"


async def test_a_full_disk_under_a_temporary_folder_leads_to_the_flag(disk: Path) -> None:
    fill(disk, free_pages=1)
    ended = await pw("up", *FEW, TMPDIR=str(disk))
    assert ended.code == 78
    [line] = ended.err.splitlines()
    assert line.startswith("pw up: the temporary folder: No space left on device;")
    assert line.endswith("choose a folder with --data")
