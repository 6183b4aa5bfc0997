"""Alerts of all time: each once, from PW_ALERT into history, with what followed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert, Ended
from pw_common.wire.history import SOL_MINT
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import encode
from support.keeping import Kept, kept_market, paged, price
from support.poll import poll_until
from support.records import store

MINUTE_MS = 60_000
OTHER = "Stake11111111111111111111111111111111111111"
FOLLOWED = f"{999:032}"


def fired(n: int, time_ms: int, mint: str, **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": f"{n:032}", "episode": f"{n // 2}", "n": n % 2, "severity": "info", "slot": n + 1,
        "kind": "opened" if n % 2 == 0 else "escalated", "trigger": "quick" if n % 3 else "slow",
        "opened_slot": n + 1, "event_time_ms": time_ms, "mint": mint,
    }  # fmt: skip
    return Alert(**(fields | more))


async def fire(bus: Bus, one: Alert) -> None:
    await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


async def followed(client: httpx.AsyncClient) -> dict[str, Any] | None:
    found: dict[str, Any] = (await client.get(f"/api/v1/alerts/{FOLLOWED}")).json()
    return found if not found["missing"] else None


async def test_alerts_are_given_once_each_from_the_stream_into_history(tmp_path: Path) -> None:
    async with kept_market(tmp_path, minutes=2.5, tps=12) as kept:
        mint = Counter(one.mint for _, one in kept.swaps).most_common(1)[0][0]
        begin_ms = kept.swaps[0][0]
        # Several have the same time; a summary names tokens of its own.
        alerts = [fired(n, begin_ms + n // 3, mint if n % 4 else OTHER) for n in range(40)]
        ended = (Ended(mint=mint, episode="1"),)
        alerts.append(fired(40, begin_ms + 100, "", kind="closed", ended=ended))
        alerts.append(fired(999, begin_ms + 20_000, mint))
        for one in alerts:
            await fire(kept.bus, one)
        one_alert = await poll_until(lambda: followed(kept.client), "all alerts in history")
        await prices_are_those_of_a_recount(kept, one_alert, mint)
        newest_first = sorted(alerts, key=lambda one: (one.event_time_ms, one.id), reverse=True)
        filters: dict[str, Callable[[Alert], bool]] = {
            "first_ms=0": lambda _: True,
            f"first_ms={begin_ms + 5}&end_ms={begin_ms + 9}": lambda one: (
                begin_ms + 5 <= one.event_time_ms < begin_ms + 9
            ),
            f"first_ms=0&mint={mint}": lambda one: one.mint == mint or one.kind == "closed",
            "first_ms=0&trigger=slow": lambda one: one.trigger == "slow",
            "first_ms=0&kind=escalated": lambda one: one.kind == "escalated",
        }
        for query, wanted in filters.items():
            path = f"alerts?limit=4&{query}"
            found, _ = await paged(kept.client, path, "alerts", "next_before", "before")
            right = [one.id for one in newest_first if wanted(one)]
            assert [one["alert"]["id"] for one in found] == right, query
        # The older half leaves PW_ALERT.
        await kept.bus.api("STREAM.PURGE.PW_ALERT", {"seq": 21})
        recent, seen = "alerts?limit=7", []
        while True:
            page = (await kept.client.get(f"/api/v1/{recent}")).json()
            seen += [one["id"] for one in page["alerts"]]
            if page["next_before_seq"] is None:
                break
            assert page["next_before"] is None
            recent = f"alerts?limit=7&before_seq={page['next_before_seq']}"
        assert len(seen) == 22
        path = f"alerts?limit=7&before={page['next_before']}"
        older = await kept.client.get(f"/api/v1/{path}")
        while True:
            seen += [one["alert"]["id"] for one in older.json()["alerts"]]
            if (before := older.json()["next_before"]) is None:
                break
            older = await kept.client.get(f"/api/v1/alerts?limit=7&before={before}")
        assert seen == [one.id for one in newest_first]
        gone = (await kept.client.get(f"/api/v1/alerts/{alerts[0].id}")).json()
        assert gone["alert"]["id"] == alerts[0].id
        assert (await kept.client.get("/api/v1/alerts/none")).status_code == 404


async def prices_are_those_of_a_recount(kept: Kept, shown: dict[str, Any], mint: str) -> None:
    """From the alert on, each row to the end of the minute in which so much time has passed."""
    time_ms = shown["alert"]["event_time_ms"]
    trades = [
        (at_ms, one)
        for at_ms, one in kept.swaps
        if (one.mint, one.quote_mint) == (mint, SOL_MINT)
        and one.quote_amount_raw
        and one.confidence >= CONFIDENCE_MIN
    ]
    assert shown["quote_mint"] == SOL_MINT
    assert shown["since_ms"] == time_ms
    now_ms = shown["history"]["event_time_ms"]
    ends = [(-(-time_ms // MINUTE_MS) + n) * MINUTE_MS for n in (1, 2, 5, 10)]
    assert [one["end_ms"] for one in shown["after"]] == [one for one in ends if one <= now_ms]
    assert shown["after"]
    before = [price(one) for at_ms, one in trades if at_ms <= time_ms]
    assert shown["price"] == (before[-1] if before else None)
    since_ms = time_ms + 1
    for one in shown["after"]:
        within = [price(swap) for at_ms, swap in trades if since_ms <= at_ms < one["end_ms"]]
        past = [price(swap) for at_ms, swap in trades if at_ms < one["end_ms"]]
        assert one["trades"] == len(within)
        assert one["price"] == (past[-1] if past else None)
        assert one["high"] == max(within, default=None)
        assert one["low"] == min(within, default=None)
        since_ms = one["end_ms"]
