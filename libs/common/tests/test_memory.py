"""What a process holds, and the lesser of what was declared and what its container allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.process.memory import limit_bytes, resident_bytes


def test_this_process_holds_more_than_nothing() -> None:
    assert resident_bytes() > 10_000_000


def test_a_system_that_does_not_say_is_zero(tmp_path: Path) -> None:
    assert resident_bytes(tmp_path / "no") == 0


@pytest.mark.parametrize(("text", "limit"), [("max\n", 1_000), ("700\n", 700), ("9000\n", 1_000)])
def test_a_containers_smaller_limit_counts(tmp_path: Path, text: str, limit: int) -> None:
    path = tmp_path / "memory.max"
    path.write_text(text)
    assert limit_bytes(1_000, (tmp_path / "absent", path)) == limit
