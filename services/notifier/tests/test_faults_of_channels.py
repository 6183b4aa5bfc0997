"""Which answers condemn one message, and which say that the channel is at fault."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.channels import Channel
from pw_common.wire.alerts import Alert
from pw_notifier.core.policy import Moved, Refused, Retry, Sent, about_channel, fate_of, meaning

NOT_ABOUT_THE_MESSAGE = [
    status.value
    for status in HTTPStatus
    if 300 <= status < 500 and status not in {400, 408, 413, 425, 429}
]


@pytest.mark.parametrize("kind", ["webhook", "discord", "telegram", "ntfy", "slack"])
@pytest.mark.parametrize("status", NOT_ABOUT_THE_MESSAGE)
def test_what_would_be_said_of_every_alert_holds_the_channel(status: int, kind: Any) -> None:
    answer = meaning(status, {}, "no", kind=kind)
    assert isinstance(answer, Retry)
    assert answer.held
    assert str(status) in answer.why


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_failure_that_passes_is_no_fault_of_the_channel(status: int) -> None:
    answer = meaning(status, {}, "")
    assert isinstance(answer, Retry)
    assert not answer.held


def telegram(description: str, **more: Any) -> Any:
    body = {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"} | more
    return meaning(400, {}, msgspec.json.encode(body).decode(), kind="telegram")


@pytest.mark.parametrize(
    "said",
    [
        "chat not found",
        "group chat was deactivated",
        "not enough rights to send text messages to the chat",
        "need administrator rights in the channel chat",
        "PEER_ID_INVALID",
        "CHAT_WRITE_FORBIDDEN",
        "TOPIC_CLOSED",
        "message thread not found",
        "chat_id is empty",
        "group chat was upgraded to a supergroup chat",
    ],
)
def test_telegrams_400_about_a_chat_holds_the_channel_with_its_words(said: str) -> None:
    assert telegram(said) == Retry(f"answered 400: Bad Request: {said}", held=True)


@pytest.mark.parametrize(
    "said",
    [
        "can't parse entities: unsupported start tag",
        "message is too long",
        "MESSAGE_TOO_LONG",
        "message text is empty",
        "text must be non-empty",
        "ENTITIES_TOO_LONG",
        "strings must be encoded in UTF-8",
    ],
)
def test_telegrams_400_about_a_text_condemns_that_message(said: str) -> None:
    assert telegram(said) == Refused(f"answered 400: Bad Request: {said}")


def test_a_group_that_became_a_supergroup_is_followed() -> None:
    upgraded = "group chat was upgraded to a supergroup chat"
    moved = telegram(upgraded, parameters={"migrate_to_chat_id": -1001557912345})
    assert moved == Moved("-1001557912345", f"answered 400: Bad Request: {upgraded}")


@pytest.mark.parametrize(
    "told", [True, None, 1.5, "x", "-1\n", [], {}, 10**30, "@a/b", "", "12 34", -(10**25)]
)
def test_a_new_chat_that_is_none_holds_the_channel(told: Any) -> None:
    body = f'{{"parameters": {{"migrate_to_chat_id": {msgspec.json.encode(told).decode()}}}}}'
    answer = meaning(400, {}, body, kind="telegram")
    assert isinstance(answer, Retry)
    assert answer.held


@pytest.mark.parametrize(
    ("body", "condemned"),
    [
        ({"code": 50035, "message": "Invalid Form Body", "errors": {"embeds": {}}}, True),
        ({"code": 50035, "message": "Invalid Form Body"}, True),
        ({"code": 50006, "message": "Cannot send an empty message"}, True),
        ({"code": 200000, "message": "Message was blocked by automatic moderation"}, True),
        ({"code": 50035, "errors": {"webhook_id": {"_errors": []}}}, False),
        ({"code": 220001, "message": "Webhooks posted to forum channels need a thread"}, False),
        ({"message": "Bad Request"}, False),
        ("<html>400</html>", False),
    ],
)
def test_discords_400_is_read_by_its_code(body: Any, condemned: bool) -> None:
    text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    answer = meaning(400, {}, text, kind="discord")
    assert isinstance(answer, Refused) is condemned
    assert isinstance(answer, Retry) is not condemned


def test_the_services_own_words_are_taken_from_its_json() -> None:
    said = '{"message": "Unknown Webhook", "code": 10015}'
    assert meaning(404, {}, said, kind="discord") == Retry(
        "answered 404: Unknown Webhook", held=True
    )
    assert meaning(401, {}, '{"detail": ["x"]}') == Retry(
        'answered 401: {"detail": ["x"]}', held=True
    )


@pytest.mark.parametrize(
    ("body", "condemned"),
    [
        ({"code": 40014, "http": 400, "error": "invalid request: attachments not allowed"}, True),
        ({"code": 40018, "http": 400, "error": "invalid request: actions invalid"}, True),
        ({"code": 40009, "http": 400, "error": "invalid request: topic invalid"}, False),
        ({"code": 40010, "http": 400, "error": "invalid request: topic name is disallowed"}, False),
        ({"code": True, "error": "x"}, False),
        ("bad gateway", False),
    ],
)
def test_ntfys_400_is_read_by_its_code(body: Any, condemned: bool) -> None:
    text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    answer = meaning(400, {}, text, kind="ntfy")
    assert isinstance(answer, Refused if condemned else Retry)
    words = body["error"] if isinstance(body, dict) else body
    assert answer.why == f"answered 400: {words}"


@pytest.mark.parametrize(
    ("body", "condemned"),
    [
        ("invalid_payload", True),
        ("invalid_blocks\n", True),
        ("no_text", True),
        ("user_not_found", False),
        ("channel_not_found", False),
        ("<html>invalid_payload</html>", False),
        ('"invalid_payload"', False),
        ("", False),
    ],
)
def test_slacks_400_is_read_by_its_word(body: str, condemned: bool) -> None:
    answer = meaning(400, {}, body, kind="slack")
    assert isinstance(answer, Refused if condemned else Retry)


def test_a_redirect_says_where_to_without_what_may_be_a_secret() -> None:
    answer = meaning(301, {"location": "https://new.example/hooks/hunter2?key=hunter2"}, "")
    assert answer == Retry("answered 301 (to https://new.example/***): it has moved", held=True)
    assert meaning(302, {"location": "/elsewhere"}, "") == Retry(
        "answered 302: it has moved", held=True
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = ("retry_after", "parameters", "description", "message", "detail", "code", "error", "errors")


@given(
    st.integers(100, 599),
    st.sampled_from(["webhook", "discord", "telegram", "ntfy", "slack"]),
    st.dictionaries(st.sampled_from(NAMES), JSON | st.fixed_dictionaries(
        {"migrate_to_chat_id": JSON, "retry_after": JSON})),
    st.text(),
)  # fmt: skip
def test_whatever_a_service_says_is_one_short_plain_line(
    status: int, kind: Any, said: dict[str, Any], location: str
) -> None:
    body = msgspec.json.encode(said).decode()
    answer = meaning(status, {"location": f"https://x/{location}"}, body, kind=kind)
    why = "" if isinstance(answer, Sent) else answer.why
    assert len(why) <= 250
    assert len(why.splitlines()) <= 1
    assert not (location and len(location) > 3 and location in why and status // 100 == 3)


def test_how_a_channel_fails_is_not_reported_through_it() -> None:
    failing = Alert(
        id="1" * 32, episode="e", n=0, kind="blind", trigger=about_channel("tg"),
        severity="critical", slot=0, opened_slot=0, event_time_ms=0,
    )  # fmt: skip

    def fate(name: str, alert: Alert) -> str:
        return fate_of(Channel(name=name, kind="console"), alert, 0, 0)

    assert fate("tg", failing) == "unwanted"
    assert fate("other", failing) == "send"
    # A rule may have any name, and its alerts have a token.
    assert fate("tg", msgspec.structs.replace(failing, mint="M" * 43)) == "send"
