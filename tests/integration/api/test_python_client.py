"""The Python client before a real API, broker and history: it gives what the API answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from pocketwatcher import BadQuestion, Client, Following, NotFound, NotNow, WrongToken, pages
from pw_cli.connect.runs import announce, this_run
from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert, Ended
from pw_common.wire.messages import encode
from support.apis import running_api
from support.broker import provisioned
from support.client_answers import agrees, all_agree, client_of
from support.keeping import kept_market, paged
from support.poll import poll_until
from support.records import store
from support.services import running_service
from support.tokens import token_file

# So short that cursors are followed; a market of minutes has two or three candles.
PAGES = {"ALERTS_PER_PAGE": 3, "SWAPS_PER_PAGE": 3, "CANDLES_PER_PAGE": 1, "FOUND_PER_PAGE": 3}


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, rows in PAGES.items():
        monkeypatch.setattr(pages, name, rows)


def fired(n: int, time_ms: int = 1, mint: str = "", **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": f"{n:032}", "episode": "e", "n": n, "kind": "opened", "severity": "info", "slot": n,
        "trigger": "quick" if n % 3 else "slow", "opened_slot": n, "event_time_ms": time_ms,
        "mint": mint, "supply_raw": 2**60 + n, "metrics": {"a": 1.5, "b": None},
    }  # fmt: skip
    return Alert(**(fields | more))


async def fire(bus: Bus, one: Alert) -> None:
    await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


async def test_swaps_candles_and_finds_are_those_of_the_api_to_the_last_field(
    tmp_path: Path,
) -> None:
    async with kept_market(tmp_path, minutes=2.5, tps=8) as kept:
        mint = Counter(one.mint for _, one in kept.swaps).most_common(1)[0][0]
        wallet = Counter(one.trader for _, one in kept.swaps).most_common(1)[0][0]
        traded = next(one.mint for _, one in kept.swaps if one.trader == wallet)
        first_ms, end_ms = kept.swaps[0][0], kept.swaps[-1][0] + 1
        asked = {
            f"swaps?mint={mint}&limit=50": "swaps",
            f"swaps?wallet={wallet}&first_ms={first_ms + 1}&limit=50": "swaps",
            f"wallets/{wallet}/swaps?mint={traded}&limit=50": "swaps",
        }
        with client_of(kept) as client:
            given = (
                client.swaps(mint=mint),
                client.swaps(wallet=wallet, first_ms=first_ms + 1),
                client.wallet_swaps(wallet, mint=traded),
            )
            for (path, rows), mine in zip(asked.items(), given, strict=True):
                told, _ = await paged(kept.client, path, rows, "next_before", "before")
                all_agree(await asyncio.to_thread(list, mine), told)
                assert mine.history is not None
                assert mine.history.swaps == len(kept.swaps)
            path = f"tokens/{mint}/candles?end_ms={end_ms}&first_ms={first_ms}"
            told = (await kept.client.get(f"/api/v1/{path}")).json()["candles"]
            candles = client.candles(mint, first_ms=first_ms, end_ms=end_ms)
            assert len(told) > 1
            all_agree(await asyncio.to_thread(list, candles), told)
            known = {one.mint for _, one in kept.swaps} | {one.trader for _, one in kept.swaps}
            begin = Counter(one[0] for one in known).most_common(1)[0][0]
            told = (await kept.client.get(f"/api/v1/search?q={begin}&limit=100")).json()["found"]
            all_agree(await asyncio.to_thread(list, client.search(begin)), told)
            assert len(told) > PAGES["FOUND_PER_PAGE"]
            newest = await asyncio.to_thread(list, client.swaps(limit=5))
            assert [one.signature for one in newest] == [
                one.signature for _, one in kept.swaps[: -5 - 1 : -1]
            ]
            with pytest.raises(BadQuestion, match="mint") as refused:
                await asyncio.to_thread(list, client.swaps(mint="0OIl"))
            assert "query.mint" in refused.value.fields


async def test_alerts_are_those_of_the_api_from_the_stream_into_history(tmp_path: Path) -> None:
    async with kept_market(tmp_path, minutes=2.5, tps=8) as kept:
        mint = Counter(one.mint for _, one in kept.swaps).most_common(1)[0][0]
        begin_ms = kept.swaps[0][0]
        alerts = [fired(n, begin_ms + n // 3, mint) for n in range(20)]
        alerts[7] = fired(
            7, begin_ms + 2, "", kind="closed", ended=(Ended(mint=mint, episode="1"),)
        )
        alerts.append(fired(99, begin_ms + 20_000, mint))
        for one in alerts:
            await fire(kept.bus, one)

        async def followed() -> dict[str, Any] | None:
            found: dict[str, Any] = (await kept.client.get(f"/api/v1/alerts/{99:032}")).json()
            return found if not found["missing"] else None

        told = await poll_until(followed, "all alerts in history")
        await kept.bus.api("STREAM.PURGE.PW_ALERT", {"seq": 11})
        with client_of(kept) as client:
            one_alert = await asyncio.to_thread(client.alert, f"{99:032}")
            assert agrees(one_alert, told)
            assert one_alert.after
            newest_first = sorted(alerts, key=lambda a: (a.event_time_ms, a.id), reverse=True)
            found = await asyncio.to_thread(list, client.alerts())
            assert [one.id for one in found] == [one.id for one in newest_first]
            assert [one.seq is None for one in found] == [n >= 11 for n in range(21)]
            recent = (await kept.client.get("/api/v1/alerts?limit=50")).json()["alerts"]
            all_agree(found[:11], recent)
            filters: tuple[dict[str, Any], ...] = (
                {"first_ms": 0},
                {"first_ms": begin_ms + 2, "end_ms": begin_ms + 5},
                {"first_ms": 0, "mint": mint, "kind": "opened", "trigger": "slow"},
            )
            for named in filters:
                params: dict[str, Any] = named | {"limit": 50}
                answer = await kept.client.get("/api/v1/alerts", params=params)
                past = answer.json()["alerts"]
                all_agree(await asyncio.to_thread(list, client.past_alerts(**named)), past)
                plain = await asyncio.to_thread(list, client.alerts(**named))
                all_agree(plain, [row["alert"] for row in past])
            slow = await asyncio.to_thread(list, client.alerts(trigger="slow", limit=5))
            assert [a.id for a in slow] == [a.id for a in newest_first if a.trigger == "slow"][:5]
            with pytest.raises(NotFound):
                await asyncio.to_thread(client.alert, "none")


async def test_following_goes_on_after_the_api_was_killed_with_each_alert_once(
    tmp_path: Path,
) -> None:
    path = token_file(tmp_path)
    async with provisioned(tmp_path / "broker") as (broker, bus):
        environ = {"PW_NATS_URL": broker.url, "PW_API_TOKEN_FILE": str(path)}
        await fire(bus, fired(0))
        async with running_service("pw_api", environ) as (process, url):
            client = Client(url, token_file=path)
            # Before the first alert comes, and after the one that is there.
            alerts = client.follow()
            process.kill()
            await asyncio.to_thread(process.wait)
        await fire(bus, fired(1))
        again = environ | {"PW_HTTP_LISTEN": url.removeprefix("http://")}
        async with running_service("pw_api", again) as (process, _):
            assert await asyncio.to_thread(take, alerts, 1) == [1]
            await fire(bus, fired(2))
            assert await asyncio.to_thread(take, alerts, 1) == [2]
            process.kill()
            await asyncio.to_thread(process.wait)
        for n in (3, 4):
            await fire(bus, fired(n))
        async with running_service("pw_api", again):
            assert await asyncio.to_thread(take, alerts, 2) == [3, 4]
            assert alerts.seq == 5
            # No more than the stream has: there is no history here.
            page = await asyncio.to_thread(list, client.alerts(limit=3))
            with client.follow(after=2) as older:
                live = await asyncio.to_thread(lambda: [next(older) for _ in range(3)])
            assert live[::-1] == page
            await ends_when_it_is_closed(client, alerts)


async def ends_when_it_is_closed(client: Client, alerts: Following) -> None:
    """Also while it waits for an alert."""
    waiting = asyncio.create_task(asyncio.to_thread(list, alerts))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done
    await asyncio.to_thread(client.close)
    assert await asyncio.wait_for(waiting, 20) == []


def take(alerts: Following, count: int) -> list[int]:
    return [next(alerts).n for _ in range(count)]


async def test_a_wrong_token_and_an_absent_history_have_types_of_their_own(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, api):
        url = str(api.base_url)
        for token in (None, "of-another-system"):
            with Client(url, token=token) as client:
                for ask in (lambda one: one.alert("a"), lambda one: one.follow()):
                    with pytest.raises(WrongToken, match="token_file=") as refused:
                        await asyncio.to_thread(ask, client)
                    assert refused.value.status == httpx.codes.UNAUTHORIZED
        with Client(url, token_file=token_file(tmp_path)) as client:
            assert await asyncio.to_thread(list, client.alerts(limit=0)) == []
            with pytest.raises(NotNow, match="is it running") as away:
                await asyncio.to_thread(list, client.swaps())
            assert away.value.retry_after_s == 1


async def test_the_system_that_runs_here_is_found_as_pw_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    async with running_api(tmp_path) as (broker, bus, api):
        await fire(bus, fired(1))
        run = this_run(str(api.base_url), broker.url, token_file(tmp_path))
        assert announce(run, tmp_path) == []
        with Client.here() as client:
            assert client.follow().seq == 1
