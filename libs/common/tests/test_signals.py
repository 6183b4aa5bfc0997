"""A first signal stops in order; a second one ends at once."""

from __future__ import annotations

import signal
import subprocess
import sys

HANGS = """
import asyncio, sys
from pw_common.service.run import watch_signals
async def main():
    stop = asyncio.Event()
    watch_signals(stop)
    print("ready", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def test_a_second_signal_ends_a_stop_that_hangs() -> None:
    with subprocess.Popen([sys.executable, "-c", HANGS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == b"stopping\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM
