"""deploy/*.conf, each started as it is but for ports and folder; provision on a cluster."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pw_cli.up.processes.processes import free_port
from pw_common.dev.local_broker import end_with_parent, find_binary
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from support.asking import asked
from support.composed import ROOT, compose, lines_of
from support.poll import poll_until

# What `nats-server --signal ldm=PID` sends.
LDM = signal.SIGUSR2


class Nodes:
    """The servers of one test; every one is killed at its end."""

    def __init__(self, folder: Path, config: str, count: int) -> None:
        self.folder = folder
        self.text = (ROOT / "deploy" / config).read_text()
        self.ports = [free_port() for _ in range(count)]
        self.routes = [free_port() for _ in range(count)]
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)

    def start(self, at: int) -> None:
        text = self.text.replace("store_dir: /data", f"store_dir: {self.folder}/n{at}")
        text = text.replace("0.0.0.0:4222", f"127.0.0.1:{self.ports[at]}")
        text = text.replace("0.0.0.0:6222", f"127.0.0.1:{self.routes[at]}")
        text = text.replace("0.0.0.0:8222", "127.0.0.1:-1")
        config = self.folder / f"n{at}.conf"
        config.write_text(text)
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in self.routes)
        environ = os.environ | {
            "NATS_NAME": f"nats-{at + 1}",
            "NATS_ROUTES": f"[{routes}]",
            "NATS_FILE_STORE": compose()["services"]["nats"]["environment"]["NATS_FILE_STORE"],
        }
        with (self.folder / f"n{at}.log").open("wb") as log:
            process = subprocess.Popen(
                [find_binary(), "--config", str(config)],
                env=environ,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,  # noqa: PLW1509
            )
        self.processes.append(process)


@contextmanager
def nodes(folder: Path, config: str, count: int) -> Iterator[Nodes]:
    one = Nodes(folder, config, count)
    try:
        yield one
    finally:
        for process in one.processes:
            process.kill()
            process.wait()


async def provision(url: str, replicas: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pw_provision"),
        env={**os.environ, "PW_NATS_URL": url, "PW_STREAM_REPLICAS": replicas},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@pytest.mark.timeout(400)
async def test_provision_waits_until_all_three_nodes_are_there_and_keeps_three_copies(
    tmp_path: Path,
) -> None:
    replicas = lines_of("deploy/cluster.env")["PW_STREAM_REPLICAS"]
    with nodes(tmp_path, "nats-cluster.conf", 3) as three:
        three.start(0)
        three.start(1)
        process = await provision(three.url, replicas)
        assert process.stdout is not None
        # Two nodes say they are healthy, and place nothing.
        async for line in process.stdout:
            if b"provision_waits" in line:
                break
        else:
            pytest.fail("provision did not wait")
        three.start(2)
        out, _ = await asyncio.wait_for(process.communicate(), 90.0)
        # A cluster that takes longer to form than one run waits: a supervisor starts another.
        for _again in range(3):
            if process.returncode == 0:
                break
            process = await provision(three.url, replicas)
            out, _ = await asyncio.wait_for(process.communicate(), 90.0)
        assert process.returncode == 0, out.decode()
        bus = await connect(three.url, "test", Log("test"))
        try:
            placed = (await asked(bus, "STREAM.INFO.PW_TX"))["cluster"]
        finally:
            await bus.close()
    members = {placed["leader"], *(one["name"] for one in placed["replicas"])}
    assert members == {"nats-1", "nats-2", "nats-3"}
    assert placed["name"] == "pocketwatcher"


async def test_what_one_node_stored_is_not_where_a_cluster_would_remove_it(tmp_path: Path) -> None:
    single = (ROOT / "deploy/nats.conf").read_text()
    cluster = (ROOT / "deploy/nats-cluster.conf").read_text()
    assert "store_dir: /data\n" in single
    assert "store_dir: /data/cluster\n" in cluster
    with nodes(tmp_path, "nats.conf", 1) as one:
        one.start(0)

        async def provisioned() -> bool:
            process = await provision(one.url, "1")
            await process.communicate()
            return process.returncode == 0

        await poll_until(provisioned, "one node provisioned", timeout_s=60)
    assert (tmp_path / "n0" / "jetstream").is_dir()


@pytest.mark.parametrize("config", ["nats.conf", "nats-cluster.conf"])
def test_a_publish_is_acknowledged_when_it_is_on_disk(config: str) -> None:
    assert "sync_interval: always\n" in (ROOT / "deploy" / config).read_text()


async def test_a_node_that_is_told_to_go_outlives_the_signal_that_follows(tmp_path: Path) -> None:
    """A kubelet sends SIGTERM as soon as preStop returns: the hand-over must go on."""
    with nodes(tmp_path, "nats-cluster.conf", 1) as one:
        one.start(0)
        [process] = one.processes
        log = tmp_path / "n0.log"

        async def said(what: str) -> None:
            async def in_log() -> bool:
                return what in log.read_text()

            await poll_until(in_log, what, timeout_s=30)

        await said("Server is ready")
        # Without a client there is nobody to hand over, and it goes at once.
        bus = await connect(one.url.split(",")[0], "test", Log("test"))
        try:
            os.kill(process.pid, LDM)
            await said("Entering lame duck mode")
            process.terminate()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.0)
        finally:
            await bus.close()
