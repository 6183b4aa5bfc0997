"""Transactions that were once read wrong, each with what it must read as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_common.wire.captures import CaptureWriter, read_capture
from pw_parser.core.explain import reading_of

FIXTURES = Path(__file__).parent / "fixtures"


def wrong_in(folder: Path) -> list[str]:
    """Signatures of the cases that read otherwise than their JSON says."""
    wrong = []
    for expected in sorted(folder.glob("*.json")):
        (update,) = read_capture(expected.with_suffix(".pb.gz"))
        read = msgspec.json.decode(msgspec.json.encode(reading_of(update)))
        if read != msgspec.json.decode(expected.read_bytes()):
            wrong.append(expected.stem)
    return wrong


def test_every_case_reads_as_it_must() -> None:
    assert wrong_in(FIXTURES) == []


@pytest.mark.parametrize("tampered", [False, True])
def test_a_case_that_reads_otherwise_is_noticed(
    buy: Any, tmp_path: Path, *, tampered: bool
) -> None:
    update = buy("alice").update()
    with CaptureWriter(tmp_path / "one.pb.gz") as writer:
        writer.write(update)
    body = msgspec.json.encode(reading_of(update))
    if tampered:
        body = body.replace(b'"buy"', b'"sell"')
    (tmp_path / "one.json").write_bytes(body)
    assert wrong_in(tmp_path) == (["one"] if tampered else [])
