"""A receiver cannot fill our memory, hold up another channel, or keep us longer than a deadline."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pw_cli.up.processes.processes import usage
from pw_common.jetstream.bus import Bus
from pw_common.process.clock import monotonic_s
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from pw_notifier.http.bounded import bounded_client
from pw_notifier.http.exchange import ANSWER_BYTES_MAX, DEADLINE_S, NoAnswer, exchange
from support.broker import provisioned
from support.hostile import BEHAVIOURS, bomb, hostile_receiver
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.records import store
from support.services import running_service

SHORT_S = 0.5
# What remains of a second for a machine that is busy: an exchange that ignores its deadline
# takes for ever.
LATE_S = 5.0
RSS_MB_MAX = 150.0
HAS_A_STATUS = {
    "gzip_bomb": 500, "endless_body": 429, "cookies": 503, "drip_body": 503, "closing": 503,
    "huge_length": 500, "odd_wait": 429,
}  # fmt: skip


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
async def test_an_exchange_ends_at_its_deadline_and_within_its_bounds(behaviour: str) -> None:
    async with hostile_receiver() as hostile, bounded_client() as client:
        if behaviour == "gzip_bomb":
            bomb()
        began_s = monotonic_s()
        try:
            answer = await exchange(client, "POST", hostile.url(behaviour), deadline_s=SHORT_S)
        except NoAnswer as error:
            assert behaviour not in HAS_A_STATUS, error
            assert str(hostile.port) not in str(error)
        else:
            assert answer.status == HAS_A_STATUS[behaviour]
            assert len(answer.body) <= ANSWER_BYTES_MAX
            # What is compressed stays so, and is not read as text.
            assert behaviour != "gzip_bomb" or answer.body == b""
        assert monotonic_s() - began_s < SHORT_S + LATE_S
        assert hostile.met[behaviour] == 1
        assert len(client.cookies.jar) == 0


async def test_an_answer_is_asked_for_as_it_is_and_no_redirect_is_followed() -> None:
    with receiving() as trap, receiving() as receiver:
        receiver.always = (307, {"Location": f"{trap.url}/stolen", "Set-Cookie": "a=b"}, b"")
        async with bounded_client() as client:
            for _ in range(2):
                answer = await exchange(client, "POST", f"{receiver.url}/in", content=b"{}")
                assert answer.status == 307
        assert trap.seen == []
        assert [one.headers["accept-encoding"] for one in receiver.seen] == ["identity"] * 2
        assert all("cookie" not in one.headers for one in receiver.seen)


async def test_nobody_listening_and_a_refused_handshake_are_no_answer() -> None:
    async with hostile_receiver() as hostile, bounded_client() as client:
        for url in (
            "http://127.0.0.1:1/x",
            f"https://127.0.0.1:{hostile.port}/silent",
            "http://no-such-host.invalid/x",
            "http://127.0.0.1:99999/x",
            "http://\u2488com/x",
            "nonsense",
        ):
            with pytest.raises(NoAnswer) as error:
                await exchange(client, "POST", url, deadline_s=2.0)
            assert "://" not in str(error.value)


def channel(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "webhook", "url": url, "secret": "s" * 24} | more


async def configure(bus: Bus, entries: list[dict[str, Any]]) -> None:
    body = msgspec.json.encode({"entries": entries})
    await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)


async def fire(bus: Bus, n: int) -> None:
    alert = Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", trigger="busy", severity="warning", slot=n,
        opened_slot=n, event_time_ms=n, mint="M" * 43, title=f"alert {n}",
    )  # fmt: skip
    await store(bus, subjects.alert(alert.id), encode(alert), {"Nats-Msg-Id": alert.id})


async def until_listening(bus: Bus, count: int) -> None:
    async def listening() -> bool:
        names = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
        return len(names) == count

    await poll_until(listening, "the channels' durables", timeout_s=30)


async def delivered(receiver: Receiver, n: int) -> None:
    async def has() -> bool:
        sent = [one for request in receiver.taken for one in request.json()["alerts"]]
        return any(one["trigger"] == "busy" and one["n"] == n for one in sent)

    await poll_until(has, f"alert {n}", timeout_s=60)


async def test_beside_every_hostile_receiver_an_alert_is_on_time_and_memory_is_bounded(
    tmp_path: Path,
) -> None:
    bomb()
    async with provisioned(tmp_path / "broker") as (broker, bus), hostile_receiver() as hostile:
        with receiving() as good:
            names = sorted(BEHAVIOURS)
            entries = [channel(name.replace("_", "-"), hostile.url(name)) for name in names]
            secure = f"https://127.0.0.1:{hostile.port}/silent"
            entries += [channel("tls", secure), channel("good", f"{good.url}/in")]
            await configure(bus, entries)
            environ = {"PW_NATS_URL": broker.url}
            async with running_service("pw_notifier", environ) as (process, url):
                await until_listening(bus, len(entries))
                # The first finds every other channel idle, the second finds each held up.
                for n in (1, 2):
                    began_s = monotonic_s()
                    await fire(bus, n)
                    await delivered(good, n)
                    assert monotonic_s() - began_s < DEADLINE_S / 2

                    async def met() -> bool:
                        return all(hostile.met[name] >= n for name in names)  # noqa: B023

                    await poll_until(met, "every behaviour met", timeout_s=90)
                async with httpx.AsyncClient(trust_env=False) as client:
                    metrics = (await client.get(f"{url}/metrics")).text
                assert 'pw_notifier_answers_cut_total{kind="webhook"' in metrics
                _, rss_mb = usage(process.pid)
                assert 0 < rss_mb < RSS_MB_MAX
                process.send_signal(signal.SIGTERM)
                began_s = monotonic_s()
                assert await asyncio.to_thread(process.wait, 30) == 0
                # What is under way comes to its end, which its deadline bounds.
                assert monotonic_s() - began_s < DEADLINE_S + 6


async def test_the_test_of_a_channel_that_hangs_holds_up_no_other_test(tmp_path: Path) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus), hostile_receiver() as hostile:
        with receiving() as good:
            entries = [channel("bad", hostile.url("silent")), channel("good", f"{good.url}/in")]
            await configure(bus, entries)
            async with running_service("pw_notifier", {"PW_NATS_URL": broker.url}):
                await until_listening(bus, len(entries))

                async def tried(name: str) -> tuple[dict[str, Any], float]:
                    question = msgspec.json.encode({"channel": name})
                    answer = await bus.client.request(subjects.ASK_NOTIFIER, question, timeout=25)
                    return msgspec.json.decode(answer.data), monotonic_s()

                bad = asyncio.create_task(tried("bad"))

                async def hangs() -> bool:
                    return hostile.met["silent"] > 0

                await poll_until(hangs, "the first test under way")
                (answer, good_s), (refused, bad_s) = await tried("good"), await bad
                assert answer == {"sent": True}
                assert good_s < bad_s
                assert refused == {"error": f"no answer in {DEADLINE_S:g} s"}


async def test_a_dead_mans_switch_that_hangs_does_not_make_us_blind(tmp_path: Path) -> None:
    url_file = tmp_path / "deadman"
    async with provisioned(tmp_path / "broker") as (broker, bus), hostile_receiver() as hostile:
        url_file.write_text(hostile.url("silent"))
        with receiving() as good:
            await configure(bus, [channel("good", f"{good.url}/in")])
            environ = {
                "PW_NATS_URL": broker.url,
                "PW_NOTIFIER_DEADMAN_URL_FILE": str(url_file),
            }
            beats = [running_service(name, {"PW_NATS_URL": broker.url}) for name in ("pw_parser",)]
            async with running_service("pw_notifier", environ), beats[0]:

                async def said() -> bool:
                    sent = [one for request in good.taken for one in request.json()["alerts"]]
                    return any(one["trigger"] == "no_ingest" for one in sent)

                await poll_until(said, "an alert that we are blind", timeout_s=60)
