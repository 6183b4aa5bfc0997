"""A record that nobody can read is named, wherever gaps are read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pw_cli.audit.unreadable import Unreadable, gap_of


def test_a_record_of_a_gap_that_is_none_is_named_by_its_sequence() -> None:
    message: Any = SimpleNamespace(
        data=b"\x00no", metadata=SimpleNamespace(sequence=SimpleNamespace(stream=7))
    )
    with pytest.raises(Unreadable, match=r"^PW_GAP 7: "):
        gap_of(message)
