"""A stream that could only begin live, in mid-slot: what went by before is found and filled in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from e2e.test_gap_filled import pw
from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.topology import subjects
from pw_common.wire.batches import batch_of
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import Swap
from pw_parser.core.parse import parse
from pw_replay.market import generate
from support.broker import provisioned
from support.ingesting import gaps_stored, ingest, stop, until_checkpoint
from support.poll import poll_until
from support.services import running_service
from support.source import FakeSource, running_source, slot_of


def swaps(updates: list[bytes]) -> Counter[tuple[str, int]]:
    return Counter(
        (event.signature, event.ordinal)
        for update in updates
        for event in parse(update).events
        if isinstance(event, Swap)
    )


async def swaps_stored(bus: Bus) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    async for message in stored_messages(bus, subjects.STREAM_SWAP):
        for event in batch_of(headers_of(message), message.data).events:
            if isinstance(event, Swap):
                found[event.signature, event.ordinal] += 1
    return found


async def test_a_filled_gap_before_a_live_start_gives_each_swap_once(tmp_path: Path) -> None:
    market = list(generate(seed=5, minutes=0.5, tps=80))
    path = tmp_path / "market.pb.zst"
    with CaptureWriter(path) as writer:
        for update in market:
            writer.write(update)
    slots = sorted({slot_of(update) for update in market})
    left, joined, last = slots[15], slots[40], slots[-1]
    # Half of what the slot trades is over when the second stream begins.
    trading = [update for update in market if slot_of(update) == joined and swaps([update])]
    assert len(trading) >= 2
    middle = market.index(trading[len(trading) // 2])
    first = FakeSource([update for update in market if slot_of(update) <= left])
    second = FakeSource(market[middle:], resumes=False)
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_parser", {"PW_NATS_URL": broker.url}),
    ):
        async with running_source(first), ingest(broker, first) as process:
            await until_checkpoint(bus, left - 1)
            await stop(process)
        async with running_source(second), ingest(broker, second) as process:
            await until_checkpoint(bus, last - 1)
            await stop(process)
        (gap,) = await gaps_stored(bus)
        assert gap.last_missing_slot == joined
        code, out = await pw("verify", broker=broker.url)
        assert code == 0, out
        code, out = await pw("backfill", "--gap", gap.id, "--capture", str(path), broker=broker.url)
        assert code == 0, out
        wanted = swaps(market)

        async def all_there() -> bool:
            return (await swaps_stored(bus)).keys() >= wanted.keys()

        await poll_until(all_there, "every swap of the market")
        assert await swaps_stored(bus) == wanted
        code, out = await pw("verify", broker=broker.url)
        assert code == 0, out
