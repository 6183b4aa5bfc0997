"""A message leads to the chart and to the page that says why, where its service takes the link."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pw_common.documents.channels import Channel
from pw_common.service.settings import BadSettings, load
from pw_common.wire.alerts import Alert
from pw_notifier.config import Settings
from pw_notifier.core.kinds import request_of
from pw_notifier.core.wording.links import is_public

MINT = "HaMv3cdfDW6357yjpDur6kb6w52BUPJrMJpR76tjpump"
CHART = f"https://dexscreener.com/solana/{MINT}"
PAGE = "https://pw.example.org"
WHY = f"{PAGE}/token/{MINT}"


def alert(**more: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": "1" * 32, "episode": "e", "n": 0, "kind": "opened", "trigger": "t", "slot": 1,
        "severity": "warning", "opened_slot": 1, "event_time_ms": 0, "mint": MINT,
        "title": "WIF: whale",
        "links": {"solscan": f"https://solscan.io/token/{MINT}", "dexscreener": CHART},
    }  # fmt: skip
    return Alert(**(fields | more))


def body_of(kind: Any, *alerts: Alert, page_url: str = PAGE, late: bool = False) -> Any:
    one = Channel(name="c", kind=kind, url="https://h/x", bot_token="1:" + "a" * 20, chat_id="1")
    return msgspec.json.decode(
        request_of(
            one, alerts or [alert()], late=late, now_s=0, telegram_url="https://t",
            page_url=page_url,
        ).body
    )  # fmt: skip


def telegram(*alerts: Alert, **more: Any) -> list[tuple[str, str]]:
    rows = body_of("telegram", *alerts, **more).get("reply_markup", {}).get("inline_keyboard", [])
    return [(one["text"], one["url"]) for row in rows for one in row]


def test_telegram_has_a_button_for_the_chart_and_one_for_why() -> None:
    assert telegram() == [("Chart", CHART), ("Why", WHY)]
    assert telegram(page_url="") == [("Chart", CHART)]
    assert telegram(alert(links={}), page_url="") == []
    assert "reply_markup" not in body_of("telegram", alert(links={}), page_url="")


@pytest.mark.parametrize(
    "page_url",
    [
        "http://localhost:8080", "http://127.0.0.1:8080", "http://192.168.1.5", "http://[::1]:80",
        "http://pocketwatcher", "https://pw.local", "https://pw.lan", "http://10.0.0.1/pw",
        "http://api.pocketwatcher.svc.cluster.local",
    ],
)  # fmt: skip
def test_telegram_gets_no_button_that_it_would_refuse_the_message_for(page_url: str) -> None:
    assert telegram(page_url=page_url) == [("Chart", CHART)]
    # Who gets ntfy's message may well be in that network.
    assert body_of("ntfy", page_url=page_url)["click"] == f"{page_url}/token/{MINT}"


def test_the_others_have_the_same_links() -> None:
    ntfy = body_of("ntfy")
    assert ntfy["click"] == WHY
    assert [(one["label"], one["url"]) for one in ntfy["actions"]] == [
        ("Chart", CHART), ("Why", WHY)
    ]  # fmt: skip
    assert body_of("slack")["blocks"][-1]["text"]["text"] == f"<{CHART}|Chart> · <{WHY}|Why>"
    (embed,) = body_of("discord")["embeds"]
    assert embed["url"] == CHART
    assert embed["fields"][-1]["value"] == f"[on your page]({WHY})"


@pytest.mark.parametrize("kind", ["telegram", "ntfy", "slack", "discord"])
def test_what_is_of_no_one_token_leads_nowhere(kind: Any) -> None:
    for body in (
        body_of(kind, alert(mint="", trigger="no_ingest", kind="blind")),
        body_of(kind, alert(mint="../../system?x=" + "1" * 20)),
        body_of(kind, alert(), alert(id="2" * 32)),
        body_of(kind, late=True),
    ):
        text = msgspec.json.encode({**body, "text": ""}).decode()
        assert PAGE not in text
        assert CHART not in text


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://pw.example.org", True), ("http://a.b.co:8443/x", True), ("https://8.8.8.8", True),
        ("https://[2606:4700::1111]", True), ("https://pw.example.org.", True),
        ("https://100.64.0.1", False), ("https://a.123", False), ("https://[::1", False),
        ("", False), ("https://", False), ("https://x.localhost", False),
    ],
)  # fmt: skip
def test_an_address_that_is_known_everywhere_is_told_from_one_that_is_not(
    url: str, public: bool
) -> None:
    assert is_public(url) is public


def test_the_address_of_the_pages_is_checked_before_it_stands_in_messages() -> None:
    def page_url(value: str) -> str | None:
        return load(Settings, {"PW_NOTIFIER_PAGE_URL": value}).page_url

    assert page_url("https://pw.example.org/pw/") == "https://pw.example.org/pw/"
    for wrong in (
        "pw.example.org", "ftp://pw.example.org", "https://u:hunter2@pw.example.org",
        "https://pw.example.org/?token=hunter2", "https://pw.example.org/#a", "https://a)b.co",
        "https://a.co,https://b.co",
    ):  # fmt: skip
        with pytest.raises(BadSettings) as error:
            page_url(wrong)
        assert "PW_NOTIFIER_PAGE_URL" in str(error.value)
        assert "hunter2" not in str(error.value)
