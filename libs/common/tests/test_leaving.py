"""How a service is reached, and that it leaves whatever its tasks do."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from pw_common.service.run import reached_at

DEAF = """
import asyncio, sys
from pw_common.service.run import CommonSettings, Runtime, run_service

async def deaf():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def body(runtime: Runtime) -> None:
    global kept
    kept = asyncio.create_task(deaf(), name="deaf")
    await asyncio.sleep(0)

settings = CommonSettings(nats_url="nats://127.0.0.1:9")
sys.exit(run_service("parser", settings, body, needs_broker=False))
"""


def test_a_task_that_will_not_end_is_named_and_keeps_no_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEAF], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if "tasks_left" in line]
    assert "name='deaf'" in line


@pytest.mark.parametrize(
    ("address", "advertise", "url"),
    [
        ("127.0.0.1:8080", "", "http://127.0.0.1:8080"),
        ("0.0.0.0:8080", "10.1.2.3", "http://10.1.2.3:8080"),
        ("0.0.0.0:8080", "fd00::1", "http://[fd00::1]:8080"),
        (":::8080", "10.1.2.3", "http://10.1.2.3:8080"),
        ("0.0.0.0:8080", "", f"http://{socket.gethostname()}:8080"),
        (":::8080", "", f"http://{socket.gethostname()}:8080"),
        ("[::]:8080", "", f"http://{socket.gethostname()}:8080"),
    ],
)
def test_heartbeats_name_where_a_service_is_reached(address: str, advertise: str, url: str) -> None:
    assert reached_at(address, advertise) == url
