"""The whole system as processes, restarted when they end, over a source in this process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pw_common.dev.local_broker import LocalBroker, end_with_parent
from support.replaying import Replaying

RESTART_AFTER_S: Final = 0.3
LOOK_EVERY_S: Final = 0.05
STOP_TIMEOUT_S: Final = 30.0
CHAOS: Final = Path(__file__).parent.parent


@dataclass
class Member:
    """One service process. `killed` says that its end is our doing."""

    name: str
    module: str
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes]
    killed: bool = False
    stopped: bool = False
    restarts: int = 0


@dataclass
class Fleet:
    """Every process of a run, and what became of them."""

    folder: Path
    broker: LocalBroker
    source: Replaying
    plant: tuple[str, str] | None = None
    members: list[Member] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    def start(self, name: str, module: str, **environ: str) -> Member:
        """Start a service; a planted defect goes into the module that it is meant for."""
        settings = {
            "PW_NATS_URL": self.broker.url,
            "PW_HTTP_LISTEN": "127.0.0.1:0",
            "PW_LOG_FORMAT": "text",
            "PW_LOG_LEVEL": "warning",
            **environ,
        }
        log = self.folder / f"{name}.log"
        member = Member(name, module, settings, log, self._spawn(module, settings, log))
        self.members.append(member)
        return member

    def of(self, service: str) -> list[Member]:
        """The running processes of a service."""
        module = f"pw_{service}"
        return [one for one in self.members if one.module == module and one.process.poll() is None]

    def kill(self, member: Member) -> None:
        """End it without a warning."""
        member.killed = True
        member.process.kill()
        member.process.wait()

    async def supervise(self) -> None:
        """Start again whatever ended; an end that nobody caused is a crash."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for member in self.members:
                code = member.process.poll()
                if code is None or member.stopped:
                    continue
                if not member.killed:
                    self.crashes.append(f"{member.name} ended by itself with {code}")
                member.killed = False
                member.restarts += 1
                await asyncio.sleep(RESTART_AFTER_S)
                member.process = self._spawn(member.module, member.environ, member.log)

    async def stop(self, *names: str) -> None:
        """End these services in order (all without a name), by SIGTERM; none may hang."""
        chosen = [
            one for one in self.members if not one.stopped and (not names or one.name in names)
        ]
        for member in chosen:
            member.stopped = True
            if member.process.poll() is None:
                member.process.send_signal(signal.SIGCONT)
                member.process.terminate()
        for member in chosen:
            try:
                await asyncio.to_thread(member.process.wait, STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.crashes.append(f"{member.name} did not stop within {STOP_TIMEOUT_S:g} s")
                member.process.kill()
                member.process.wait()

    def _spawn(self, module: str, environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", module]
        if self.plant is not None and self.plant[1] == module:
            command = [sys.executable, "-m", "chaos.planted", self.plant[0], module]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PW_")}
        with log.open("ab") as stream:
            return subprocess.Popen(
                command,
                env={**inherited, "PYTHONPATH": _path(), **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
                preexec_fn=end_with_parent,  # noqa: PLW1509
            )


def _path() -> str:
    return os.pathsep.join(filter(None, (str(CHAOS), os.environ.get("PYTHONPATH", ""))))
