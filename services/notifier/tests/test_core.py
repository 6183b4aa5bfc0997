"""What is said in each service's form and what an answer means."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.channels import Channel, Channels, problems
from pw_common.wire.alerts import Alert, Buyer, Condition
from pw_notifier.core.kinds import request_of
from pw_notifier.core.policy import Refused, Retry, Sent, fate_of, meaning, wait_s
from pw_notifier.shell import BadChannels, read_file

NOW_MS = 1_700_000_000_000
MINT = "M" * 43


def alert(**more: Any) -> Alert:
    condition = Condition(text="a >= 1", metric="a", value=3.0, verdict="holds")
    fields: dict[str, Any] = {
        "id": "1" * 32, "episode": "e", "n": 0, "kind": "opened", "trigger": "t",
        "severity": "warning", "slot": 1, "opened_slot": 1, "event_time_ms": NOW_MS,
        "mint": MINT, "title": "A <b>title</b>", "conditions": (condition,),
        "top_buyers": (Buyer(trader="W" * 43, buys=2, volume_sol=1.5, share=0.5),),
        "links": {"dexscreener": f"https://dexscreener.com/solana/{MINT}"},
    }  # fmt: skip
    return Alert(**(fields | more))


def channel(kind: Any, **more: Any) -> Channel:
    return Channel(name="one", kind=kind, **more)


def sent(one: Channel, *alerts: Alert, late: bool = False) -> Any:
    return request_of(one, alerts, late=late, now_s=1_700, telegram_url="https://telegram")


def test_discord_gets_an_embed_with_values_and_pings_nobody() -> None:
    body = msgspec.json.decode(sent(channel("discord", url="https://d"), alert()).body)
    (embed,) = body["embeds"]
    assert embed["fields"] == [{"name": "a >= 1", "value": "3", "inline": True}]
    assert "WWWWWWWW 1.50 SOL (50%)" in embed["description"]
    assert body["allowed_mentions"] == {"parse": []}


def test_telegram_text_is_escaped() -> None:
    one = channel("telegram", bot_token="1:" + "a" * 20, chat_id="7")
    request = sent(one, alert())
    assert request.url == f"https://telegram/bot1:{'a' * 20}/sendMessage"
    body = msgspec.json.decode(request.body)
    assert "A &lt;b&gt;title&lt;/b&gt;" in body["text"]
    assert (body["chat_id"], body["parse_mode"]) == ("7", "HTML")


@pytest.mark.parametrize("kind", ["console", "webhook", "discord", "telegram", "ntfy", "slack"])
def test_late_alerts_are_one_message_that_says_so(kind: Any) -> None:
    many = [alert(title=f"title {n}") for n in range(60)]
    request = sent(channel(kind, url="https://x", secret="s" * 20), *many, late=True)
    text = request.body.decode()
    assert "late" in text
    assert "title 0" in text
    assert len(request.body) < 4_500 or kind == "webhook"


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (204, {}, "", Sent()),
        (429, {"retry-after": "7"}, "", Retry("asked to wait (429)", 7.0)),
        (429, {}, '{"retry_after": 1.5}', Retry("asked to wait (429)", 1.5)),
        (429, {}, '{"parameters": {"retry_after": 9}}', Retry("asked to wait (429)", 9.0)),
        (429, {}, "nonsense", Retry("asked to wait (429)", None)),
        (500, {}, "", Retry("answered 500")),
        (400, {}, "bad", Refused("answered 400: bad")),
    ],
)
def test_answers_mean_what_the_services_document(
    status: int, headers: dict[str, str], body: str, expected: Any
) -> None:
    assert meaning(status, headers, body) == expected


def test_a_channel_that_is_set_up_wrong_is_asked_again_slowly() -> None:
    assert isinstance(meaning(401, {}, ""), Retry)
    assert isinstance(meaning(404, {}, ""), Retry)


@given(st.integers(0, 1_000), st.floats(0, 1e9), st.floats(0, 1))
def test_waits_honour_what_was_asked_and_are_bounded(tries: int, asked: float, jit: float) -> None:
    waited = wait_s(tries, asked, jit)
    assert min(asked, 3_600) <= waited <= 3_600 * 1.2


@pytest.mark.parametrize(
    ("more", "age_s", "fate"),
    [
        ({}, 1, "send"),
        ({}, 121, "late"),
        ({}, 86_401, "expired"),
        ({"severity_min": "critical"}, 1, "unwanted"),
        ({"kinds": ("closed",)}, 1, "unwanted"),
        ({"triggers": ("other",)}, 1, "unwanted"),
        ({"triggers": ("t",), "kinds": ("opened",)}, 1, "send"),
    ],
)
def test_filters_and_age_decide_what_becomes_of_an_alert(more: Any, age_s: int, fate: str) -> None:
    assert fate_of(channel("console", **more), alert(), NOW_MS - 1_000 * age_s, NOW_MS) == fate


def test_blind_alerts_pass_a_filter_of_rules() -> None:
    blind = alert(mint="", kind="blind", trigger="no_ingest", severity="critical")
    assert fate_of(channel("console", triggers=("t",)), blind, NOW_MS, NOW_MS) == "send"


def test_a_file_of_channels_is_read_and_its_faults_are_all_named() -> None:
    good = "entries:\n- {name: a, kind: console}\n"
    assert read_file(good).entries[0].kind == "console"
    with pytest.raises(BadChannels) as caught:
        read_file("entries:\n- {name: A, kind: webhook, url: x}\n- {name: A, kind: telegram}\n")
    for part in ("named twice", "url:", "secret:", "bot_token:", "chat_id:"):
        assert part in str(caught.value)
    assert problems(Channels()) == []
