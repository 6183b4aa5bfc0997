"""A title is read by people: the symbol in it is plain, and an ordinary one is as it ever was."""

from __future__ import annotations

import pytest

from pw_common.text.plain_text import STAND_IN
from pw_detection.alerts.alerting import _title
from pw_detection.alerts.episodes import Firing

MINT = "HaMv3cdfDW6357yjpDur6kb6w52BUPJrMJpR76tjpump"


@pytest.mark.parametrize(
    ("symbol", "title"),
    [
        ("BONK", "BONK: whale concentration"),
        ("", "HaMv3cdf: whale concentration"),
        ("猫 <b>&", "猫 <b>&: whale concentration"),
        ("A\n[critical] B", f"A{STAND_IN}[critical] B: whale concentration"),
        ("\u202eNOP", f"{STAND_IN}NOP: whale concentration"),
        ("x" * 300, "x" * 31 + "\u2026: whale concentration"),
    ],
)
def test_a_title_is_one_line_with_a_short_plain_symbol(symbol: str, title: str) -> None:
    firing = Firing(id="i", episode="e", n=0, kind="opened", severity="info", opened_slot=1)
    assert _title(firing, "whale_concentration", symbol, MINT) == title
