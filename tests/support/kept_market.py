"""A short generated market as PW_SWAP holds it, and what a history of it must answer."""

from __future__ import annotations

from pathlib import Path

from pw_cli.offline.offline import batches, closed_slots
from pw_common.jetstream.bus import Bus
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.topology import subjects
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.envelope import CONTENT_ENCODING, MSG_ID, SCHEMA, SCHEMA_BATCH, ZSTD, compress
from pw_common.wire.history import SwapsAsked
from pw_common.wire.messages import Batch, Swap, encode
from pw_replay.market import generate
from support.asked import asked
from support.records import store


async def publish(bus: Bus, batch: Batch) -> None:
    headers = {
        MSG_ID: f"swap:{batch.tx_id or batch.tx_seq}",
        CONTENT_ENCODING: ZSTD,
        SCHEMA: SCHEMA_BATCH,
    }
    await store(bus, subjects.SWAP_BATCH, compress(encode(batch)), headers)


class Market:
    """A short generated market: its batches, and every swap of its slots once."""

    def __init__(self, folder: Path) -> None:
        path = folder / "market.pb.zst"
        with CaptureWriter(path) as writer:
            for update in generate(seed=3, minutes=1.5, tps=40):
                writer.write(update)
        self.batches = list(batches([path]))
        self.slots: list[ClosedSlot] = list(closed_slots([path]))
        self.swaps: list[tuple[int, Swap]] = [
            (one.event_time_ms, swap) for one in self.slots for swap in one.swaps
        ]


def settings(url: str, folder: Path) -> dict[str, str]:
    return {"PW_NATS_URL": url, "PW_HISTORY_DIR": str(folder / "kept")}


async def all_swaps(bus: Bus) -> list[tuple[str, object, object]]:
    _, rows = await asked(bus, SwapsAsked(limit=10_000))
    return [(str(row["signature"]), row["ordinal"], row["event_time_ms"]) for row in rows]


def wanted(market: Market) -> list[tuple[str, object, object]]:
    return [(swap.signature, swap.ordinal, at_ms) for at_ms, swap in reversed(market.swaps)]
