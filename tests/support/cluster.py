"""Three nats-servers on loopback that replicate to each other."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pw_cli.up.processes.processes import free_port
from pw_common.dev.local_broker import end_with_parent, find_binary
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_common.topology.streams import Topology
from pw_provision.apply import apply
from support.poll import poll_until

NODES = 3


@dataclass
class Node:
    """One server; `start` also starts it again over its data."""

    name: str
    folder: Path
    port: int
    cluster_port: int
    routes: list[int]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in self.routes)
        config = self.folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f"server_name: {self.name}\n"
            f'jetstream {{ store_dir: "{self.folder / "data"}" }}\n'
            "cluster {\n  name: pw\n"
            f'  listen: "127.0.0.1:{self.cluster_port}"\n  routes: [{routes}]\n}}\n'
        )
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(
                [find_binary(), "--config", str(config)],
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,  # noqa: PLW1509
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """Stop it as a slow disk would: it holds its connections and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        # Until it has really stopped, it could still agree to something.
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@dataclass
class Cluster:
    """The nodes; `url` names all of them."""

    nodes: list[Node]

    @property
    def url(self) -> str:
        return ",".join(f"nats://127.0.0.1:{node.port}" for node in self.nodes)

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def others(self, name: str) -> list[Node]:
        return [node for node in self.nodes if node.name != name]


@asynccontextmanager
async def running_cluster(folder: Path) -> AsyncIterator[Cluster]:
    """Three nodes, killed afterwards."""
    routes = [free_port() for _ in range(NODES)]
    nodes = [
        Node(f"n{at}", folder / f"n{at}", free_port(), routes[at], routes) for at in range(NODES)
    ]
    for node in nodes:
        node.start()
    try:
        await asyncio.sleep(0)
        yield Cluster(nodes)
    finally:
        for node in nodes:
            if node.process is not None and node.process.poll() is None:
                node.kill()


@asynccontextmanager
async def provisioned_bus(cluster: Cluster, topology: Topology) -> AsyncIterator[Bus]:
    """A connection to it, once it has a leader and everything of the declaration."""

    async def made() -> Bus | None:
        try:
            bus = await connect(cluster.url, "test", Log("test"), wait_s=2.0)
        except BrokerAway:
            return None
        try:
            await apply(bus, topology)
        except (ApiRefused, BrokerAway):
            await bus.close()
            return None
        return bus

    bus = await poll_until(made, "a cluster with a leader", timeout_s=60)
    try:
        yield bus
    finally:
        await bus.close()
