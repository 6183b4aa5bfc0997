"""`pw up --channels FILE`: a file that cannot be used is refused before anything is started."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pw_cli.up.options.arguments import BadUsage, add_arguments, options


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"entries: [{name: a, kind: pigeon}]", r"entries\[0\]\.kind"),
        (b"a: &a [x]\nb: *a", "anchors and aliases"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested deeper"),
        (b"#" * 300_000, "over 262144 bytes"),
        (
            b"entries: [{name: a, kind: webhook, url: 'http://[::1', secret: ssssssssssssssss}]",
            "url",
        ),
    ],
    ids=lambda value: repr(value[:16]),
)
def test_a_file_of_channels_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, body: bytes, why: str
) -> None:
    path = tmp_path / "channels.yaml"
    path.write_bytes(body)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(BadUsage, match=why):
        options(parser.parse_args(["--channels", str(path)]))
    path.write_bytes(b"entries: [{name: a, kind: console}]")
    assert options(parser.parse_args(["--channels", str(path)])).channels == path
