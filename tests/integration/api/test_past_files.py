"""Swaps as files: the same rows as everywhere, in bounded memory, and never a part as the whole."""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from pw_common.topology.streams import GIB
from pw_history.store.file import open_file
from support.apis import running_api
from support.keeping import Kept, kept_market, place, running_history
from support.poll import poll_until

MIB = 1024 * 1024
MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"
ROWS = 250_000


async def in_files(kept: Kept, path: str, limit: int, folder: Path) -> list[tuple[Any, ...]]:
    """The rows of all files, each of at most `limit`."""
    found: list[tuple[Any, ...]] = []
    more = ""
    while True:
        answer = await kept.client.get(f"/api/v1/{path}?limit={limit}{more}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"].startswith('attachment; filename="swaps-')
        assert int(answer.headers["pw-history-slot"]) >= kept.swaps[-1][1].slot
        assert answer.headers["pw-history-holes"] == "0"
        rows = read(answer.content, path, folder)
        assert 0 < len(rows) <= limit
        found += rows
        if "pw-next-after" not in answer.headers:
            return found
        assert len(rows) == limit
        more = f"&after={answer.headers['pw-next-after']}"


def read(content: bytes, path: str, folder: Path) -> list[tuple[Any, ...]]:
    """Slot, index, signature, ordinal and amount of each row."""
    if path.endswith("csv"):
        rows = list(csv.DictReader(io.StringIO(content.decode())))
    else:
        (folder / "swaps.parquet").write_bytes(content)
        found = duckdb.read_parquet(str(folder / "swaps.parquet"))
        rows = [dict(zip(found.columns, one, strict=True)) for one in found.fetchall()]
    return [
        (
            int(one["slot"]), int(one["index"]), one["signature"], int(one["ordinal"]),
            int(one["base_amount_raw"]),
        )
        for one in rows
    ]  # fmt: skip


async def test_files_have_every_swap_once_in_the_chains_order(tmp_path: Path) -> None:
    async with kept_market(tmp_path) as kept:
        mint, mints = Counter(one.mint for _, one in kept.swaps).most_common(1)[0]
        trader, _ = Counter(one.trader for _, one in kept.swaps).most_common(1)[0]
        of_mint = [(*place(s), s.base_amount_raw) for _, s in kept.swaps if s.mint == mint]
        mine = [(*place(s), s.base_amount_raw) for _, s in kept.swaps if s.trader == trader]
        for ending in ("csv", "parquet"):
            path = f"tokens/{mint}/swaps.{ending}"
            assert await in_files(kept, path, mints, tmp_path) == of_mint
            assert await in_files(kept, path, mints // 2 + 1, tmp_path) == of_mint
            path = f"wallets/{trader}/swaps.{ending}"
            assert await in_files(kept, path, 1_000, tmp_path) == mine
        looked = await kept.client.head(f"/api/v1/tokens/{mint}/swaps.csv")
        assert (looked.status_code, looked.content) == (200, b"")
        assert looked.headers["content-type"].startswith("text/csv")


def fill(folder: Path) -> None:
    """A file with very many swaps of one token, as history would have written them."""
    folder.mkdir()
    connection = open_file(folder, GIB)
    with connection:
        connection.execute(
            """
            INSERT INTO closed_rows SELECT
                1, 1000 + i // 4, 1790000000000 + i, i % 4, 'S' || lpad(i::VARCHAR, 87, '1'), 0,
                $mint, 'buy', $mint, 1000 + i, 6, $mint, i, 9, 'pump', 1, 1.0, '',
                $mint, $mint, false, 0, 0
            FROM range($rows) AS made(i)
            """,
            {"mint": MINT, "rows": ROWS},
        )
        connection.execute(
            "INSERT INTO closed_hours SELECT event_time_ms // 3600000 * 3600000 AS hour_ms, 1, "
            "count(*) FROM closed_rows GROUP BY hour_ms"
        )
        connection.execute(
            "UPDATE kept SET oldest_ms = (SELECT min(event_time_ms) FROM closed_rows)"
        )


async def resident_bytes(client: httpx.AsyncClient) -> int:
    """The most that the API has held so far; 0 before its first heartbeat."""
    services = (await client.get("/api/v1/status")).json()["services"]
    pids = [one["pid"] for of in services if of["service"] == "api" for one in of["instances"]]
    if not pids:
        return 0
    [pid] = pids
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * int(next(one for one in lines if one.startswith("VmHWM")).split()[1])


@pytest.mark.timeout(240)
async def test_a_large_file_is_never_held_and_one_that_breaks_off_is_no_whole_file(
    tmp_path: Path,
) -> None:
    await asyncio.to_thread(fill, tmp_path / "history")
    path = f"/api/v1/tokens/{MINT}/swaps.csv?limit=1000000"
    async with (
        running_api(tmp_path) as (broker, _, checked),
        running_history(broker, tmp_path / "history") as history,
        # One that does not read files whole to check them.
        httpx.AsyncClient(
            base_url=checked.base_url, headers=checked.headers, timeout=60, trust_env=False
        ) as client,
    ):

        async def there() -> bool:
            answer = await client.get("/api/v1/swaps?limit=1")
            return answer.status_code == 200 and answer.json()["kept"] == ROWS

        await poll_until(there, "all swaps", timeout_s=60)

        async def known() -> bool:
            return await resident_bytes(client) > 0

        await poll_until(known, "a heartbeat of the API")
        before = await resident_bytes(client)
        size, lines = 0, 0
        async with client.stream("GET", path, headers={"Accept-Encoding": "identity"}) as answer:
            async for part in answer.aiter_raw():
                size += len(part)
                lines += part.count(b"\n")
        assert (size > 65 * MIB, lines) == (True, ROWS + 1)
        assert await resident_bytes(client) - before < 24 * MIB
        assert await broken_off(client, path, history.kill)
        # Nobody answers any more: the next one does not even begin.
        assert (await client.get(path)).status_code == 503


async def broken_off(client: httpx.AsyncClient, path: str, kill: Callable[[], None]) -> bool:
    """Whether a file of which the end is missing ends as a broken transfer."""
    async with client.stream("GET", path) as answer:
        assert answer.status_code == 200
        parts = answer.aiter_raw()
        await anext(parts)
        kill()
        try:
            async for _ in parts:
                pass
        except httpx.RemoteProtocolError:
            return True
    return False
