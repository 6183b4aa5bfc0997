"""Child processes: start, watch, restart after a crash, stop in order, and what they cost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pw_cli.up.options.plan import Spec
from pw_cli.up.processes.relay import Relay
from pw_common.dev.local_broker import end_with_parent
from pw_common.process.clock import monotonic_s

STOP_TIMEOUT_S = 25.0
RESTARTS_MAX = 5
RESTART_WAIT_S = 0.5
# A service that ends with one of these said why, and would say it again.
FINAL_EXIT_CODES = {2, 78}
# At the start this is final too: later the broker that it missed may be back.
EXIT_UNAVAILABLE = 69
# These only show or notify: however they end, they are started again, and the rest goes on.
ASIDE = {"api", "notifier"}
ASIDE_WAIT_FIRST_S = 0.5
ASIDE_WAIT_MAX_S = 60.0
# A process that ran for this long is not failing at its start.
STEADY_S = 60.0


class ChildFailed(RuntimeError):
    """A service ended for good; its own message is on stderr."""


@dataclass
class Cost:
    """What a process took: CPU since the mark, and the largest resident size."""

    cpu_s: float = 0.0
    rss_mb: float = 0.0


@dataclass
class Child:
    """One service process and its history."""

    spec: Spec
    process: subprocess.Popen[bytes]
    starter: Starter | None = None
    restarts: int = 0
    # Restarts in a row, without a steady time in between.
    in_a_row: int = 0
    stopping: bool = False
    # For processes that only show: the next wait, and when it is due.
    wait_s: float = ASIDE_WAIT_FIRST_S
    due_s: float | None = None
    started_s: float = field(default_factory=monotonic_s)
    cpu_mark_s: float = 0.0
    cost: Cost = field(default_factory=Cost)

    def measure(self) -> None:
        """Read CPU and memory; the last reading stays when the process is gone."""
        cpu_s, rss_mb = usage(self.process.pid)
        if rss_mb:
            self.cost = Cost(cpu_s - self.cpu_mark_s, rss_mb)


class Starter:
    """Starts services, passes on what they write, and knows every process that it started."""

    def __init__(self, relay: Relay | None = None) -> None:
        self._relay = relay
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, spec: Spec) -> Child:
        """Start one service, with everything of our environment that the run does not set."""
        piped = subprocess.PIPE if self._relay is not None else None
        # Alerts on the console are what the notifier writes; our stdout is for the figures.
        alerts = (piped or sys.stderr) if spec.service == "notifier" else subprocess.DEVNULL
        process = subprocess.Popen(
            [sys.executable, "-m", spec.module],
            env={**spec.defaults, **os.environ, **spec.env},
            stdin=subprocess.DEVNULL,
            stdout=alerts,
            stderr=piped,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509
        )
        self._processes = [one for one in self._processes if one.poll() is None]
        self._processes.append(process)
        if self._relay is not None:
            if process.stderr is not None:
                self._relay.read(process.stderr, spec.name)
            if process.stdout is not None:
                self._relay.read(process.stdout, spec.name, folded=False)
        return Child(spec, process, self)

    async def run_once(self, spec: Spec) -> int:
        """Run a one-shot to its end; returns its exit code."""
        process = self.start(spec).process
        try:
            while (code := process.poll()) is None:  # noqa: ASYNC110 - another process's end
                await asyncio.sleep(0.02)
        finally:
            if process.poll() is None:
                process.kill()
        return code

    def kill_all(self) -> None:
        """End everything that still runs, at once."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()


def start(spec: Spec) -> Child:
    """Start one service whose stderr is ours."""
    return Starter().start(spec)


async def watch(children: list[Child], say: Callable[[str], None]) -> None:
    """Restart what crashes, as a container runtime would; processes that only show without an end.

    Raises:
        ChildFailed: a service gave up for a stated reason, or crashed too often.
    """
    while True:
        await asyncio.sleep(0.2)
        for child in children:
            code = child.process.poll()
            child.measure()
            if code is None or child.stopping:
                continue
            if child.spec.service in ASIDE:
                _restart_aside(child, code, say)
                continue
            name = child.spec.name
            if code in FINAL_EXIT_CODES:
                raise ChildFailed(f"{name} ended with exit code {code}: its message is above")
            if monotonic_s() - child.started_s >= STEADY_S:
                child.in_a_row = 0
            if child.in_a_row >= RESTARTS_MAX:
                raise ChildFailed(f"{name} crashed {child.in_a_row + 1} times (exit code {code})")
            child.in_a_row += 1
            say(f"{name} ended with exit code {code}: starting it again")
            await asyncio.sleep(RESTART_WAIT_S)
            _start_again(child)


def _restart_aside(child: Child, code: int, say: Callable[[str], None]) -> None:
    """Start it again when it is due; the waits grow up to a bound while it keeps ending."""
    now_s = monotonic_s()
    if child.due_s is None:
        if now_s - child.started_s >= STEADY_S:
            child.wait_s = ASIDE_WAIT_FIRST_S
        child.due_s = now_s + child.wait_s
        say(
            f"{child.spec.name} ended with exit code {code}: starting it again in "
            f"{child.wait_s:g} s; everything else goes on"
        )
        child.wait_s = min(2 * child.wait_s, ASIDE_WAIT_MAX_S)
    elif now_s >= child.due_s:
        child.due_s = None
        try:
            _start_again(child)
        except OSError as error:
            say(f"{child.spec.name} cannot be started: {error}")


def _start_again(child: Child) -> None:
    again = (child.starter or Starter()).start(child.spec)
    child.process, child.started_s = again.process, again.started_s
    child.restarts += 1


async def stop(child: Child, within_s: float = STOP_TIMEOUT_S) -> None:
    """SIGTERM, then SIGKILL when it takes too long."""
    child.stopping = True
    if child.process.poll() is None:
        child.process.send_signal(signal.SIGTERM)
    deadline = asyncio.get_running_loop().time() + within_s
    while child.process.poll() is None:
        child.measure()
        if asyncio.get_running_loop().time() > deadline:
            child.process.kill()
        await asyncio.sleep(0.02)


def usage(pid: int) -> tuple[float, float]:
    """CPU seconds and peak resident MB of a process; zeros where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0, 0.0
    cpu_s = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return cpu_s, round(int(line.split()[1]) / 1024, 1)
    return cpu_s, 0.0


def free_port() -> int:
    """A port that is free on loopback, and that the system gives to nobody else for a minute.

    A service takes a second to start. A port that was only looked up may by then be the near
    end of somebody's connection. The end that closes a connection first leaves its port in
    TIME_WAIT: the system hands such a port to no one who asks for any port, while a server
    that names it (with SO_REUSEADDR, as servers do) may listen on it at once.
    """
    with socket.socket() as server, socket.socket() as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()
        # Read to its end, so that the other side's goodbye has arrived before ours is sent.
        client.recv(1)
        return int(server.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a service could listen on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
