"""`pw alerts` against a real broker: what is stored, what comes, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from support.broker import provisioned
from support.command import pw, started
from support.records import store

MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"
WAIT_S = 30.0


def an_alert(number: int, symbol: str) -> Alert:
    return Alert(
        id=f"{number:032}", episode=f"e{number}", n=0, kind="opened", severity="warning",
        trigger="stealth_accumulation", slot=number, opened_slot=number, event_time_ms=number,
        mint=MINT, symbol=symbol, supply_raw=2**60,
    )  # fmt: skip


async def fire(bus: Bus, number: int) -> None:
    one = an_alert(number, f"COIN{number}")
    await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


async def test_the_newest_are_listed_and_json_is_what_the_api_gives(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        nothing = await pw("alerts", PW_NATS_URL=broker.url)
        for number in (1, 2, 3):
            await fire(bus, number)
        listed = await pw("alerts", "--limit", "2", PW_NATS_URL=broker.url)
        lines = await pw("alerts", "--json", PW_NATS_URL=broker.url)
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "pw alerts: none is stored\n")
    assert listed.code == 0
    assert listed.out.index("COIN3") < listed.out.index("COIN2")
    assert "COIN1" not in listed.out
    found = [msgspec.json.decode(one) for one in lines.out.splitlines()]
    assert [one["seq"] for one in found] == [3, 2, 1]
    assert found[0]["supply_raw"] == str(2**60)


async def test_following_shows_what_is_there_and_then_what_comes(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        await fire(bus, 1)
        words = ("alerts", "--follow", "--json")
        async with started(*words, PW_NATS_URL=broker.url, PYTHONUNBUFFERED="1") as process:
            assert process.stdout is not None
            for number in (1, 2):
                line = await asyncio.wait_for(process.stdout.readline(), WAIT_S)
                assert msgspec.json.decode(line)["seq"] == number
                if number == 1:
                    await fire(bus, 2)


async def test_a_terminal_that_is_not_utf_8_is_given_what_it_can_show(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        one = an_alert(1, symbol="\N{CJK UNIFIED IDEOGRAPH-732B}COIN")
        await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})
        environ = {"PW_NATS_URL": broker.url, "PYTHONIOENCODING": "ascii"}
        shown = await pw("alerts", **environ)
        lines = await pw("alerts", "--json", **environ)
    assert (shown.code, shown.err) == (0, "")
    assert "?COIN" in shown.out
    assert msgspec.json.decode(lines.out)["symbol"] == one.symbol


async def test_without_a_broker_it_says_so() -> None:
    ended = await pw("alerts", "--nats", "nats://127.0.0.1:1")
    assert ended.code == 69
    assert "pw alerts" in ended.err
