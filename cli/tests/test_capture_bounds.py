"""A capture holds nothing that its readers refuse."""

from __future__ import annotations

from pathlib import Path

from pw_cli.commands.captures.capture import Tally, _write
from pw_common.wire.captures import CaptureWriter, read_capture
from pw_common.wire.limits import UPDATE_BYTES_MAX


def test_an_update_too_large_to_be_read_back_is_left_out_and_the_capture_is_not_whole(
    tmp_path: Path,
) -> None:
    path, tally = tmp_path / "some.pb", Tally()
    largest = bytes(UPDATE_BYTES_MAX)
    with CaptureWriter(path) as capture:
        for update in (b"before", bytes(UPDATE_BYTES_MAX + 1), largest, b"after"):
            _write(capture, update, tally)
    assert list(read_capture(path)) == [b"before", largest, b"after"]
    assert not tally.whole
    assert "NOT WHOLE: 1 x update over 8 MiB, left out" in tally.line()
