"""The HTTP surface without a broker: what must hold before anything is connected."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from pw_api.http.server import ApiServer
from pw_common.service.health import PortTaken

TOKEN = "correct-horse-battery"

Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def assert_problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    return str(body["detail"])


async def test_without_a_broker_the_api_says_503_and_stays_alive(client_of: Clients) -> None:
    async with client_of() as client:
        for path in ("status", "gaps", "dead-letters", "swaps", "search?q=a", "days"):
            detail = assert_problem(await client.get(f"/api/v1/{path}"), 503)
            assert "broker" in detail
        assert (await client.get("/livez")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert "broker" in ready.json()["reason"]
        assert "pw_broker_connected 0.0" in (await client.get("/metrics")).text


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=many",
        "mint=0OIl",
        "wallet=" + "1" * 45,
        "mint=" + "1" * 31,
        "mint=%3Cscript%3E",
        "before=1.2",
        "before=1.2.3.%00",
        "before=" + "1" * 16 + ".1.1.a",
        "first_ms=-1",
        "end_ms=253402300800000",
        "end_ms=0",
    ],
)
async def test_input_out_of_bounds_is_a_422_that_names_the_parameter(
    client_of: Clients, query: str
) -> None:
    async with client_of() as client:
        detail = assert_problem(await client.get(f"/api/v1/swaps?{query}"), 422)
    assert query.split("=", maxsplit=1)[0] in detail


@pytest.mark.parametrize(
    "trigger",
    [
        "pump",
        "r" * 64,
        "unlisted_program",
        # Conditions of the system that a `blind` alert has.
        "missing_PW_TX",
        "missing_PW_TX/parser",
        "detector_behind",
        "all_clear",
        f"followed_{'s' * 32}",
        f"channel_{'c' * 32}",
    ],
)
async def test_every_trigger_that_an_alert_has_may_be_asked_for(
    client_of: Clients, trigger: str
) -> None:
    async with client_of() as client:
        # It goes as far as the broker, which is away.
        assert_problem(await client.get(f"/api/v1/alerts?trigger={trigger}"), 503)


@pytest.mark.parametrize("trigger", ["", "a b", "-a", "%3Cscript%3E", "a%0A", "a" * 129, "a.b"])
async def test_what_is_no_trigger_is_refused(client_of: Clients, trigger: str) -> None:
    async with client_of() as client:
        detail = assert_problem(await client.get(f"/api/v1/alerts?trigger={trigger}"), 422)
    assert "query.trigger" in detail


async def test_bodies_are_only_given_for_small_pages(client_of: Clients) -> None:
    async with client_of() as client:
        answer = await client.get("/api/v1/dead-letters?body=true&limit=51")
    assert "at most 50" in assert_problem(answer, 422)


async def test_an_unknown_path_is_a_problem_too(client_of: Clients) -> None:
    async with client_of() as client:
        assert "/nothing" in assert_problem(await client.get("/nothing"), 404)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"X-API-Token": TOKEN + "x"},
        {"X-API-Token": "é".encode("latin-1").decode("latin-1")},
    ],
    ids=["none", "wrong", "another scheme", "longer", "not ascii"],
)
async def test_without_the_token_every_api_path_is_refused(
    client_of: Clients, headers: dict[str, str]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with client_of(TOKEN) as client:
        for path in ("status", "swaps", "gaps", "dead-letters"):
            answer = await client.get(f"/api/v1/{path}", headers=raw)
            assert_problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {TOKEN}"}, {"X-API-Token": TOKEN}])
async def test_with_the_token_the_api_answers(client_of: Clients, headers: dict[str, str]) -> None:
    async with client_of(TOKEN) as client:
        answer = await client.get("/api/v1/swaps", headers=headers)
        assert "broker" in assert_problem(answer, 503)


async def test_health_metrics_and_the_page_ask_for_no_token(client_of: Clients) -> None:
    async with client_of(TOKEN) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
        page = await client.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    # Nothing is fetched from elsewhere, and nothing enters the page as markup.
    for forbidden in ("http://", "https://", "innerHTML", "insertAdjacentHTML", "document.write"):
        assert forbidden not in page.text.replace("http://www.w3.org/2000/svg", "")


async def test_every_model_and_every_problem_stands_in_openapi_with_an_example(
    client_of: Clients,
) -> None:
    async with client_of() as client:
        document = (await client.get("/openapi.json")).json()
    ours = {n: m for n, m in document["components"]["schemas"].items() if n.endswith("View")}
    assert {"StatusView", "SwapView", "SwapsView", "GapView", "DeadLetterView"} <= set(ours)
    assert [name for name, model in ours.items() if not model.get("examples")] == []
    for path, methods in document["paths"].items():
        for answers in (one["responses"] for one in methods.values()):
            assert {"401", "404", "422", "503"} <= set(answers), path


async def test_a_port_in_use_is_one_clear_error_and_port_0_finds_a_free_one() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nothing is asked")

    first = ApiServer(app)
    await first.start("127.0.0.1", 0)
    port = int(first.address.rpartition(":")[2])
    assert port > 0
    second = ApiServer(app)
    with pytest.raises(PortTaken, match=f"cannot listen on 127.0.0.1:{port}"):
        await second.start("127.0.0.1", port)
    await first.stop()
