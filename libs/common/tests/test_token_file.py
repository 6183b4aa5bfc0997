"""The API's token as a file: made once, for its owner only, and never shown."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pw_common.process.token_file import FILE_BYTES_MAX, BadToken, make_token, read_token


def test_a_token_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "api-token"
    before = os.umask(0)
    try:
        assert make_token(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    token = read_token(path)
    assert len(token) >= 43
    assert not make_token(path)
    assert read_token(path) == token
    assert [one.name for one in path.parent.iterdir()] == ["api-token"]


def test_two_who_make_it_at_once_read_the_same_token(tmp_path: Path) -> None:
    path = tmp_path / "api-token"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: (make_token(path), read_token(path)), range(64)))
    assert sum(was for was, _ in made) == 1
    assert len({token for _, token in made}) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["api-token"]


@pytest.mark.parametrize(
    "body",
    [b"", b" \n", b"short", b"two tokens in one file", b"\xff" * 20, b"x" * 513, b"a\nb" * 9],
)
def test_a_file_without_a_usable_token_is_refused_and_not_shown(
    tmp_path: Path, body: bytes
) -> None:
    path = tmp_path / "api-token"
    path.write_bytes(body)
    with pytest.raises(BadToken) as error:
        read_token(path)
    assert str(path) in str(error.value)
    held = body.decode("utf-8", "replace").strip()
    assert not held or held not in str(error.value)


def test_a_file_that_cannot_be_read_or_made_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadToken, match="No such file"):
        read_token(tmp_path / "none")
    with pytest.raises(BadToken, match="directory"):
        read_token(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadToken, match="cannot make a token"):
        make_token(tmp_path / "file" / "api-token")


def test_what_is_read_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "api-token"
    path.write_bytes(b"x" * (FILE_BYTES_MAX * 2))
    with pytest.raises(BadToken, match="16 to 512"):
        read_token(path)
