"""Hours that closed are exported as Parquet, and forgotten here only after that."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import duckdb
import httpx
import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.wire.history import CandlesAsked, SwapsAsked
from pw_common.wire.messages import Batch, Counts, SlotEvent, Swap
from pw_history.asked.reader import Reader
from pw_history.parquet.exporter import Exporter
from pw_history.parquet.layout import MANIFEST, file_path
from pw_history.parquet.manifest import Manifest, decoded, encoded
from pw_history.parquet.store import StoreSettings, open_store
from pw_history.store.file import NAME
from pw_history.store.schema import HOUR_MS
from support.asked import asked, every_swap, kept_up_to
from support.broker import provisioned
from support.command import pw
from support.filled_history import hours, opened
from support.kept_market import publish, settings
from support.kept_world import BEGIN_MS
from support.poll import poll_until
from support.services import running_service

BEGIN_S = 1_800_000_000 // 3_600 * 3_600
STEP_S = 600
SIDES: tuple[Literal["buy", "sell"], ...] = ("buy", "sell")
SOL = "So11111111111111111111111111111111111111112"


def slot_of(number: int) -> Batch:
    """A slot with two trades, ten minutes after the one before."""
    slot = 100 + number
    trades = tuple(
        Swap(
            signature=f"s{number}{side}", ordinal=0, slot=slot, index=at, trader=f"w{number % 3}",
            side=side, mint=f"m{number % 2}", base_amount_raw=1_000 + number, base_decimals=6,
            quote_mint=SOL, quote_amount_raw=10 * number + at, quote_decimals=9,
            fee_payer=f"w{number % 3}", signers=(f"w{number % 3}",),
        )
        for at, side in enumerate(SIDES)
    )  # fmt: skip
    clock = SlotEvent(slot=slot, parent=slot - 1, block_time_s=BEGIN_S + number * STEP_S)
    return Batch(
        tx_stream_created="A", tx_seq=number + 1, source="main", epoch=1, frontier_slot=slot - 1,
        counts=Counts(), events=(*trades, clock), tx_id=f"A{number}",
    )  # fmt: skip


async def publish_slots(bus: Bus, numbers: range) -> None:
    for number in numbers:
        await publish(bus, slot_of(number))


async def exported(folder: Path, hours: int) -> Manifest:
    async def there() -> Manifest | None:
        try:
            found = decoded((folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            return None
        return found if len(found.hours) >= hours else None

    return await poll_until(there, f"{hours} exported hours", timeout_s=120)


async def test_an_hour_that_closed_is_a_file_that_another_engine_reads_and_is_kept_no_longer(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "kept" / "parquet"
    async with provisioned(tmp_path / "broker") as (broker, bus):
        environ = settings(broker.url, tmp_path) | {"PW_HISTORY_HOURS": "2"}
        async with running_service("pw_history", environ):
            await publish_slots(bus, range(50))
            await kept_up_to(bus, 148, SwapsAsked(limit=1))
            # Slots 0 to 48 closed: eight hours and a little. Seven of them are past for good.
            manifest = await exported(folder, 7)
            files = [str(folder / one.files["swaps"].path) for one in manifest.hours]
            with duckdb.connect(":memory:") as connection:
                rows = connection.execute(
                    "SELECT signature, base_amount_raw, quote_amount_raw, fee_payer, signers "
                    "FROM read_parquet(?) ORDER BY slot, tx_index",
                    [files],
                ).fetchall()
            wanted = [
                (s.signature, s.base_amount_raw, s.quote_amount_raw, s.fee_payer, list(s.signers))
                for number in range(6 * len(files))
                for s in slot_of(number).events
                if isinstance(s, Swap)
            ]
            assert rows == wanted
            # What is exported is forgotten with the next slot, by whole hours.
            await publish_slots(bus, range(50, 58))

            async def forgotten() -> bool:
                head, _ = await asked(bus, SwapsAsked(limit=1))
                assert head.swaps_since_ms is not None
                return head.swaps_since_ms > BEGIN_S * 1000

            await kept_up_to(bus, 156, SwapsAsked(limit=1))
            await poll_until(forgotten, "the first hours forgotten", timeout_s=90)
            head, _ = await asked(bus, SwapsAsked(limit=1))
            kept = await every_swap(bus)
            assert min(int(str(one["event_time_ms"])) for one in kept) >= (head.swaps_since_ms or 0)
            assert max(int(str(one["slot"])) for one in kept) == 156


async def test_a_store_that_takes_nothing_is_said_and_no_swap_is_forgotten_meanwhile(
    tmp_path: Path,
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    async with provisioned(tmp_path / "broker") as (broker, bus):
        environ = settings(broker.url, tmp_path) | {
            "PW_HISTORY_HOURS": "1",
            "PW_HISTORY_PARQUET_URL": str(blocked / "below"),
        }
        async with running_service("pw_history", environ) as (_, url):
            await publish_slots(bus, range(50))
            await kept_up_to(bus, 148, SwapsAsked(limit=1))

            async def said() -> str:
                async with httpx.AsyncClient(trust_env=False) as client:
                    answer = (await client.get(f"{url}/readyz")).json()
                return str(answer["reason"]) if "export" in answer["reason"] else ""

            assert "cannot export hours" in await poll_until(said, "a history that says it")
            assert len(await every_swap(bus)) == 2 * 49
            assert msgspec.json.encode(await every_swap(bus))


async def test_a_damaged_file_is_made_again_from_what_was_exported_and_the_stream(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept"
    async with provisioned(tmp_path / "broker") as (broker, bus):
        environ = settings(broker.url, tmp_path)
        async with running_service("pw_history", environ):
            await publish_slots(bus, range(50))
            await kept_up_to(bus, 148, SwapsAsked(limit=1))
            await exported(kept / "parquet", 7)
            before = await every_swap(bus)
            _, candles = await asked(bus, CandlesAsked(mint="m0", first_ms=0, end_ms=2**53))
        # What the stream does not hold any more comes from the files alone.
        await bus.api("STREAM.PURGE.PW_SWAP", {"seq": 40})
        (kept / "history.duckdb").write_bytes(b"damaged")
        made = await pw("history", "rebuild", str(kept))
        assert made.code == 0, made
        assert "84 swaps" in made.out
        assert [one.name for one in kept.glob("history.duckdb.*.aside")]
        async with running_service("pw_history", environ):
            await kept_up_to(bus, 148, SwapsAsked(limit=1))
            again = await every_swap(bus)
            _, candles_again = await asked(bus, CandlesAsked(mint="m0", first_ms=0, end_ms=2**53))
    # A session's number is all that may differ: the stream was read from its beginning again.
    unlike = {"session"}
    assert [{k: v for k, v in one.items() if k not in unlike} for one in again] == [
        {k: v for k, v in one.items() if k not in unlike} for one in before
    ]
    assert candles_again == candles


async def test_a_rebuild_that_cannot_be_ended_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / NAME
    with opened(str(file)) as connection:
        hours(connection, 2)
        store = open_store(StoreSettings(f"{tmp_path}/parquet"))
        Exporter(connection, store, tmp_path / "exporting").turn(0)
    before = file.read_bytes()
    whole = tmp_path / "parquet" / file_path("swaps", BEGIN_MS + HOUR_MS, 1)
    aside = whole.rename(tmp_path / "aside.parquet")
    made = await pw("history", "rebuild", str(tmp_path))
    assert made.code == 1
    assert file.read_bytes() == before
    assert list(tmp_path.glob("*.aside")) == []
    aside.rename(whole)
    made = await pw("history", "rebuild", str(tmp_path))
    assert made.code == 0, made
    assert len(list(tmp_path.glob("*.aside"))) == 1
    assert not (tmp_path / "making").exists()


async def test_an_hour_that_no_file_has_is_a_hole_once_the_file_was_made_again(
    tmp_path: Path,
) -> None:
    with opened(str(tmp_path / NAME)) as connection:
        hours(connection, 4)
        store = open_store(StoreSettings(f"{tmp_path}/parquet"))
        Exporter(connection, store, tmp_path / "exporting").turn(0)
    manifest = decoded(store.get(MANIFEST))
    left = tuple(one for one in manifest.hours if one.hour_ms != BEGIN_MS + HOUR_MS)
    store.replace(MANIFEST, encoded(msgspec.structs.replace(manifest, hours=left)))
    made = await pw("history", "rebuild", str(tmp_path))
    assert made.code == 0, made
    with opened(str(tmp_path / NAME)) as connection:
        [hole] = Reader(connection).head().holes
    assert (hole.why, hole.first_slot, hole.last_slot) == ("not exported", 1, 3)
