"""The lag adapter as a process, with certificates and a broker of the test."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from pw_cli.up.processes.processes import free_port
from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from support.broker import provisioned
from support.certificates import Pair, authority, signed
from support.poll import poll_until
from support.services import running_service

ROOT = "/apis/external.metrics.k8s.io/v1beta1"
LAG = f"{ROOT}/namespaces/pocketwatcher/jetstream_consumer_lag"
PARSER = {"labelSelector": "stream=PW_TX,consumer=parser"}


@dataclass
class Adapter:
    """Where it listens, what it serves, and the authorities."""

    url: str
    health: str
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
            yield Adapter(url, health, broker, bus, server_ca.certificate, client_ca, certificates)
