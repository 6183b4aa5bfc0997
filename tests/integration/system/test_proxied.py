"""A company's machine: a proxy in the environment, and certificates of the company's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import grpc
import pytest

from pw_cli.connect.broker import credentials
from pw_common.dev.local_broker import find_server
from pw_common.jetstream.bus import BrokerAway
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks
from pw_common.service.settings import BadSettings, load
from pw_geyser import geyser_pb2 as pb
from pw_ingest.config import Endpoint, Settings
from pw_ingest.source.stream import Source, StreamEnded
from pw_notifier.http.bounded import bounded_client
from pw_notifier.http.exchange import exchange
from support.certificates import Pair, authority, signed
from support.command import pw
from support.poll import poll_until
from support.source import FakeSource, blocks, running_source
from support.terminal_run import up

VARIABLES = ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy")
NOWHERE = "http://127.0.0.1:9"
FAR = "far.example"


@dataclass
class Proxy:
    """Tunnels every host to one port of loopback, and answers plain requests by itself."""

    url: str = ""
    to: int = 0
    asked: list[str] = field(default_factory=list)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            first = head.decode().splitlines()[0]
            self.asked.append(first)
            if not first.startswith("CONNECT"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproxied")
                return
            there, out = await asyncio.open_connection("127.0.0.1", self.to)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(_pipe(reader, out), _pipe(there, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def proxying(to: int = 0) -> AsyncIterator[Proxy]:
    proxy = Proxy(to=to)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await end_tasks(*proxy.serving)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def first_update(endpoint: Endpoint) -> bytes:
    source = Source(endpoint)
    try:
        await source.open(None, pb.SubscribeRequest())
        return await asyncio.wait_for(source.read(), 20)
    finally:
        await source.close()


@pytest.mark.parametrize("name", [*VARIABLES, *map(str.upper, VARIABLES)])
async def test_a_source_on_loopback_is_reached_whatever_the_environment_says(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, NOWHERE)
    async with running_source(FakeSource(blocks(range(100, 102)))) as source:
        assert await first_update(Endpoint(source.endpoint, ""))


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "GRPC_PROXY", "http_proxy"])
async def test_a_source_elsewhere_is_reached_by_the_proxy(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_source(FakeSource(blocks(range(100, 102)))) as source, proxying() as proxy:
        proxy.to = int(source.endpoint.rpartition(":")[2])
        monkeypatch.setenv(name, proxy.url)
        assert await first_update(Endpoint(f"http://{FAR}:10000", ""))
        assert proxy.asked[0].startswith(f"CONNECT {FAR}:10000")


async def test_a_receiver_elsewhere_is_reached_by_the_proxy_and_one_here_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with proxying() as proxy, proxying() as here:
        for name in VARIABLES:
            monkeypatch.setenv(name, proxy.url)
        async with bounded_client() as client:
            far = await exchange(client, "POST", f"http://{FAR}/hook", content=b"x")
            assert (far.status, far.body) == (200, b"proxied")
            assert proxy.asked == [f"POST http://{FAR}/hook HTTP/1.1"]
            await exchange(client, "POST", f"{here.url}/hook", content=b"x")
        assert here.asked == ["POST /hook HTTP/1.1"]
        assert len(proxy.asked) == 1


@pytest.mark.timeout(180)
async def test_pw_up_runs_with_a_proxy_that_goes_nowhere(tmp_path: Path) -> None:
    dead = {name: NOWHERE for one in VARIABLES for name in (one, one.upper())}
    async with up(folder=tmp_path, **dead) as run:
        await run.until("running  ")
        api = next(line.split()[-1] for line in run.said if "/api/v1/status" in line)
        runtime = {"XDG_RUNTIME_DIR": str(tmp_path)}
        ended = await pw("status", "--once", **runtime, **dead)
        assert ended.code == 0, ended.err
        assert (await pw("url", **runtime, **dead)).out.startswith(api.partition("/api")[0])
        run.interrupt()
        assert (await run.end())[0] == 0


@asynccontextmanager
async def tls_source(pair: Pair) -> AsyncIterator[str]:
    server = grpc.aio.server()
    fake = FakeSource(blocks(range(100, 102)))
    handler = grpc.stream_stream_rpc_method_handler(
        fake.subscribe, request_deserializer=pb.SubscribeRequest.FromString
    )
    handlers = grpc.method_handlers_generic_handler("geyser.Geyser", {"Subscribe": handler})
    server.add_generic_rpc_handlers((handlers,))
    made = [(pair.key.read_bytes(), pair.certificate.read_bytes())]
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(made))
    await server.start()
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        await asyncio.shield(server.stop(0))


def of(url: str, **environ: str) -> Endpoint:
    return load(Settings, {"PW_INGEST_ENDPOINT": url, **environ}).endpoints()[0]


async def test_a_sources_certificate_is_checked_with_the_cas_of_the_setting_or_of_ssl_cert_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = authority(tmp_path, "ca")
    async with tls_source(signed(tmp_path, ca, "source", host="127.0.0.1")) as url:
        with pytest.raises(StreamEnded):
            await first_update(of(url))
        assert await first_update(of(url, PW_INGEST_CA_FILE=str(ca.certificate)))
        monkeypatch.setenv("SSL_CERT_FILE", str(ca.certificate))
        assert await first_update(of(url))
        # The setting comes first.
        other = authority(tmp_path, "other")
        with pytest.raises(StreamEnded):
            await first_update(of(url, PW_INGEST_CA_FILE=str(other.certificate)))


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("PW_INGEST_CA_FILE", "PW_NATS_CA_FILE"):
        for path in (str(tmp_path / "empty.pem"), str(tmp_path / "none.pem"), "/dev/zero"):
            with pytest.raises(BadSettings, match=name):
                of("https://h.example:443", **{name: path})


async def test_a_brokers_certificate_is_checked_with_the_cas_of_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = authority(tmp_path, "ca")
    pair = signed(tmp_path, ca, "broker", host="127.0.0.1")
    async with tls_broker(tmp_path, pair) as url:
        # A slow machine may be cut off in the middle of a handshake: one of several is enough.
        with pytest.raises(BrokerAway, match=r"[Cc]ertificate"):
            await connect(url, "test", Log("test"), wait_s=8)
        for name in VARIABLES:
            monkeypatch.setenv(name, NOWHERE)
        chosen = credentials({"PW_NATS_CA_FILE": str(ca.certificate)})
        bus = await connect(url, "test", Log("test"), **chosen)
        assert bus.connected
        await bus.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(ca.certificate))
        bus = await connect(url, "test", Log("test"))
        assert bus.connected
        await bus.close()


@asynccontextmanager
async def tls_broker(folder: Path, pair: Pair) -> AsyncIterator[str]:
    config = folder / "tls.conf"
    ports = folder / "ports"
    ports.mkdir()
    config.write_text(
        f'listen: "127.0.0.1:-1"\nports_file_dir: "{ports}"\n'
        f'tls {{ cert_file: "{pair.certificate}", key_file: "{pair.key}" }}\n'
    )
    process = await asyncio.create_subprocess_exec(
        find_server().path, "--config", str(config), stderr=asyncio.subprocess.DEVNULL
    )

    async def address() -> str:
        found = list(ports.glob("*.ports"))
        text = found[0].read_text() if found else ""
        return text.split('"')[3].rpartition(":")[2] if text else ""

    try:
        yield f"tls://127.0.0.1:{await poll_until(address, 'the broker', timeout_s=20)}"
    finally:
        process.terminate()
        await process.wait()
