"""The same candles from the stream, from exported hours, and from captures: whole services.

A generated day takes some minutes; the hours of `PW_TEST_DAY_HOURS` are what this makes of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from pw_cli.offline.offline import batches, closed_slots
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.topology.streams import GIB
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.history import Candle, CandlesAsked, SwapsAsked
from pw_history.asked.reader import Reader
from pw_history.asked.rows import answer_rows
from pw_history.parquet.layout import MANIFEST
from pw_history.parquet.manifest import Manifest, decoded
from pw_history.store.file import open_file
from pw_history.store.schema import HOUR_MS, MINUTE_MS
from pw_history.store.writer import LATE_MS
from pw_replay.market import generate
from support import naive_history
from support.asked import kept_up_to
from support.broker import provisioned
from support.command import pw_within
from support.kept_market import publish, settings
from support.poll import poll_until
from support.services import running_service

DAY_HOURS = float(os.environ.get("PW_TEST_DAY_HOURS", "1.2"))
# A whole day is parsed and stored again, from captures.
REBUILD_S = 60 * max(2.0, DAY_HOURS)
EVER_MS = 2**53

# Everything is read, stored, exported and read again, three times.
pytestmark = pytest.mark.timeout(600 + 240 * DAY_HOURS)

# A mint and its quote, with every candle of a minute.
Candles = dict[tuple[str, str], list[Candle]]


class Told(NamedTuple):
    """What each way gave; `until_ms` is the end of the last exported hour."""

    streamed: Candles
    exported: Candles
    captured: Candles
    plain: dict[tuple[str, str, int], tuple[object, ...]]
    hours: list[int]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("day") / "day.pb.zst"
    with CaptureWriter(path) as writer:
        for update in generate(seed=11, minutes=60 * DAY_HOURS, tps=1):
            writer.write(update)
    return path


async def test_a_generated_day_gives_the_same_candles_by_each_way(
    tmp_path: Path, day: Path
) -> None:
    same(await told_by_each_way([day], tmp_path))


@pytest.mark.corpus
async def test_real_blocks_give_the_same_candles_by_each_way(
    tmp_path: Path, corpus_dir: Path
) -> None:
    same(await told_by_each_way(sorted(corpus_dir.glob("block-*.pb.gz")), tmp_path))


def same(told: Told) -> None:
    assert told.streamed == told.captured
    assert told.exported == {
        key: kept for key, kept in kept_hours(told.streamed, told.hours).items() if kept
    }
    assert told.exported
    recounted = {
        (*key, candle.begin_ms): (
            candle.open, candle.high, candle.low, candle.close, candle.trades, candle.buys,
            candle.buyers, candle.sellers, candle.bought_raw, candle.sold_raw, candle.spent_raw,
            candle.received_raw,
        )
        for key, candles in told.captured.items()
        for candle in candles
    }  # fmt: skip
    assert recounted == told.plain


def kept_hours(candles: Candles, hours: list[int]) -> Candles:
    return {
        key: [one for one in found if one.begin_ms // HOUR_MS * HOUR_MS in hours]
        for key, found in candles.items()
    }


async def told_by_each_way(captures: list[Path], folder: Path) -> Told:
    slots = list(closed_slots(captures))
    over = hours_over(slots)
    assert over
    kept = folder / "kept"
    async with (
        provisioned(folder / "broker") as (broker, bus),
        # No candle is too old to be kept, and no hour to be exported.
        running_service(
            "pw_history",
            settings(broker.url, folder)
            | {"PW_HISTORY_HOURS": "8760", "PW_HISTORY_DAYS": "3650"}
            | {"PW_HISTORY_PARQUET_HOURS": "0"},
        ),
    ):
        for batch in batches(captures):
            await publish(bus, batch)
        await kept_up_to(bus, slots[-1].slot, SwapsAsked(limit=1))
        manifest = await all_exported(kept, over)
    for name, source in (
        ("from-hours", ["--parquet", str(kept / "parquet")]),
        ("from-captures", [part for one in captures for part in ("--capture", str(one))]),
    ):
        (folder / name).mkdir()
        made = await pw_within(REBUILD_S, "history", "rebuild", str(folder / name), *source)
        assert made.code == 0, made.err
    return Told(
        dict(candles_of(kept)),
        dict(candles_of(folder / "from-hours")),
        dict(candles_of(folder / "from-captures")),
        naive_history.minutes(naive_history.counted(slots)),
        [one.hour_ms for one in manifest.hours],
    )


def hours_over(slots: list[ClosedSlot]) -> set[int]:
    """The hours that have swaps and have been over for as long as a swap may be late."""
    over_ms = slots[-1].event_time_ms - LATE_MS - HOUR_MS
    begun = {one.event_time_ms // HOUR_MS * HOUR_MS for one in slots if one.swaps}
    return {one for one in begun if one <= over_ms}


async def all_exported(kept: Path, hours: set[int]) -> Manifest:
    """The manifest once it has each of these hours."""

    async def every_one() -> Manifest | None:
        try:
            found = decoded((kept / "parquet" / MANIFEST).read_bytes())
        except FileNotFoundError:
            return None
        return found if hours <= {one.hour_ms for one in found.hours} else None

    return await poll_until(every_one, f"{len(hours)} hours exported", timeout_s=180, every_s=1)


def candles_of(folder: Path) -> Iterator[tuple[tuple[str, str], list[Candle]]]:
    with open_file(folder, GIB) as connection:
        pairs = connection.execute(
            "SELECT mint, quote_mint FROM swaps WHERE quote_mint IS NOT NULL "
            "UNION SELECT mint, quote_mint FROM minutes"
        ).fetchall()
        for mint, quote_mint in sorted(pairs):
            asked = CandlesAsked(mint=mint, quote_mint=quote_mint, first_ms=0, end_ms=EVER_MS)
            with closing(Reader(connection)) as reader:
                found = [msgspec.convert(one, Candle) for one in answer_rows(reader, asked)]
            assert all(one.begin_ms % MINUTE_MS == 0 for one in found)
            if found:
                yield (mint, quote_mint), found
