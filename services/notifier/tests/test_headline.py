"""Line one of a message: what a lock screen shows of it says everything that is known."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.channels import Channel
from pw_common.wire.alerts import Alert
from pw_notifier.core.kinds import request_of
from pw_notifier.core.wording.headline import (
    LOCK_SCREEN_CHARS,
    compact,
    headline,
    percent,
    price_text,
)

FIGURES = " · 0.0₅123 SOL · cap 1.23k SOL · 5m +45 %"


def alert(title: str = "WIF: whale concentration", **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": "1" * 32, "episode": "e", "n": 0, "kind": "opened", "trigger": "t", "slot": 1,
        "severity": "warning", "opened_slot": 1, "event_time_ms": 0, "mint": "M" * 43,
        "title": title, "price_sol": 1.234e-6, "market_cap_sol": 1_234.0,
        "metrics": {"price_change_5m": 0.45, "price_change_1h": -0.2},
    }  # fmt: skip
    return Alert(**(fields | more))


@pytest.mark.parametrize(
    ("price_sol", "shown"),
    [
        (1.234e-6, "0.0₅123"), (1.2e-10, "0.0₉12"), (9.999e-7, "0.0₅1"), (0.000123, "0.000123"),
        (0.00001234, "0.0₄123"), (0.0123, "0.0123"), (0.5, "0.5"), (1.0, "1"), (12.345, "12.3"),
        (999.4, "999"), (1_234.5, "1,234"), (1e-300, "0.0₂₉₉1"),
    ],
)  # fmt: skip
def test_a_price_has_three_digits_that_count(price_sol: float, shown: str) -> None:
    assert price_text(price_sol) == f"{shown} SOL"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.5"), (28.4, "28.4"), (412.0, "412"), (999.4, "999"), (999.6, "1k"),
        (1_234.0, "1.23k"), (12_345.0, "12.3k"), (999_499.0, "999k"), (999_500.0, "1M"),
        (1.5e6, "1.5M"), (2.0e9, "2B"), (4.5e12, "4.5T"), (1.2e30, "1.20e+18T"),
        (0.0000123, "0.0₄123"),
    ],
)  # fmt: skip
def test_large_numbers_are_thousands_millions_and_billions(value: float, shown: str) -> None:
    assert compact(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.45, "+45 %"), (-0.2, "-20 %"), (0.0, "0 %"), (0.0001, "0 %"), (-0.0001, "0 %"),
        (0.0456, "+4.6 %"), (0.05, "+5 %"), (0.0996, "+10 %"), (12.34, "+1,234 %"),
        (99.996, "+10,000 %"), (123.4, "+12.3k %"), (-1.0, "-100 %"),
    ],
)  # fmt: skip
def test_a_change_has_its_sign_and_no_digit_too_many(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_it_names_token_rule_price_cap_and_change_in_this_order() -> None:
    assert headline(alert()) == f"WIF: whale concentration{FIGURES}"


def test_what_is_unknown_is_left_out() -> None:
    title = "WIF: whale concentration"
    assert headline(alert(price_sol=None, market_cap_sol=None, metrics={})) == title
    assert headline(alert(market_cap_sol=None, metrics={"price_change_5m": None})) == (
        f"{title} · 0.0₅123 SOL"
    )
    hour = {"price_change_5m": None, "price_change_1h": -0.2}
    assert headline(alert(price_sol=None, metrics=hour)) == f"{title} · cap 1.23k SOL · 1h -20 %"
    wild = {"price_change_5m": float("nan")}
    for value in (0.0, -1.0, float("inf"), float("nan")):
        assert headline(alert(price_sol=value, market_cap_sol=value, metrics=wild)) == title


def test_a_long_symbol_gives_way_before_the_rule_does() -> None:
    rule = "concentrated accumulation"
    assert headline(alert(f"{'S' * 32}: {rule}")) == f"{'S' * 11}…: {rule}{FIGURES}"
    assert headline(alert("A name without a rule that is far too long to be shown")) == (
        f"A name without a rule that is far too …{FIGURES}"
    )


@given(
    st.text(max_size=120),
    st.none() | st.floats(),
    st.none() | st.floats(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_is_known_is_within_what_a_lock_screen_shows(
    title: str, price: float | None, cap: float | None, change: float | None
) -> None:
    one = alert(title, price_sol=price, market_cap_sol=cap, metrics={"price_change_5m": change})
    shown = headline(one)
    assert len(shown) <= LOCK_SCREEN_CHARS or shown == title
    assert ("5m " in shown[-20:] or change is None) or "5m " in title
    if price is None and cap is None and change is None:
        assert shown == title


@pytest.mark.parametrize("kind", ["console", "discord", "telegram", "ntfy", "slack"])
def test_every_channel_begins_with_it(kind: Any) -> None:
    one = Channel(name="c", kind=kind, url="https://h/x", bot_token="1:" + "a" * 20, chat_id="1")
    body = request_of(one, [alert()], late=False, now_s=0, telegram_url="https://t").body
    line = f"WIF: whale concentration{FIGURES}"
    if kind == "console":
        assert body.decode() == f"[warning] {line} {'M' * 43}"
        return
    told = msgspec.json.decode(body)
    first = {
        "discord": told.get("embeds", [{}])[0].get("title"),
        "telegram": re.sub("<[^>]*>", "", told.get("text", "").split("\n")[0]),
        "ntfy": told.get("title"),
        "slack": told.get("text"),
    }
    assert first[kind] == line
