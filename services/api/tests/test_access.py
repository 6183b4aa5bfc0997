"""Who may ask /api: every Host, Origin, Sec-Fetch-Site and Content-Type, with token or cookie."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from nats.aio.client import Client

from pw_api.app import build_app
from pw_api.core.access import BadHosts, Host, read_hosts
from pw_api.core.codes import USED_MAX, Codes
from pw_common.jetstream.bus import Bus
from pw_common.process.clock import now_ms
from pw_common.process.log import Log
from pw_common.process.version import VERSION
from pw_common.service.metrics import Metrics
from pw_common.service.run import Runtime
from pw_common.wire.login import (
    CODE_LIFE_MS,
    SESSION_LIFE_MS,
    cookie_name,
    new_code,
    new_session,
    session_holds,
)

TOKEN = "a-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
# Answered without a broker: there is no such dry run.
READ = "/api/v1/triggers/dry-run/1"
PASSED = 404
WRITE = "/api/v1/triggers/validate"
NONCE = bytes(range(16))
OPEN = ("/", "/livez", "/readyz", "/metrics", "/openapi.json")


@asynccontextmanager
async def asking(
    token: str | None = TOKEN, hosts: str = "", base: str = "http://127.0.0.1:8080"
) -> AsyncIterator[httpx.AsyncClient]:
    log = Log("test")
    runtime = Runtime(
        service="api",
        instance="api-test",
        bus=Bus(Client(), log),
        log=log,
        metrics=Metrics("api", VERSION),
        stop=asyncio.Event(),
        started_at_ms=0,
    )
    app = build_app(runtime, token, read_hosts(hosts))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client
    runtime.metrics.close()


async def status_of(headers: dict[str, str], *, hosts: str = "", path: str = READ) -> int:
    async with asking(hosts=hosts) as client:
        return (await client.get(path, headers=BEARER | headers)).status_code


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "api", "api:8080", "pw.x:9"],
)
async def test_loopback_names_and_those_of_the_setting_are_answered(host: str) -> None:
    assert await status_of({"Host": host}, hosts="api, PW.x:9") == PASSED


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example:8080", "127.0.0.1.attacker.example", "localhost.attacker.example",
        "localhost.", "api.attacker.example", "pw.x", "pw.x:8", "127.0.0.1:8080,attacker.example",
        "user@127.0.0.1", "[::1", "127.0.0.1:", "0.0.0.0:8080", "2130706433", "",
    ],
)  # fmt: skip
async def test_any_other_host_is_refused_and_the_setting_is_named(host: str) -> None:
    async with asking(hosts="api, pw.x:9") as client:
        for path in (READ, "/login?code=1", "/api", "/nothing"):
            answer = await client.get(path, headers=BEARER | {"Host": host})
            assert answer.status_code == 421, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert "PW_API_HOSTS" in answer.json()["detail"]


async def test_two_hosts_are_no_host() -> None:
    async with asking() as client:
        headers = [*BEARER.items(), ("Host", "127.0.0.1"), ("Host", "attacker.example")]
        assert (await client.get(READ, headers=headers)).status_code == 421


@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://attacker.example", "http://127.0.0.1", "http://127.0.0.1:8081",
        "https://127.0.0.1:8080", "http://localhost:8080", "http://127.0.0.1:8080/",
        "http://u@127.0.0.1:8080", "http://127.0.0.1:99999", "", "file://",
    ],
)  # fmt: skip
async def test_a_foreign_origin_is_refused_on_reads_and_writes(origin: str) -> None:
    async with asking() as client:
        headers = BEARER | {"Origin": origin}
        assert (await client.get(READ, headers=headers)).status_code == 403
        assert (await client.post(WRITE, json=[], headers=headers)).status_code == 403
        preflight = headers | {"Access-Control-Request-Method": "PUT"}
        answer = await client.options("/api/v1/channels", headers=preflight)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("hosts", "host", "origin"),
    [
        ("", "127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("", "[::1]:8080", "http://[::1]:8080"),
        ("", "localhost", "http://localhost"),
        ("", "localhost:80", "http://localhost"),
        ("pw.x", "pw.x:8080", "http://pw.x:8080"),
        # A proxy ends TLS: the page is https, what reaches us is not.
        ("https://pw.x", "pw.x", "https://pw.x"),
        ("https://pw.x:443", "pw.x", "https://pw.x:443"),
        ("https://localhost", "localhost:8443", "https://localhost:8443"),
    ],
)
async def test_the_own_pages_origin_is_taken(hosts: str, host: str, origin: str) -> None:
    headers = {"Host": host, "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert await status_of(headers, hosts=hosts) == PASSED


async def test_behind_tls_the_page_without_tls_is_foreign() -> None:
    headers = {"Host": "pw.x", "Origin": "http://pw.x"}
    assert await status_of(headers, hosts="https://pw.x") == 403


@pytest.mark.parametrize(
    ("site", "status"),
    [
        ("same-origin", PASSED),
        ("none", PASSED),
        ("same-site", 403),
        ("cross-site", 403),
        ("?", 403),
    ],
)
async def test_only_the_own_page_and_the_address_bar_may_ask(site: str, status: int) -> None:
    assert await status_of({"Sec-Fetch-Site": site}) == status
    navigated = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert await status_of(navigated) == status
    # A link in a message leads to the page, whose own requests are same-origin.
    assert await status_of(navigated, path="/") == 200


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        (WRITE, "application/json", 200),
        (WRITE, "application/json; charset=UTF-8", 200),
        (WRITE, 'Application/JSON;charset="utf-8"', 200),
        (WRITE, "application/yaml", 200),
        (WRITE, "text/plain", 415),
        (WRITE, "text/plain; application/json", 415),
        (WRITE, "application/x-www-form-urlencoded", 415),
        (WRITE, "multipart/form-data; boundary=x", 415),
        (WRITE, "application/json; charset=utf-7", 415),
        (WRITE, "application/json, text/plain", 415),
        (WRITE, "", 415),
        ("/api/v1/watchlists/csv", "text/csv; charset=utf-8", 200),
        ("/api/v1/watchlists/csv", "text/plain", 415),
        ("/api/v1/triggers", "application/yaml", 415),
        ("/api/v1/triggers", "text/csv", 415),
    ],
)
async def test_a_write_is_of_a_type_that_no_form_sends(path: str, kind: str, status: int) -> None:
    body = "address,label\n" if path.endswith("csv") else "[]"
    method = "PUT" if path.endswith("triggers") else "POST"
    async with asking() as client:
        headers = BEARER | ({"Content-Type": kind} if kind else {})
        answer = await client.request(method, path, content=body, headers=headers)
        assert answer.status_code == status, answer.text
        if status == 415:
            assert "Content-Type" in answer.json()["detail"]


async def test_a_write_without_a_body_says_its_type_too() -> None:
    async with asking() as client:
        answer = await client.post("/api/v1/channels/x/test", headers=BEARER)
        assert answer.status_code == 415
        assert answer.json()["detail"] == (
            "Send Content-Type: application/json, in UTF-8, also where there is no body."
        )
        deleted = await client.delete("/api/v1/channels", headers=BEARER)
        assert deleted.status_code == 405
        plain = BEARER | {"Content-Type": "text/plain"}
        sent = await client.request("DELETE", "/api/v1/channels", content="x", headers=plain)
        assert sent.status_code == 415


async def test_without_a_token_hosts_origins_and_types_are_asked_all_the_same() -> None:
    async with asking(token=None) as client:
        assert (await client.get(READ)).status_code == PASSED
        assert (await client.get(READ, headers={"Host": "attacker.example"})).status_code == 421
        assert (await client.get(READ, headers={"Origin": "http://a.example"})).status_code == 403
        assert (await client.post(WRITE, content="[]")).status_code == 415


async def test_what_is_not_named_as_open_asks_for_the_token() -> None:
    async with asking() as client:
        for path in ("/api", "/api/", "/nothing", "//api/v1/status", "/API/v1/swaps", "/openapi"):
            assert (await client.get(path)).status_code == 401, path


@pytest.mark.parametrize("path", OPEN)
async def test_static_pages_health_and_metrics_ask_for_nothing(path: str) -> None:
    foreign = {"Host": "attacker.example", "Origin": "null", "Sec-Fetch-Site": "cross-site"}
    async with asking() as client:
        answer = await client.get(path, headers=foreign)
    assert answer.status_code in {200, 503}
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert TOKEN not in answer.text
    assert "set-cookie" not in answer.headers


async def test_refusals_are_counted_by_reason() -> None:
    async with asking() as client:
        await client.get(READ)
        await client.get(READ, headers={"Host": "attacker.example"})
        text = (await client.get("/metrics")).text
    assert re.search(r'pw_api_refused_total\{[^}]*why="token"[^}]*\} 1', text)
    assert re.search(r'pw_api_refused_total\{[^}]*why="host"[^}]*\} 1', text)


@pytest.mark.parametrize("query", ["code=x&a=1&b=2&c=3&d=4", "&" * 500, "code", "%ff=%fe", ""])
async def test_a_link_that_is_none_is_refused_and_no_fault(query: str) -> None:
    async with asking() as client:
        assert (await client.get(f"/login?{query}")).status_code == 403


async def test_a_code_opens_once_and_its_cookie_goes_on() -> None:
    code = new_code(TOKEN, NONCE, now_ms())
    async with asking() as client:
        answer = await client.get(f"/login?code={code}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith(f"{cookie_name(TOKEN)}=")
        assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
        assert "secure" not in cookie
        assert TOKEN not in cookie
        assert code not in cookie
        assert answer.headers["cache-control"] == "no-store"
        assert (await client.get(READ)).status_code == PASSED
        # Opened again where one is in already, it only leads home.
        assert (await client.get(f"/login?code={code}")).status_code == 303
        client.cookies.clear()
        again = await client.get(f"/login?code={code}")
        assert again.status_code == 403
        assert "pw url" in again.text
        assert "set-cookie" not in again.headers
        assert (await client.get(READ)).status_code == 401


@pytest.mark.parametrize("hosts", ["https://pw.x"])
async def test_behind_tls_the_cookie_is_secure(hosts: str) -> None:
    code = new_code(TOKEN, NONCE, now_ms())
    async with asking(hosts=hosts) as client:
        answer = await client.get(f"/login?code={code}", headers={"Host": "pw.x"})
    assert "secure" in answer.headers["set-cookie"].lower().split("; ")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Purpose": "prefetch"},
        {"Host": "attacker.example"},
    ],
)
async def test_no_page_uses_a_code_up(headers: dict[str, str]) -> None:
    code = new_code(TOKEN, NONCE, now_ms())
    async with asking() as client:
        refused = await client.get(f"/login?code={code}", headers=headers)
        assert refused.status_code in {403, 421}
        assert "set-cookie" not in refused.headers
        assert (await client.head(f"/login?code={code}")).status_code == 405
        followed = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        site = {"Sec-Fetch-Site": "cross-site"}
        answer = await client.get(f"/login?code={code}", headers=followed | site)
        assert answer.status_code == 303


def codes_that_are_none() -> list[str]:
    good = new_code(TOKEN, NONCE, now_ms())
    ends, nonce, signature = good.split(".")
    later = f"{int(ends, 16) + 1:x}"
    return [
        "", ".", "..", "x" * 1_000, "é", f"{later}.{nonce}.{signature}", f"{ends}.AAAA.{signature}",
        f"{ends}.{nonce}.", f"{ends}.{nonce}.{signature[:-2]}",
        new_code("another" + TOKEN, NONCE, now_ms()), new_session(TOKEN, NONCE, now_ms()),
        new_code(TOKEN, NONCE, now_ms() - CODE_LIFE_MS - 1),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(12))
async def test_nothing_but_a_code_that_holds_opens(number: int) -> None:
    async with asking() as client:
        answer = await client.get("/login", params={"code": codes_that_are_none()[number]})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_a_code_is_no_cookie_and_neither_is_the_token() -> None:
    name = cookie_name(TOKEN)
    for value in (new_code(TOKEN, NONCE, now_ms()), TOKEN, "", "x.y.z"):
        assert await _with_cookie(f"{name}={value}") == 401
    good = new_session(TOKEN, NONCE, now_ms())
    assert await _with_cookie(f"{name}={good}") == PASSED
    # Another program on this machine set one of the same name.
    assert await _with_cookie(f"{name}=theirs; {name}={good}; x") == PASSED
    assert await _with_cookie(f"pw_session_00000000={good}") == 401


async def _with_cookie(cookie: str) -> int:
    async with asking() as client:
        return (await client.get(READ, headers={"Cookie": cookie})).status_code


async def test_a_cookie_does_not_help_a_foreign_page() -> None:
    cookie = {"Cookie": f"{cookie_name(TOKEN)}={new_session(TOKEN, NONCE, now_ms())}"}
    async with asking() as client:
        for foreign in ({"Origin": "http://127.0.0.1:9"}, {"Sec-Fetch-Site": "same-site"}):
            assert (await client.get(READ, headers=cookie | foreign)).status_code == 403
        plain = {"Content-Type": "text/plain"}
        answer = await client.post(WRITE, content="[]", headers=cookie | plain)
        assert answer.status_code == 415


def test_cookies_end_and_belong_to_one_token() -> None:
    value = new_session(TOKEN, NONCE, 1_000)
    assert session_holds(TOKEN, value, 1_000)
    assert not session_holds(TOKEN, value, 1_000 + SESSION_LIFE_MS)
    assert not session_holds("another-token-of-tests", value, 1_000)
    assert cookie_name(TOKEN) != cookie_name("another-token-of-tests")
    assert re.fullmatch(r"pw_session_[0-9a-f]{8}", cookie_name(TOKEN))


def test_what_was_taken_is_remembered_in_bounds_and_forgotten_when_it_ends() -> None:
    codes = Codes(TOKEN, started_ms=0)
    for number in range(USED_MAX):
        assert codes.take(new_code(TOKEN, number.to_bytes(16), 1_000), 1_000)
    assert not codes.take(new_code(TOKEN, NONCE, 1_000), 1_000)
    late = 1_000 + CODE_LIFE_MS
    assert codes.take(new_code(TOKEN, NONCE, late), late)


def test_a_code_from_before_a_restart_is_not_taken_a_second_time() -> None:
    code = new_code(TOKEN, NONCE, 1_000)
    assert Codes(TOKEN, started_ms=900).take(code, 1_500)
    assert not Codes(TOKEN, started_ms=2_000).take(code, 2_500)


def test_the_setting_is_read_with_every_form() -> None:
    assert read_hosts("") == ()
    assert read_hosts(" api ,pw.x:80,https://Pw.Y") == (
        Host("api"),
        Host("pw.x", 80),
        Host("pw.y", https=True),
    )


def test_a_whole_url_in_place_of_a_host_is_named_without_what_opens_it() -> None:
    with pytest.raises(BadHosts, match="not a host") as found:
        read_hosts("https://user:S3cret@host/k3y")
    assert "S3cret" not in str(found.value)
    assert "k3y" not in str(found.value)


@pytest.mark.parametrize(
    "entry", ["*", "a/b", "http://x", "a b", "x:0", "x:70000", "x:", "é", "a,*.x"]
)
def test_an_entry_that_is_no_host_is_named(entry: str) -> None:
    with pytest.raises(BadHosts, match="not a host"):
        read_hosts(entry)
