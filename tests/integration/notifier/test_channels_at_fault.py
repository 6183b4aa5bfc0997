"""A channel that is set up wrong holds its alerts, says so, and loses none of them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pw_common.topology import subjects
from support.certificates import authority, signed
from support.notifying import (
    configure,
    dead_letters,
    delivered,
    fire,
    hook,
    notifying,
    of_rules,
    readiness,
    said,
)
from support.poll import poll_until
from support.receiver import Received, Receiver, receiving
from support.services import running_service

OLD_CHAT, NEW_CHAT = "-4242424242", -1001557912345
UPGRADED = msgspec.json.encode(
    {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": NEW_CHAT},
    }
)


def telegram(**more: Any) -> dict[str, Any]:
    token = "123456789:" + "A" * 35
    return {"name": "tg", "kind": "telegram", "bot_token": token, "chat_id": OLD_CHAT} | more


@pytest.mark.parametrize("status", [302, 401, 404, 405, 409, 415, 422])
async def test_a_channel_at_fault_holds_its_alerts_and_sends_them_late_once_it_is_right(
    tmp_path: Path, status: int
) -> None:
    with receiving() as receiver:
        receiver.always = (status, {}, b'{"message": "no \\u001b[31msuch\\nhook"}')
        async with notifying(tmp_path, hook("hook", receiver.url)) as (bus, url, _):
            await fire(bus, 1, 2, 3)
            found = await said(url, "channel hook holds 3 alerts until it is set right: answered")
            # The other channels work, and so does the service.
            assert found["ready"]
            assert f"answered {status}" in found["reason"]
            if status != 302:
                assert "no \ufffd[31msuch\ufffdhook" in found["reason"]
            assert await dead_letters(bus) == 0
            receiver.always = (204, {}, b"")
            assert await delivered(receiver, 1, 2, 3) == [(True, [1, 2, 3])]
            await said(url, "")
            await fire(bus, 4)
            assert (await delivered(receiver, 1, 2, 3, 4))[-1] == (False, [4])
            assert await dead_letters(bus) == 0


@pytest.mark.parametrize("delivery", ["at_least_once", "at_most_once"])
async def test_a_channel_that_is_corrected_sends_what_it_held_at_once(
    tmp_path: Path, delivery: str
) -> None:
    with receiving() as wrong, receiving() as right:
        wrong.always = (404, {}, b"no such hook")
        entry = hook("hook", wrong.url, delivery=delivery)
        async with notifying(tmp_path, entry) as (bus, url, _):
            await fire(bus, 1, 2, 3)
            await said(url, "channel hook holds 3 alerts until it is set right: answered 404")
            await configure(bus, entry | {"url": right.url})
            assert await delivered(right, 1, 2, 3) == [(True, [1, 2, 3])]
            await said(url, "")


async def test_a_test_message_that_gets_through_sends_what_was_held(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.always = (401, {}, b"")
        async with notifying(tmp_path, hook("hook", receiver.url)) as (bus, _, _process):
            await fire(bus, 1)

            async def waits_long() -> bool:
                return len(receiver.seen) >= 5

            await poll_until(waits_long, "a wait of 16 s", timeout_s=40)
            receiver.always = (204, {}, b"")
            question = msgspec.json.encode({"channel": "hook"})
            answer = await bus.client.request(subjects.ASK_NOTIFIER, question, timeout=5)
            assert msgspec.json.decode(answer.data) == {"sent": True}

            async def held_ones() -> bool:
                return of_rules(receiver) == [(True, [1])]

            await poll_until(held_ones, "what was held", timeout_s=5)


async def test_what_a_channel_holds_too_long_becomes_dead_letters(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.always = (403, {}, b"blocked")
        entry = hook("hook", receiver.url, late_after_s=1, alert_age_max_s=2)
        async with notifying(tmp_path, entry) as (bus, url, _):
            await fire(bus, 1, 2)

            async def both() -> bool:
                return await dead_letters(bus) == 2

            await poll_until(both, "two dead letters", timeout_s=30)
            letter = await bus.js.get_msg(subjects.STREAM_DLQ, 1)
            reason = (letter.headers or {})["Pw-Reason"]
            assert reason == "hook: not delivered in 2 s: answered 403: blocked"
            await said(url, "channel hook")


async def test_no_such_host_and_a_certificate_that_is_not_trusted_hold_with_their_reason(
    tmp_path: Path,
) -> None:
    pair = signed(tmp_path, authority(tmp_path, "ca"), "server", host="127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    async with await asyncio.start_server(
        lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context
    ) as server:
        port = server.sockets[0].getsockname()[1]
        channels = (
            hook("dns", "https://no-such-host.invalid/x"),
            hook("tls", f"https://127.0.0.1:{port}/x"),
        )
        async with notifying(tmp_path, *channels) as (bus, url, _):
            await fire(bus, 1)
            await said(url, "channel dns holds 1 alert until it is set right: DNS: ")
            await said(url, "channel tls holds 1 alert until it is set right: TLS: ")
            assert "unable to get local issuer certificate" in (await readiness(url))["reason"]
            assert await dead_letters(bus) == 0


def supergroup(receiver: Receiver, *, answers: bytes = b'{"ok": true}') -> None:
    """Answer as the Bot API does after a group became a supergroup."""

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        receiver.seen.append(request)
        if str(request.json()["chat_id"]) != str(NEW_CHAT):
            return 400, {}, UPGRADED
        receiver.taken.append(request)
        return 200, {}, answers

    receiver.answer = answer  # type: ignore[method-assign]


async def test_a_telegram_group_that_became_a_supergroup_is_followed(tmp_path: Path) -> None:
    with receiving() as api:
        supergroup(api)
        async with notifying(tmp_path, telegram(), PW_NOTIFIER_TELEGRAM_URL=api.url) as (
            bus,
            url,
            _,
        ):
            await fire(bus, 1, 2)

            async def both() -> bool:
                texts = "".join(one.json()["text"] for one in api.taken)
                return "alert 1" in texts and "alert 2" in texts

            await poll_until(both, "both alerts in the new chat", timeout_s=20)
            assert await dead_letters(bus) == 0
            found = await said(url, f"sends to chat {NEW_CHAT}, which its group became")
            assert found["ready"]
            old = [one for one in api.seen if str(one.json()["chat_id"]) == OLD_CHAT]
            assert len(old) == 1
            await configure(bus, telegram(chat_id=str(NEW_CHAT)))
            await said(url, "")


async def test_a_channel_that_fails_makes_no_storm_and_only_the_others_say_so(
    tmp_path: Path,
) -> None:
    """Without a service beside it the notifier sees much that is wrong, and says each once."""
    with receiving() as api, receiving() as good:
        api.always = (400, {}, b'{"ok": false, "description": "Bad Request: chat not found"}')
        channels = (telegram(), hook("team", good.url, kinds=()))
        async with notifying(tmp_path, *channels, PW_NOTIFIER_TELEGRAM_URL=api.url) as (
            bus,
            url,
            _,
        ):
            await fire(bus, 1)

            def triggers() -> list[str]:
                sent = [one for request in good.taken for one in request.json()["alerts"]]
                return [one["trigger"] for one in sent]

            async def reported() -> bool:
                return "channel_tg" in triggers()

            await poll_until(reported, "the other channel says so", timeout_s=60)
            (told,) = [
                one
                for request in good.taken
                for one in request.json()["alerts"]
                if one["trigger"] == "channel_tg"
            ]
            assert "chat not found" in told["detail"]
            before = int((await bus.api("STREAM.INFO.PW_ALERT"))["state"]["last_seq"])
            tries = len(api.seen)

            async def tried_again() -> bool:
                return len(api.seen) >= tries + 1

            await poll_until(tried_again, "another attempt", timeout_s=60)
            assert int((await bus.api("STREAM.INFO.PW_ALERT"))["state"]["last_seq"]) == before
            assert triggers().count("channel_tg") == 1
            assert await dead_letters(bus) == 0
            assert all("channel tg" not in one.json()["text"] for one in api.seen)
            assert "channel tg holds" in (await readiness(url))["reason"]


async def test_the_status_names_the_channel_and_what_its_service_said(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.always = (404, {}, b'{"message": "<b>Unknown</b> Webhook"}')
        async with notifying(tmp_path, hook("hook", receiver.url)) as (bus, _, _process):
            broker = bus.client.connected_url
            assert broker is not None
            environ = {"PW_NATS_URL": broker.geturl(), "PW_API_NO_TOKEN": "true"}
            async with running_service("pw_api", environ) as (_api, url):
                await fire(bus, 1)
                wanted = (
                    "Channel hook holds 1 alert until it is set right: "
                    "answered 404: <b>Unknown</b> Webhook."
                )

                async def told() -> bool:
                    async with httpx.AsyncClient(trust_env=False) as client:
                        return wanted in (await client.get(f"{url}/api/v1/status")).json()["why"]

                await poll_until(told, "the status says so", timeout_s=30)
