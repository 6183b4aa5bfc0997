"""A digest says how many it is of, and always how many of them it does not show."""

from __future__ import annotations

import html
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.channels import Channel
from pw_common.wire.alerts import Alert
from pw_notifier.core.kinds import request_of
from pw_notifier.core.wording.render import TEXT_MAX


def alert(n: int, detail: str) -> Alert:
    return Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", trigger="t", severity="critical", slot=1,
        opened_slot=1, event_time_ms=0, mint="M" * 43, title=f"alert number {n}", detail=detail,
    )  # fmt: skip


def shown(kind: Any, alerts: list[Alert]) -> str:
    one = Channel(name="c", kind=kind, url="https://h", bot_token="1:" + "a" * 20, chat_id="1")
    body = request_of(one, alerts, late=True, now_s=0, telegram_url="https://t").body
    if kind == "console":
        return body.decode()
    told = msgspec.json.decode(body)
    if kind == "slack":
        return str(told["blocks"][1]["text"]["text"])
    if kind == "ntfy":
        return str(told["message"])
    return str(told["embeds"][0]["description"] if kind == "discord" else told["text"])


@pytest.mark.parametrize("kind", ["console", "discord", "telegram", "ntfy", "slack"])
@given(
    count=st.integers(2, 256),
    detail=st.text(st.sampled_from("x*_<&\U0001f415 :-.1"), max_size=1_200),
)
def test_what_is_shown_and_what_is_left_out_are_all(kind: Any, count: int, detail: str) -> None:
    text = shown(kind, [alert(n, detail) for n in range(count)])
    assert f"{count} late alerts" in text
    lines = len(re.findall(r"alert number \d+", text))
    left_out = re.search(r"^and (\d+) more", html.unescape(text), re.MULTILINE)
    assert lines + int(left_out[1] if left_out else 0) == count
    assert lines >= 1
    if kind == "discord":
        assert len(text.encode("utf-16-le")) // 2 <= TEXT_MAX
    if kind == "ntfy":
        assert len(msgspec.json.encode(text)) <= 3_600
    if kind == "slack":
        assert len(text.encode("utf-16-le")) // 2 <= 3_000
    if kind == "telegram":
        plain = html.unescape(re.sub(r"</?(?:b|pre)>", "", text))
        assert len(plain.encode("utf-16-le")) // 2 <= 4_096


def test_a_webhooks_digest_leaves_nothing_out() -> None:
    one = Channel(name="c", kind="webhook", url="https://h", secret="s" * 24)
    many = [alert(n, "x" * 1_000) for n in range(256)]
    body = request_of(one, many, late=True, now_s=0, telegram_url="").body
    assert [each["n"] for each in msgspec.json.decode(body)["alerts"]] == list(range(256))
