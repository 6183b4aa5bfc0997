"""The lag as Kubernetes asks for it: over TLS, for the front proxy alone, never a false 0."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pw_cli.up.processes import free_port
from pw_common.bus import Bus
from pw_common.local_broker import LocalBroker, restart_broker
from pw_common.subjects import tx
from support.broker import provisioned
from support.certificates import Pair, authority, signed
from support.poll import poll_until
from support.records import store
from support.services import running_service

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

ROOT = "/apis/external.metrics.k8s.io/v1beta1"
LAG = f"{ROOT}/namespaces/pocketwatcher/jetstream_consumer_lag"
PARSER = {"labelSelector": "stream=PW_TX,consumer=parser"}


@dataclass
class Adapter:
    """Where it listens, what it serves, and the authorities."""

    url: str
    broker: LocalBroker
    bus: Bus
    server_ca: Path
    client_ca: Pair
    folder: Path

    def client(self, pair: Pair | None) -> httpx.AsyncClient:
        context = ssl.create_default_context(cafile=str(self.server_ca))
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        return httpx.AsyncClient(base_url=self.url, verify=context, trust_env=False)

    def front_proxy(self) -> httpx.AsyncClient:
        return self.client(signed(self.folder, self.client_ca, "front-proxy-client"))


@asynccontextmanager
async def adapting(folder: Path) -> AsyncIterator[Adapter]:
    certificates = folder / "certificates"
    server_ca, client_ca = (authority(certificates, name) for name in ("server-ca", "proxy-ca"))
    own = signed(certificates, server_ca, "lag-adapter", host="127.0.0.1")
    port = free_port()
    async with provisioned(folder / "broker") as (broker, bus):
        environ = {
            "PW_NATS_URL": broker.url,
            "PW_LAG_ADAPTER_LISTEN": f"127.0.0.1:{port}",
            "PW_LAG_ADAPTER_CERT_FILE": str(own.certificate),
            "PW_LAG_ADAPTER_KEY_FILE": str(own.key),
            "PW_LAG_ADAPTER_CLIENT_CA_FILE": str(client_ca.certificate),
        }
        async with running_service("pw_lag_adapter", environ) as (_, health):
            async with httpx.AsyncClient(trust_env=False) as plain:

                async def ready() -> bool:
                    return (await plain.get(f"{health}/readyz")).status_code == 200

                await poll_until(ready, "a ready adapter")
            url = f"https://127.0.0.1:{port}"
            yield Adapter(url, broker, bus, server_ca.certificate, client_ca, certificates)


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
