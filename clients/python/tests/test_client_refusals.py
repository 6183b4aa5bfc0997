"""Each refusal has a type and words, whoever answers; and the token is nobody else's."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

import pytest

from pocketwatcher import (
    BadAnswer,
    BadQuestion,
    BadSetting,
    Client,
    Failed,
    NotFound,
    NotNow,
    NotReached,
    PocketwatcherError,
    Refused,
    WrongToken,
)
from pocketwatcher import transport as transport_module

TOKEN = "a-token-that-nobody-may-see"


def problem(status: int, detail: str, **more: Any) -> str:
    return json.dumps(
        {"type": "about:blank", "title": "?", "status": status, "detail": detail} | more
    )


def refused(url: str) -> PocketwatcherError:
    with (
        Client(url, token=TOKEN, timeout_s=5) as client,
        pytest.raises(PocketwatcherError) as found,
    ):
        client.alert("1")
    shown = "".join(traceback.format_exception(found.value)) + repr(found.value)
    assert TOKEN not in shown
    assert TOKEN not in str(vars(found.value))
    return found.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", WrongToken), ("404 Not Found", NotFound), ("403 Forbidden", Refused),
        ("421 Misdirected Request", Refused), ("422 Unprocessable Content", BadQuestion),
        ("429 Too Many Requests", NotNow), ("500 Internal Server Error", Failed),
        ("502 Bad Gateway", Failed), ("503 Service Unavailable", NotNow),
        ("504 Gateway Timeout", NotNow), ("599 ?", Failed), ("204 No Content", Refused),
    ],
)  # fmt: skip
@pytest.mark.parametrize("body", ["", "<html>busy</html>", "{", "[]", '{"detail": 3}', "\x00"])
def test_a_refusal_is_known_by_its_status_whatever_else_is_said(
    server: Any, status: str, kind: type[Refused], body: str
) -> None:
    server.says(body, status=status)
    found = refused(server.url)
    assert type(found) is kind
    assert str(found).startswith(status[:3])
    assert len(str(found)) > len("401: ")


def test_what_the_api_says_is_said_in_short_and_without_the_token(server: Any) -> None:
    said = problem(
        422,
        f"mint: \x1b[31mno {TOKEN}\n" + "x" * 5_000,
        errors=[{"where": "query.mint", "what": f"no {TOKEN}"}],
    )
    server.says(said, status="422 Unprocessable Content")
    found = refused(server.url)
    assert isinstance(found, BadQuestion)
    assert found.detail.startswith("mint: [31mno (token) xxx")
    assert len(found.detail) <= 500
    assert found.fields == {"query.mint": "no (token)"}


def test_a_token_that_json_writes_in_another_way_is_not_shown_either(server: Any) -> None:
    token = 'quote-"-and-\\-backslash'
    server.says(problem(400, f"no {token}", title=token), status="400 Bad Request")
    with Client(server.url, token=token) as client, pytest.raises(Refused) as found:
        client.alert("1")
    assert found.value.detail == "no (token)"


@pytest.mark.parametrize(
    ("header", "retry_after_s"),
    [("7", 7), ("999", 300), ("99999999", None), ("-1", None), ("Wed, 21 Oct", None), ("", None)],
)
def test_later_is_told_in_seconds(server: Any, header: str, retry_after_s: int | None) -> None:
    server.says(problem(503, "busy"), status="503 ?", headers=f"Retry-After: {header}\r\n")
    found = refused(server.url)
    assert isinstance(found, NotNow)
    assert found.retry_after_s == retry_after_s


def test_a_redirect_is_never_followed_and_names_no_secret(server: Any) -> None:
    server.says(
        "", status="307 Temporary Redirect",
        headers=f"Location: https://u:{TOKEN}@elsewhere.example/{TOKEN}?{TOKEN}\r\n",
    )  # fmt: skip
    found = refused(server.url)
    assert isinstance(found, BadAnswer)
    assert "https://elsewhere.example, where" in str(found)
    assert len(server.asked) == 1
    for strange in ("", "Location: http://[\r\n", "Location: //\r\n"):
        server.says("", status="301 ?", headers=strange)
        assert isinstance(refused(server.url), PocketwatcherError)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"HTTP/9 1\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000 + b"\r\n\r\n"],
)  # fmt: skip
def test_a_broken_answer_is_no_answer(server: Any, raw: bytes) -> None:
    server.answers = [raw]
    assert isinstance(refused(server.url), NotReached)


def test_a_kept_connection_that_is_closed_meanwhile_is_not_noticed(server: Any) -> None:
    server.says('{"found": [], "next_skip": null}', b"")
    server.answers.reverse()
    # Nothing at all the first time, as where the API closes just then.
    server.answers[0] = b""
    with Client(server.url) as client:
        assert list(client.search("a")) == []
    assert len(server.asked) == 2


def test_an_answer_that_is_too_long_or_encoded_is_not_read(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "ANSWER_BYTES_MAX", 1_000)
    server.says("x" * 1_001)
    assert "more than 1000 bytes" in str(refused(server.url))
    server.says("{}", headers="Content-Encoding: gzip\r\n")
    assert "encodes" in str(refused(server.url))


def test_nobody_there_says_where_and_what_to_look_for() -> None:
    found = refused("http://127.0.0.1:1")
    assert isinstance(found, NotReached)
    assert "http://127.0.0.1:1: " in str(found)
    assert "Is it running" in str(found)


def test_a_closed_client_says_so(server: Any) -> None:
    client = Client(server.url)
    client.close()
    with pytest.raises(NotReached, match="closed"):
        client.alert("1")


def test_the_token_goes_with_each_question_and_is_never_shown(server: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    server.says('{"found": [], "next_skip": null}')
    for given in ({"token": TOKEN}, {"token_file": tmp_path / "token"}):
        with Client(server.url, **given) as client:
            assert list(client.search("a")) == []
            assert TOKEN not in repr(client)
            assert TOKEN not in str(vars(client))
    assert {headers["authorization"] for _, headers in server.asked} == {f"Bearer {TOKEN}"}
    with Client(server.url) as client:
        assert list(client.search("a")) == []
    assert "authorization" not in server.asked[-1][1]


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 513, "with a space in it", "ümlaut" * 4, "a" * 20 + "\r\nX: 1"]
)
def test_a_token_that_cannot_be_one_is_refused_and_not_shown(tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(token)
    for given in ({"token": token}, {"token_file": tmp_path / "token"}):
        with pytest.raises(BadSetting, match="16 to 512") as found:
            Client(**given)
        assert not token or token not in "".join(traceback.format_exception(found.value))
    with pytest.raises(BadSetting, match="cannot be read"):
        Client(token_file=tmp_path / "none")
    with pytest.raises(BadSetting, match="not both"):
        Client(token="x" * 20, token_file=tmp_path / "token")


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8080", "ftp://host", "http://", "http://u:secret@host", "http://host?secret",
     "http://host#secret", "http://host:99999", "http://[", "http://host:0", "http://\x00"],
)  # fmt: skip
def test_an_address_that_cannot_be_one_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(BadSetting, match="address of an API") as found:
        Client(url)
    assert "secret" not in "".join(traceback.format_exception(found.value))


def test_an_empty_name_asks_for_nothing_else(server: Any) -> None:
    with Client(server.url) as client:
        for ask in (client.alert, client.buyers, client.wallet_tokens, client.wallet_swaps):
            with pytest.raises(BadSetting, match="has no mint"):
                ask("")
    assert server.asked == []


def test_names_are_quoted_so_that_they_stay_names(server: Any) -> None:
    server.says('{"alert": {}}', status="404 Not Found")
    with Client(server.url) as client:
        for name in ("../tokens", "a/b?c=d", "a b", "☃"):
            with pytest.raises(NotFound):
                client.alert(name)
    paths = [path for path, _ in server.asked]
    assert paths[1] == "/api/v1/alerts/a%2Fb%3Fc%3Dd"
    assert all(path.startswith("/api/v1/alerts/") and "/" not in path[15:] for path in paths)
