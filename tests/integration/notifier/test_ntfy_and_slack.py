"""ntfy and Slack as they document themselves: what they are sent, and what their answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from pw_common.documents.channels import (
    Channel,
    Channels,
    problems,
    redacted_channel,
    with_kept_secrets,
)
from pw_common.wire.alerts import Alert, Condition, Severity
from pw_notifier.core.policy import Refused, Retry, Sent
from pw_notifier.delivery.sending import Sender
from pw_notifier.http.bounded import bounded_client
from support.receiver import Receiver, receiving

MINT = "HaMv3cdfDW6357yjpDur6kb6w52BUPJrMJpR76tjpump"
CHART = f"https://dexscreener.com/solana/{MINT}"
TOKEN = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"
TAKEN: tuple[int, dict[str, str], bytes] = (
    200,
    {},
    b'{"id":"sPs71M8A2T","time":1643935928,"event":"message","topic":"calls"}',
)
OK: tuple[int, dict[str, str], bytes] = (200, {}, b"ok")


def alert(severity: Severity = "warning", **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": "1" * 32, "episode": "e", "n": 0, "kind": "opened", "trigger": "whale",
        "severity": severity, "slot": 1, "opened_slot": 1, "event_time_ms": 1, "mint": MINT,
        "title": "WIF & co: whale", "links": {"solscan": f"https://solscan.io/{MINT}"},
        "conditions": (Condition(text="a >= 1", metric="a", value=3.0, verdict="holds"),),
    }  # fmt: skip
    fields["links"] |= {"dexscreener": CHART}
    return Alert(**(fields | more))


def ntfy(receiver: Receiver, **more: Any) -> Channel:
    return Channel(name="phone", kind="ntfy", url=f"{receiver.url}/calls", **more)


def slack(receiver: Receiver) -> Channel:
    return Channel(name="team", kind="slack", url=f"{receiver.url}/services/T0/B0/XXXXXXXXXXXX")


@asynccontextmanager
async def sender() -> AsyncIterator[Sender]:
    async with bounded_client() as client:
        yield Sender(client, "http://127.0.0.1:9", on_cut=lambda _kind: None)


async def answer_of(channel: Channel, *alerts: Alert, late: bool = False) -> Any:
    async with sender() as sending:
        return await sending.send(channel, alerts or (alert(),), late=late)


@pytest.mark.parametrize(("severity", "priority"), [("info", 3), ("warning", 4), ("critical", 5)])
async def test_ntfy_is_asked_at_its_root_with_topic_priority_click_and_a_button(
    severity: Severity, priority: int
) -> None:
    with receiving() as server:
        server.always = TAKEN
        assert await answer_of(ntfy(server, access_token=TOKEN), alert(severity)) == Sent()
    (request,) = server.taken
    assert request.path == "/"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    body = request.json()
    assert (body["topic"], body["priority"], len(body["tags"])) == ("calls", priority, 1)
    assert body["title"] == "WIF & co: whale"
    assert "a >= 1: is 3" in body["message"]
    assert body["click"] == CHART
    assert body["actions"] == [{"action": "view", "label": "Chart", "url": CHART}]


async def test_without_a_token_ntfy_is_asked_without_one() -> None:
    with receiving() as server:
        server.always = TAKEN
        assert await answer_of(ntfy(server)) == Sent()
    assert "authorization" not in server.taken[0].headers


@pytest.mark.parametrize(
    ("status", "code", "words", "expected"),
    [
        (400, 40014, "attachments not allowed", Refused("answered 400: attachments not allowed")),
        (401, 40101, "unauthorized", Retry("answered 401: unauthorized", held=True)),
        (403, 40301, "forbidden", Retry("answered 403: forbidden", held=True)),
        (404, 40401, "page not found", Retry("answered 404: page not found", held=True)),
        (413, 41303, "JSON body too large", Refused("answered 413: JSON body too large")),
        (429, 42901, "limit reached: too many requests", Retry("asked to wait (429)")),
        (500, 50001, "internal server error", Retry("answered 500: internal server error")),
        (507, 50701, "no active subscriber", Retry("answered 507: no active subscriber")),
    ],
)
async def test_ntfys_errors_are_read_as_it_documents_them(
    status: int, code: int, words: str, expected: Any
) -> None:
    told = {"code": code, "http": status, "error": words, "link": "https://ntfy.sh/docs"}
    with receiving() as server:
        server.always = (status, {}, msgspec.json.encode(told))
        assert await answer_of(ntfy(server)) == expected


async def test_slack_gets_blocks_and_what_a_phone_shows_of_them() -> None:
    with receiving() as server:
        server.always = OK
        assert await answer_of(slack(server)) == Sent()
    (request,) = server.taken
    assert request.path == "/services/T0/B0/XXXXXXXXXXXX"
    body = request.json()
    title, details, links = [one["text"]["text"] for one in body["blocks"]]
    assert (body["text"], title) == ("WIF &amp; co: whale", "*WIF &amp; co: whale*")
    assert details.startswith("```a &gt;= 1: is 3\n")
    assert links == f"<{CHART}|Chart>"


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (400, "invalid_payload", Refused("answered 400: invalid_payload")),
        (400, "user_not_found", Retry("answered 400: user_not_found", held=True)),
        (403, "action_prohibited", Retry("answered 403: action_prohibited", held=True)),
        (403, "invalid_token", Retry("answered 403: invalid_token", held=True)),
        (404, "channel_not_found", Retry("answered 404: channel_not_found", held=True)),
        (404, "no_service", Retry("answered 404: no_service", held=True)),
        (410, "channel_is_archived", Retry("answered 410: channel_is_archived", held=True)),
        (500, "rollup_error", Retry("answered 500: rollup_error")),
    ],
)
async def test_slacks_errors_are_read_as_it_documents_them(
    status: int, words: str, expected: Any
) -> None:
    with receiving() as server:
        server.always = (status, {"Content-Type": "text/html"}, words.encode())
        assert await answer_of(slack(server)) == expected


async def test_slack_is_waited_for_as_it_asks() -> None:
    with receiving() as server:
        server.always = (429, {"Retry-After": "30"}, b"rate_limited")
        assert await answer_of(slack(server)) == Retry("asked to wait (429)", 30.0)


async def test_what_is_too_long_for_ntfy_or_slack_is_cut_to_what_they_take() -> None:
    whole = [alert(id=f"{n:032}", detail='\\"\U0001f415&' * 250) for n in range(300)]
    some: tuple[Sequence[Alert], ...] = (whole, whole[:1])
    with receiving() as server:
        for alerts in some:
            for channel in (ntfy(server), slack(server)):
                assert await answer_of(channel, *alerts, late=len(alerts) > 1) == Sent()
    bodies = [(len(one.body), one.json()) for one in server.taken]
    for size, body in bodies:
        if "topic" in body:
            assert len(body["message"].encode()) < 4_096
            assert size <= 8_192
        else:
            assert len(body["blocks"]) <= 50
            assert all(len(one["text"]["text"]) <= 3_000 for one in body["blocks"])
    assert {"300 late alerts" in str(body) for _, body in bodies[:2]} == {True}


def test_an_address_of_ntfy_is_a_server_and_one_topic() -> None:
    def wrong(url: str, **more: Any) -> list[str]:
        entry = Channel(name="phone", kind="ntfy", url=url, **more)
        return problems(Channels(entries=(entry,)))

    assert wrong("https://ntfy.sh/my-calls_7") == []
    assert wrong("http://192.168.1.5:8080/calls", access_token=TOKEN) == []
    for url in (
        "", "ntfy.sh/calls", "https://ntfy.sh", "https://ntfy.sh/", "https://ntfy.sh/a/b",
        "https://ntfy.sh/a?auth=x", "https://ntfy.sh/a#b", "https://ntfy.sh/a b",
        "https://ntfy.sh/" + "a" * 65, "https://[::1/a",
    ):  # fmt: skip
        (why,) = wrong(url)
        assert why.startswith("entries[0] (phone): url: ")
    for token in ("two words", "a\r\nX-Evil: 1", "é", "a" * 257):
        assert "access_token" in wrong("https://ntfy.sh/a", access_token=token)[0]


def test_an_access_token_is_never_shown_and_goes_with_its_server() -> None:
    one = Channel(name="p", kind="ntfy", url="https://ntfy.sh/calls", access_token=TOKEN)
    shown = redacted_channel(one)
    assert "calls" not in str(shown)
    assert TOKEN not in str(shown)
    sent_back = msgspec.convert(shown, Channel)
    stored = Channels(entries=(one,))
    assert with_kept_secrets(Channels(entries=(sent_back,)), stored).entries == (one,)
    elsewhere = msgspec.structs.replace(sent_back, url="https://other.example/calls")
    moved = with_kept_secrets(Channels(entries=(elsewhere,)), stored)
    assert TOKEN not in str(moved)
    assert "access_token: give it again" in problems(moved)[0]
