"""CPU of ingest per update: real gRPC in, real broker out, real transactions if there are any.

    python bench/bench_ingest.py [--updates 40000]

The source runs in a process of its own; the figure is ingest's process time alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from pw_common.topology.streams import GIB  # noqa: E402
from pw_common.wire.framing import split  # noqa: E402
from pw_geyser import shallow_pb2  # noqa: E402
from support.broker import provisioned  # noqa: E402
from support.source import FakeSource, block_meta, running_source, transaction  # noqa: E402

PER_SLOT = 400
TICKS_S = os.sysconf("SC_CLK_TCK")


def transactions() -> list[bytes]:
    """Real non-vote transactions, or synthetic ones of their mean size."""
    folder = Path(os.environ.get("PW_CORPUS_DIR", ROOT.parent / "shared" / "corpus"))
    found = [
        update
        for path in sorted(folder.glob("block-*.pb.gz"))
        for update in split(gzip.decompress(path.read_bytes()))
        if not shallow_pb2.Update.FromString(update).transaction.info.is_vote
        and shallow_pb2.Update.FromString(update).HasField("transaction")
    ]
    return found or [transaction(1, index, size_bytes=4_700) for index in range(1000)]


def history(updates: int) -> list[bytes]:
    """That many transactions in slots of a usual size."""
    pool = transactions()
    out: list[bytes] = []
    for index in range(updates):
        read = shallow_pb2.Update.FromString(pool[index % len(pool)])
        read.transaction.slot = 1_000 + index // PER_SLOT
        read.transaction.info.signature = index.to_bytes(64, "big")
        out.append(read.SerializeToString())
        if index % PER_SLOT == PER_SLOT - 1:
            slot = 1_000 + index // PER_SLOT
            out.append(block_meta(slot, slot - 1))
    return out


async def serve(updates: int) -> None:
    """Play to whoever subscribes, until killed."""
    async with running_source(FakeSource(history(updates))) as source:
        print(source.endpoint, flush=True)
        await asyncio.Event().wait()


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


async def measure(updates: int) -> None:
    """Run once and print the figures."""
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--serve",
        "--updates",
        str(updates),
        stdout=asyncio.subprocess.PIPE,
    )
    if server.stdout is None:
        raise RuntimeError("the source has no output to read its endpoint from")
    endpoint = (await server.stdout.readline()).decode().strip()
    with tempfile.TemporaryDirectory() as folder:
        async with provisioned(Path(folder), tx_bytes_max=2 * GIB) as (broker, bus):
            environ = {
                **os.environ,
                "PW_NATS_URL": broker.url,
                "PW_INGEST_ENDPOINT": endpoint,
                # Live, so that what it claims is judged as on mainnet.
                "PW_INGEST_SOURCE_KIND": "live",
                "PW_INGEST_PROGRAMS": "all",
            }
            ingest = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "pw_ingest", env=environ, stderr=asyncio.subprocess.DEVNULL
            )
            state = {"messages": 0, "bytes": 0}
            while not state["messages"]:
                await asyncio.sleep(0.01)
                state = (await bus.api("STREAM.INFO.PW_TX"))["state"]
            start_s, start_cpu_s = time.perf_counter(), cpu_s(ingest.pid)
            last = 0
            end_s, end_cpu_s = start_s, start_cpu_s
            while state["messages"] < updates // 32 or state["messages"] > last:
                last = state["messages"]
                end_s, end_cpu_s = time.perf_counter(), cpu_s(ingest.pid)
                await asyncio.sleep(0.1)
                state = (await bus.api("STREAM.INFO.PW_TX"))["state"]
            ingest.terminate()
            await ingest.wait()
    server.kill()
    await server.wait()
    elapsed_s, used_s = end_s - start_s, end_cpu_s - start_cpu_s
    print(f"{updates} updates in {elapsed_s:.2f} s: {updates / elapsed_s:.0f}/s")
    print(f"ingest CPU {used_s / updates * 1e6:.0f} us per update; broker {state}")


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=40_000)
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    asyncio.run((serve if arguments.serve else measure)(arguments.updates))


if __name__ == "__main__":
    main()
