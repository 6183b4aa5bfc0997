"""Finding the update that kills a parser: each is parsed alone, in a child process.

A message that comes again and again may have ended every parser that took it, or
may only have met restarts: its delivery count proves nothing. Only a child that
dies on an update, or does not answer, does; that update becomes a dead letter.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from pw_common.envelope import BadEnvelope, decompress
from pw_common.framing import BadFrame, join, split
from pw_common.limits import DECOMPRESSED_BYTES_MAX

# The first redelivery is what every restart causes; the second one is suspect.
SUSPECT_DELIVERIES = 3
# An update takes microseconds. A child that starts and parses 32 needs about a second.
CHILD_TIMEOUT_S = 10.0
PARSE = "pw_parser.core.parse"


async def crashing_updates(
    body: bytes, *, module: str = PARSE, timeout_s: float = CHILD_TIMEOUT_S
) -> dict[int, str]:
    """Position -> reason of each update of a PW_TX body that ends or hangs its parser.

    Args:
        body: As received; what cannot be cut is left to the caller's own parsing.
        module: Where the child finds `parse(bytes)`.
        timeout_s: For one child; a new one starts after each crash.
    """
    updates = _updates(body)
    crashing: dict[int, str] = {}
    begin = 0
    while begin < len(updates):
        parsed, reason = await _run_child(updates[begin:], module, timeout_s)
        if reason is None:
            break
        crashing[begin + parsed] = f"crash: {reason}"
        begin += parsed + 1
    return crashing


def _updates(body: bytes) -> list[bytes]:
    found: list[bytes] = []
    try:
        for update in split(decompress(body, DECOMPRESSED_BYTES_MAX)):
            found.append(update)  # noqa: PERF402 - what came before the bad frame counts
    except (BadEnvelope, BadFrame):
        return found
    return found


async def _run_child(updates: list[bytes], module: str, timeout_s: float) -> tuple[int, str | None]:
    """How many updates a child parsed, and how it ended if not well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pw_parser.isolate_child",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    progress = asyncio.create_task(process.stdout.read())
    talk = asyncio.create_task(_talk(process, join(updates)))
    timed_out = False
    try:
        await asyncio.wait_for(process.wait(), timeout_s)
    except TimeoutError:
        timed_out = True
        process.kill()
        await process.wait()
    parsed = len(await progress)
    said = await talk
    if parsed >= len(updates):
        return parsed, None
    if timed_out:
        return parsed, f"no answer within {timeout_s:g} s"
    return parsed, _how(process.returncode or 0, said)


async def _talk(process: asyncio.subprocess.Process, body: bytes) -> str:
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        process.stdin.write(body)
        await process.stdin.drain()
        process.stdin.close()
    except ConnectionError:
        pass  # It died before it had read everything; its exit code says how.
    return (await process.stderr.read()).decode(errors="replace")


def _how(code: int, said: str) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name} while parsing"
    lines = said.strip().splitlines()
    return lines[-1] if lines else f"exit code {code} while parsing"
