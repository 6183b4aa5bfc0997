"""Whatever goes wrong is in the status, with the right count."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import SlotEvent, Swap
from pw_geyser import geyser_pb2
from pw_parser.core.parse import parse
from pw_replay.core.items import read_item
from pw_replay.market import generate
from support.poll import poll_until
from support.running import running

BAD_UPDATES = 3
EVERY = 40
TX_BYTES_MAX = 1024 * 1024


def bad_updates(slot: int) -> list[bytes]:
    """Framed well, readable never: no meta, an unknown kind, noise."""
    without_meta = geyser_pb2.SubscribeUpdate()
    without_meta.transaction.slot = slot
    without_meta.transaction.transaction.signature = b"\x07" * 64
    without_meta.transaction.transaction.transaction.signatures.append(b"\x07" * 64)
    # Field 8 is an entry: a kind that nobody subscribed to.
    return [without_meta.SerializeToString(), b"\x42\x02\x08\x01", b"\xff" * 40]


class Story:
    """A capture with known trouble: what it holds, and what must come of it."""

    def __init__(self, path: Path) -> None:
        updates = list(generate(seed=11, minutes=0.5, tps=300.0))
        slots = [e.slot for u in updates for e in parse(u).events if isinstance(e, SlotEvent)]
        self.missing = (slots[20], slots[22])
        middle = next(i for i, u in enumerate(updates) if read_item(u).slot == slots[10])
        with CaptureWriter(path) as capture:
            for at, update in enumerate(updates):
                if at == middle:
                    for bad in bad_updates(slots[10]):
                        capture.write(bad)
                capture.write(update)
        kept = [
            u
            for u in updates
            if not self.missing[0] <= read_item(u).slot <= self.missing[1]
            and read_item(u).kind == "tx"
        ]
        # The one without meta stands in the middle and counts as a transaction of the source.
        before = sum(1 for u in updates[:middle] if read_item(u).kind == "tx")
        played = [*kept[:before], None, *kept[before:]]
        self.transactions = len(kept)
        self.repeated_swaps = sum(
            sum(isinstance(event, Swap) for event in parse(update).events)
            for number, update in enumerate(played, start=1)
            if number % EVERY == 0 and update is not None
        )


@pytest.mark.timeout(480)
async def test_dead_letters_a_gap_duplicates_and_backpressure_are_each_shown_with_their_count(
    tmp_path: Path,
) -> None:
    capture = tmp_path / "trouble.pb.zst"
    story = Story(capture)
    report = tmp_path / "r.json"
    faults = f"skip_slots={story.missing[0]}-{story.missing[1]},duplicate_every={EVERY}"
    async with running(
        *("--capture", str(capture), "--rate", "max", "--once", "--faults", faults),
        *("--tx-bytes-max", str(TX_BYTES_MAX), "--report", str(report)),
        folder=tmp_path,
    ) as run:

        async def parsers() -> list[int]:
            pids = await run.pids("parser")
            return pids if len(pids) == 2 else []

        pids = await poll_until(parsers, "two parsers")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

        async def waits() -> dict[str, Any] | None:
            status = await run.status()
            return status if status["mode"] == "backpressure" else None

        status = await poll_until(waits, "mode backpressure", timeout_s=120.0)
        stream = next(one for one in status["streams"] if one["stream"] == "PW_TX")
        assert stream["bytes"] <= TX_BYTES_MAX
        assert status["why"]
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

        async def all_counted() -> dict[str, Any] | None:
            now = await run.status()
            totals = now["totals"]
            wanted = (BAD_UPDATES, 1, story.repeated_swaps)
            found = (totals["dead_letters"], totals["gaps"], totals["stored_duplicates"])
            return now if found == wanted and now["mode"] == "running" else None

        await poll_until(all_counted, "every trouble counted", timeout_s=180.0)
        gaps = (await run.client.get(f"{run.api}/api/v1/gaps")).json()["gaps"]
        letters = (await run.client.get(f"{run.api}/api/v1/dead-letters")).json()["dead_letters"]
        assert await run.stop() == 0
    first, last = gaps[0]["first_missing_slot"], gaps[0]["last_missing_slot"]
    assert first <= story.missing[0]
    assert last == story.missing[1]
    assert all(one["origin_seq"] and one["reason"] for one in letters)
    assert len({(one["origin_seq"], one["position"]) for one in letters}) == BAD_UPDATES
    found = msgspec.json.decode(report.read_bytes())
    assert found["dead_letters"] == BAD_UPDATES
    assert found["gaps"] == 1
    assert found["stored_duplicates"] == story.repeated_swaps > 0
    assert found["late"] == 0
