"""A restart of the real detector over a real broker: seconds, CPU and memory until it is ready.

Fills PW_SWAP with `--minutes` of the load in `swap_load.py`, writes the position of a detector
that had folded all of it, starts `python -m pw_detector` and waits until /readyz says ready.
As in a whole horizon, the older half counts for wallets and facts alone. Prints what the two
hours and five minutes of the real horizon would take at the same cost a message.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
from swap_load import BEGIN_S, FIRST_SLOT, SLOTS_PER_S, SwapLoad

from pw_common.dev.local_broker import start_broker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.jetstream.consuming.log_reader import get_message
from pw_common.ordering.assembly import TxPosition
from pw_common.process.log import Log
from pw_common.topology.streams import GIB, declare, stream_created
from pw_common.topology.subjects import BUCKET_DETECTOR, CONSUMER_DETECTOR, STREAM_SWAP, SWAP_BATCH
from pw_common.wire.envelope import CONTENT_ENCODING, MSG_ID, SCHEMA, SCHEMA_BATCH, ZSTD, compress
from pw_common.wire.messages import encode
from pw_detection.detector import WINDOWED_MS
from pw_detector.store.position import KEY, Position
from pw_provision.apply import apply

HORIZON_MINUTES = 125
READY_S = 900.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_run(Path(folder), SwapLoad(args.seed), args.minutes))
    if args.json:
        print(json.dumps(figures))
        return 0
    for name, value in figures.items():
        print(f"{name:24} {value:12,.1f}")
    return 0


async def _run(folder: Path, load: SwapLoad, minutes: float) -> dict[str, float]:
    broker = await start_broker(folder)
    try:
        bus = await connect(broker.url, "bench", Log("bench"))
        try:
            await apply(bus, declare(swap_bytes_max=8 * GIB))
            last_seq = 0
            swaps = 0
            for batch in load.batches(0, minutes):
                headers = {
                    MSG_ID: f"swap:{batch.tx_seq}",
                    CONTENT_ENCODING: ZSTD,
                    SCHEMA: SCHEMA_BATCH,
                }
                stored = bus.js.publish(SWAP_BATCH, compress(encode(batch)), headers=headers)
                last_seq = (await stored).seq
                swaps += sum(type(event).__name__ == "Swap" for event in batch.events)
            info = await bus.api(f"STREAM.INFO.{STREAM_SWAP}")
            last = await get_message(bus, STREAM_SWAP, last_seq)
            slots = int(minutes * 60 * SLOTS_PER_S)
            position = Position(
                swap_stream_created=stream_created(info),
                folded_seq=last_seq,
                folded_time_ms=last.time_ms if last is not None else 0,
                folded_place=TxPosition(0, last_seq),
                released_slot=FIRST_SLOT + slots - 1,
                # Half of it lies before everything that a window reaches.
                event_time_ms=int((BEGIN_S + minutes * 30) * 1_000) + WINDOWED_MS,
                restart_seq=1,
                restart_place=TxPosition(0, 1),
                restart_time_ms=BEGIN_S * 1_000,
                epoch_time_ms=BEGIN_S * 1_000,
            )
            await bus.kv_put(BUCKET_DETECTOR, KEY, encode(position))
            await _acknowledge(bus, last_seq)
        finally:
            await bus.close()
        return {"swaps": swaps, "messages": last_seq, **await _restart(broker.url, swaps)}
    finally:
        broker.stop()


async def _acknowledge(bus: Bus, count: int) -> None:
    """The detector that had read all this had acknowledged it on receipt."""
    subscription = await bus.js.pull_subscribe_bind(consumer=CONSUMER_DETECTOR, stream=STREAM_SWAP)
    while count:
        for message in await subscription.fetch(min(256, count)):
            await message.ack()
            count -= 1
    await subscription.unsubscribe()


async def _restart(url: str, swaps: int) -> dict[str, float]:
    environ = {**os.environ, "PW_NATS_URL": url, "PW_HTTP_LISTEN": "127.0.0.1:0"}
    begun_s = time.monotonic()
    process = subprocess.Popen(  # noqa: ASYNC220 -- a bench, with nothing beside it
        [sys.executable, "-m", "pw_detector"], env=environ, stderr=subprocess.PIPE
    )
    try:
        address = await asyncio.to_thread(_address, process)
        async with httpx.AsyncClient() as http:
            while (await http.get(f"{address}/readyz")).status_code != HTTPStatus.OK:
                if time.monotonic() - begun_s > READY_S:
                    raise TimeoutError("the detector did not become ready")
                await asyncio.sleep(0.2)
        ready_s = time.monotonic() - begun_s
        ticks = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").split()[13:15]
        cpu_s = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
        peak_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    finally:
        process.terminate()
        process.wait()
    horizon = HORIZON_MINUTES * 60 * 850 / swaps
    return {
        "ready_s": ready_s,
        "cpu_s": cpu_s,
        "cpu_us_a_swap": 1e6 * cpu_s / swaps,
        "peak_mb": peak_kb / 1_000,
        "horizon_s": ready_s * horizon,
        "horizon_cpu_s": cpu_s * horizon,
    }


def _address(process: subprocess.Popen[bytes]) -> str:
    stream = process.stderr
    for line in stream or ():
        if b'"service_started"' in line:
            return str(msgspec.json.decode(line)["http_url"])
    raise RuntimeError("the detector ended before it listened")


if __name__ == "__main__":
    sys.exit(main())
