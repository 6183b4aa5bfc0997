"""Rows of all pages, in order and each once; and alerts that come, also over broken connections."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pocketwatcher import BadAnswer, Client, NotNow, NotReached, WrongToken
from pocketwatcher import following as following_module
from pocketwatcher.events import BLOCK_BYTES_MAX

HEAD = {"slot": 5, "event_time_ms": 6, "holes": [{"first_ms": 1, "last_ms": 2, "why": "lost"}]}
EVENTS = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"


def alert(n: int) -> dict[str, Any]:
    return {
        "id": f"{n}", "kind": "opened", "trigger": "quick", "severity": "info", "slot": n,
        "event_time_ms": n,
    }  # fmt: skip


def event(n: int, data: str | None = None) -> str:
    return f"event: alert\nid: {n}\ndata: {data or json.dumps(alert(n))}\n\n"


def stream(*parts: str) -> bytes:
    return (EVENTS + "".join(parts)).encode()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_module, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(following_module, "LONGEST_WAIT_S", 0.002)


def test_alerts_go_on_from_the_stream_into_history_and_empty_pages_end_nothing(server: Any) -> None:
    server.says(
        json.dumps({"alerts": [alert(9)], "next_before_seq": 9, "next_before": None}),
        json.dumps({"alerts": [], "next_before_seq": 4, "next_before": None}),
        json.dumps({"alerts": [alert(4)], "next_before_seq": None, "next_before": "4.a"}),
        json.dumps({"alerts": [{"alert": alert(3)}], "next_before": "3.a", "history": HEAD}),
        json.dumps({"alerts": [], "next_before": None, "history": HEAD}),
    )
    with Client(server.url) as client:
        rows = client.alerts(trigger="quick")
        assert rows.history is None
        assert [one.id for one in rows] == ["9", "4", "3"]
        assert rows.history is not None
        assert rows.history.holes[0].why == "lost"
        assert next(rows, None) is None
    assert [path.partition("?")[2] for path, _ in server.asked] == [
        "trigger=quick&limit=200",
        "trigger=quick&limit=200&before_seq=9",
        "trigger=quick&limit=200&before_seq=4",
        "trigger=quick&limit=200&before=4.a",
        "trigger=quick&limit=200&before=3.a",
    ]


def test_a_limit_asks_for_no_more_than_that(server: Any) -> None:
    page = {"alerts": [alert(n) for n in range(3)], "next_before_seq": 1, "next_before": None}
    server.says(json.dumps(page))
    with Client(server.url) as client:
        assert len(list(client.alerts(limit=3))) == 3
        assert list(client.alerts(limit=0)) == []
    assert [path for path, _ in server.asked] == ["/api/v1/alerts?limit=3"]


def test_a_page_that_could_not_be_had_is_asked_for_again_and_none_is_left_out(
    server: Any, answer: Callable[..., bytes]
) -> None:
    page = {"found": [{"kind": "token", "address": "a"}], "next_skip": 100, "history": HEAD}
    end = page | {"next_skip": None}
    busy = answer('{"detail": "busy"}', "503 Service Unavailable")
    server.answers = [answer(json.dumps(page)), busy, answer(json.dumps(end))]
    with Client(server.url) as client:
        rows = client.search("a")
        next(rows)
        with pytest.raises(NotNow, match="busy"):
            next(rows)
        assert len(list(rows)) == 1
    assert [path.rpartition("&")[2] for path, _ in server.asked] == [
        "limit=100", "skip=100", "skip=100",
    ]  # fmt: skip


def test_a_page_that_names_itself_as_the_next_does_not_go_on_for_ever(server: Any) -> None:
    server.says(json.dumps({"found": [], "next_skip": 7, "history": HEAD}))
    with Client(server.url) as client, pytest.raises(BadAnswer, match="after itself"):
        list(client.search("a"))


def test_a_stream_goes_on_after_the_last_alert_and_leaves_out_what_is_none(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = [
        # It breaks before the first alert, and its place is known all the same.
        stream(": alerts\nid: 4\n\n"),
        stream(
            ": alerts\nid: 4\n\n", event(5), ": ping\n\n", event(6, "{"), "event: alert\nid: 7\nda"
        ),
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"nonsense",
        stream(": alerts\nid: 6\n\n", event(7), "event: error\ndata: broker away\n\n"),
        # A stream of this name that was made again: its places begin again.
        stream(": alerts\nid: 0\n\n", event(1), "id: " + "9" * 99 + "\n\n", event(2)),
    ]
    with caplog.at_level(logging.WARNING), Client(server.url) as client:
        with client.follow() as alerts:
            assert alerts.seq == 4
            assert [next(alerts).slot for _ in range(4)] == [5, 7, 1, 2]
            assert alerts.seq == 2
        assert list(alerts) == []
    places = [headers.get("last-event-id") for _, headers in server.asked]
    # What was broken off before it was answered is asked for twice.
    assert places == [None, "4", "6", "6", "6", "7"]
    said = caplog.text
    assert "6 is left out" in said
    assert "the API says: broker away" in said
    assert "502" in said


def test_what_would_fail_again_is_raised_at_once_and_in_the_middle(
    server: Any, answer: Callable[..., bytes]
) -> None:
    refused = answer('{"detail": "no"}', "401 Unauthorized")
    server.answers = [refused]
    with Client(server.url) as client, pytest.raises(WrongToken):
        client.follow()
    server.answers = [stream(event(5)), refused]
    with Client(server.url) as client:
        alerts = client.follow(after=4)
        assert next(alerts).seq is None
        with pytest.raises(WrongToken):
            next(alerts)
        assert list(alerts) == []
    server.answers = [stream("data: " + "x" * (BLOCK_BYTES_MAX + 1))]
    with Client(server.url) as client, pytest.raises(BadAnswer, match="stream of alerts"):
        next(client.follow(after=4))
    server.answers = [stream("")]
    with Client(server.url) as client, pytest.raises(NotReached, match="before it began"):
        client.follow()
    server.says("<html>")
    with Client(server.url) as client, pytest.raises(BadAnswer, match="no stream of alerts"):
        client.follow()


def test_closing_the_client_ends_a_loop_that_waits_for_a_connection(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_module, "FIRST_WAIT_S", 600)
    monkeypatch.setattr(following_module, "LONGEST_WAIT_S", 600)
    server.answers = [stream(": alerts\nid: 4\n\n", event(5))]
    client = Client(server.url)
    alerts = client.follow()
    assert next(alerts).id == "5"
    found: list[object] = []
    reader = threading.Thread(target=lambda: found.extend(alerts))
    reader.start()
    client.close()
    reader.join(60)
    assert not reader.is_alive()
    assert found == []
