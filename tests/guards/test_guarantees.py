"""Every promise in docs/guarantees.md names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "docs/guarantees.md").read_text())


def test_there_are_promises() -> None:
    assert len(PROMISES) >= 20


@pytest.mark.parametrize(("path", "name"), sorted(set(PROMISES)))
def test_each_promise_has_its_test(path: str, name: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE)
