"""The lag as Kubernetes asks for it: over TLS, for the front proxy alone, never a false 0."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import ssl
from pathlib import Path

import httpx
import pytest

from pw_common.dev.local_broker import restart_broker
from pw_common.topology.subjects import tx
from support.certificates import Pair, authority, signed
from support.lag import LAG, PARSER, ROOT, adapting
from support.poll import poll_until
from support.records import store

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


async def test_the_lag_is_what_waits_and_what_is_in_hand(tmp_path: Path) -> None:
    async with adapting(tmp_path) as one, one.front_proxy() as proxy:
        for number in range(7):
            await store(one.bus, tx("main"), b"x", {"Nats-Msg-Id": f"m{number}"})
        subscription = await one.bus.js.pull_subscribe_bind(consumer="parser", stream="PW_TX")
        (taken,) = await subscription.fetch(1, timeout=5)
        answer = await proxy.get(LAG, params=PARSER)
        assert answer.status_code == 200
        [item] = answer.json()["items"]
        assert item["value"] == "7"
        assert item["metricLabels"] == {"stream": "PW_TX", "consumer": "parser"}
        await taken.ack_sync()
        [item] = (await proxy.get(LAG, params=PARSER)).json()["items"]
        assert item["value"] == "6"
        await subscription.unsubscribe()
        discovery = (await proxy.get(ROOT)).json()
        assert [entry["name"] for entry in discovery["resources"]] == ["jetstream_consumer_lag"]


async def test_only_the_front_proxy_is_answered(tmp_path: Path) -> None:
    async with adapting(tmp_path) as one:
        async with one.client(None) as nobody:
            assert (await nobody.get(LAG, params=PARSER)).status_code == 403
            assert (await nobody.get(ROOT)).status_code == 403
        other_name = signed(one.folder, one.client_ca, "somebody-else")
        async with one.client(other_name) as other:
            answer = await other.get(LAG, params=PARSER)
            assert (answer.status_code, answer.json()["kind"]) == (403, "Status")
        stranger = signed(one.folder, authority(one.folder, "another-ca"), "front-proxy-client")
        async with one.client(stranger) as strange:
            with pytest.raises((httpx.HTTPError, ssl.SSLError)):
                await strange.get(LAG, params=PARSER)


async def test_a_read_that_fails_is_a_503_and_never_a_zero(tmp_path: Path) -> None:
    async with adapting(tmp_path) as one, one.front_proxy() as proxy:
        missing = {"labelSelector": "stream=PW_TX,consumer=nobody"}
        assert (await proxy.get(LAG, params=missing)).status_code == 503
        for wrong in ("stream=PW_TX", "stream in (a)", "stream=PW_TX,consumer=parser,x=y", ""):
            answer = await proxy.get(LAG, params={"labelSelector": wrong})
            assert answer.status_code == 400, wrong
        one.broker.kill()
        answer = await proxy.get(LAG, params=PARSER, timeout=20)
        assert (answer.status_code, answer.json()["reason"]) == (503, "ServiceUnavailable")
        await restart_broker(one.broker)

        async def back() -> bool:
            return (await proxy.get(LAG, params=PARSER, timeout=20)).status_code == 200

        await poll_until(back, "the lag again", timeout_s=30)


async def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    async with adapting(tmp_path) as one:
        host, port = one.url.removeprefix("https://").split(":")

        def serial() -> str:
            served = ssl.get_server_certificate((host, int(port)))
            return hashlib.sha256(served.encode()).hexdigest()

        before = await asyncio.to_thread(serial)
        # The CA's own name and key again: what cert-manager does at two thirds of the time.
        ca = Pair(one.server_ca, one.server_ca.with_suffix(".key"))
        signed(one.folder, ca, "lag-adapter", host="127.0.0.1")

        async def renewed() -> bool:
            return await asyncio.to_thread(serial) != before

        await poll_until(renewed, "the renewed certificate", timeout_s=30)
        async with one.front_proxy() as proxy:
            assert (await proxy.get(LAG, params=PARSER)).status_code == 200
