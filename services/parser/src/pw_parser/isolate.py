"""Finding the update that kills a parser: each is parsed alone, in a child process.

A message that comes again and again may have ended every parser that took it, or
may only have met restarts: its delivery count proves nothing. Only a child that
has everything in hand and then dies on an update, or does not answer, does; that
update becomes a dead letter. A child that never gets so far proves nothing either.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

from pw_common.documents.programs import ProgramTable
from pw_common.wire.envelope import BadEnvelope, decompress
from pw_common.wire.framing import BadFrame, join, split
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX
from pw_common.wire.messages import encode

# The first redelivery is what every restart causes; the second one is suspect.
SUSPECT_DELIVERIES = 3
# Under a second where cores are free; a machine that starves its processes takes its time.
START_TIMEOUT_S = 30.0
# An update takes microseconds. After two parsers have hung on one for `ack_wait` each, this
# must end before the detector gives the message up.
UPDATE_TIMEOUT_S = 2.0
PARSE = "pw_parser.core.parse"
NO_TABLE = ProgramTable()


class NoVerdict(RuntimeError):
    """The child did not get as far as the first update: nothing is known of any."""


async def crashing_updates(
    body: bytes,
    *,
    module: str = PARSE,
    table: ProgramTable = NO_TABLE,
    start_timeout_s: float = START_TIMEOUT_S,
    update_timeout_s: float = UPDATE_TIMEOUT_S,
) -> dict[int, str]:
    """Position -> reason of each update of a PW_TX body that ends or hangs its parser.

    Args:
        body: As received; what cannot be cut is left to the caller's own parsing.
        module: Where the child finds `parse(bytes)`.
        table: The users' programs that the message is read with.
        start_timeout_s: Until a child has everything in hand; a new one starts after each crash.
        update_timeout_s: For each update from then on.

    Raises:
        NoVerdict: a child did not start in time, or not at all.
    """
    updates = _updates(body)
    crashing: dict[int, str] = {}
    begin = 0
    while begin < len(updates):
        parsed, reason = await _run_child(
            updates[begin:], module, encode(table), start_timeout_s, update_timeout_s
        )
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


async def _run_child(
    updates: list[bytes],
    module: str,
    table: bytes,
    start_timeout_s: float,
    update_timeout_s: float,
) -> tuple[int, str | None]:
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
    talk = asyncio.create_task(_talk(process, join([table, *updates])))
    dots = 0
    timed_out = False
    try:
        # One dot more than updates: the first says that it is ready.
        while dots <= len(updates):
            timeout_s = update_timeout_s if dots else start_timeout_s
            said = await asyncio.wait_for(process.stdout.read(len(updates) + 1), timeout_s)
            if not said:
                await process.wait()
                break
            dots += len(said)
    except TimeoutError:
        timed_out = True
    finally:
        if process.returncode is None:
            # It has done its work, or hangs, or we are cancelled.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        why = await talk
    ended = process.returncode or 0
    if dots == 0:
        raise NoVerdict(f"no start within {start_timeout_s:g} s" if timed_out else _how(ended, why))
    parsed = dots - 1
    if parsed >= len(updates):
        return parsed, None
    if timed_out:
        return parsed, f"no answer within {update_timeout_s:g} s"
    return parsed, _how(ended, why)


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
