"""What the Python client says of the past, before a real API, broker and history."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from nats.aio.msg import Msg

from pocketwatcher import BadQuestion, BrokeOff, Client, NotNow, Rows, pages
from pw_common.jetstream.parts import refuse
from pw_common.jetstream.requests import answer_questions
from pw_common.topology.subjects import ASK_HISTORY
from pw_common.wire.history import SOL_MINT, TOO_LONG, ExportHead
from support.apis import running_api
from support.client_answers import all_agree, client_of
from support.keeping import kept_market, paged
from support.records import MINT
from support.tokens import token_file

# Null unless one token is asked for.
PROFIT = frozenset({"realized_raw", "unknown_sold_raw", "held_raw", "held_cost_raw"})
HEAD = msgspec.json.encode(ExportHead(slot=7, event_time_ms=7)) + b"\n"


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "WALLETS_PER_PAGE", 3)
    monkeypatch.setattr(pages, "SWAPS_PER_PAGE", 50)
    monkeypatch.setattr(pages, "DAYS_PER_PAGE", 1)


async def test_buyers_wallets_profit_and_days_are_those_of_the_api_to_the_last_field(
    tmp_path: Path,
) -> None:
    async with kept_market(tmp_path, minutes=2.5, tps=8) as kept:
        mint = Counter(one.mint for _, one in kept.swaps).most_common(1)[0][0]
        wallet = Counter(one.trader for _, one in kept.swaps).most_common(1)[0][0]
        traded = next(one.mint for _, one in reversed(kept.swaps) if one.trader == wallet)
        with client_of(kept) as client:
            asked: tuple[tuple[str, str, Rows[Any], frozenset[str]], ...] = (
                (f"tokens/{mint}/buyers?limit=50", "buyers", client.buyers(mint), frozenset()),
                (f"wallets/{wallet}?limit=50", "tokens", client.wallet_tokens(wallet), PROFIT),
                (
                    f"wallets/{wallet}?mint={traded}",
                    "tokens",
                    client.wallet_profit(wallet, traded),
                    frozenset(),
                ),
            )
            for path, name, mine, left_out in asked:
                told, _ = await paged(kept.client, path, name, "next_before", "before")
                all_agree(await asyncio.to_thread(list, mine), told, left_out)
                assert all(one[field] is None for one in told for field in left_out)
                assert mine.history is not None
                assert mine.history.swaps == len(kept.swaps)
            buyers = await asyncio.to_thread(list, client.buyers(mint, quote_mint=SOL_MINT))
            assert len(buyers) > 3
            assert buyers == sorted(buyers, key=lambda one: (-one.spent_raw, one.trader))
            assert await asyncio.to_thread(list, client.buyers(mint, limit=2)) == buyers[:2]
            assert await asyncio.to_thread(list, client.buyers(mint, quote_mint=mint)) == []
            for one in await asyncio.to_thread(list, client.wallet_profit(wallet, traded)):
                assert one.held_raw == one.bought_raw - (one.sold_raw - one.unknown_sold_raw)
            totals = await asyncio.to_thread(list, client.wallet_totals(wallet))
            path = f"/api/v1/wallets/{wallet}/totals"
            all_agree(totals, (await kept.client.get(path)).json()["totals"])
            assert sum(one.buys + one.sells for one in totals) > 1
            days = client.days()
            told_days = (await kept.client.get("/api/v1/days?limit=9")).json()["days"]
            all_agree(await asyncio.to_thread(list, days), told_days)
            assert sum(one["swaps"] for one in told_days) == len(kept.swaps)
            oldest_ms = told_days[-1]["begin_ms"]
            assert await asyncio.to_thread(list, client.days(before_ms=oldest_ms)) == []
            with pytest.raises(BadQuestion, match="wallet"):
                await asyncio.to_thread(list, client.wallet_tokens("0OIl"))


async def test_downloaded_files_have_every_swap_once_oldest_first(tmp_path: Path) -> None:
    async with kept_market(tmp_path, minutes=2.5, tps=8) as kept:
        mint, count = Counter(one.mint for _, one in kept.swaps).most_common(1)[0]
        wallet = Counter(one.trader for _, one in kept.swaps).most_common(1)[0][0]
        with client_of(kept) as client:
            swaps = await asyncio.to_thread(list, client.swaps(mint=mint))
            of_mint = [(one.signature, one.ordinal, one.base_amount_raw) for one in swaps[::-1]]
            assert len(of_mint) == count
            swaps = await asyncio.to_thread(list, client.wallet_swaps(wallet))
            of_wallet = [(one.signature, one.ordinal, one.base_amount_raw) for one in swaps[::-1]]
            for ending in ("csv", "parquet"):
                whole = tmp_path / f"swaps.{ending}"
                done = await asyncio.to_thread(client.download_swaps, mint, whole)
                assert rows(whole) == of_mint
                assert (done.size_bytes, done.next_after) == (whole.stat().st_size, None)
                assert (done.holes, done.swaps_since_ms) == (0, kept.swaps[0][0])
                assert done.slot >= kept.swaps[-1][1].slot
                await asyncio.to_thread(client.download_wallet_swaps, wallet, whole)
                assert rows(whole) == of_wallet
            # File by file.
            path, after = tmp_path / "part.csv", None
            found: list[tuple[str, int, int]] = []
            while not found or after is not None:
                done = await asyncio.to_thread(
                    lambda after: client.download_swaps(mint, path, limit=50, after=after), after
                )
                assert len(rows(path)) <= 50
                found += rows(path)
                after = done.next_after
            assert found == of_mint
            middle_ms = kept.swaps[len(kept.swaps) // 2][0]
            await asyncio.to_thread(
                lambda: client.download_swaps(mint, tmp_path / "1.csv", end_ms=middle_ms)
            )
            await asyncio.to_thread(
                lambda: client.download_swaps(mint, tmp_path / "2.csv", first_ms=middle_ms)
            )
            assert rows(tmp_path / "1.csv") + rows(tmp_path / "2.csv") == of_mint


def rows(path: Path) -> list[tuple[str, int, int]]:
    frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    found = frame.select("signature", "ordinal", pl.col("base_amount_raw").cast(pl.Int64))
    return found.rows()


async def test_a_file_that_history_does_not_end_is_no_file(tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    (into / "swaps.csv").write_text("of yesterday\n")
    said: list[bytes] = []

    async with running_api(tmp_path) as (_, bus, api):

        async def on_question(message: Msg) -> None:
            for part in said:
                await bus.client.request(message.reply, part, timeout=20)
            await refuse(bus, message.reply, f"{TOO_LONG} 20 s", timeout_s=20)

        await answer_questions(bus, ASK_HISTORY, "history", on_question)
        with Client(str(api.base_url), token_file=token_file(tmp_path)) as client:
            for parts, kind in (([], NotNow), ([HEAD, b"slot\n" * 9, b"7\n" * 99], BrokeOff)):
                said[:] = parts
                with pytest.raises(kind) as found:
                    await asyncio.to_thread(client.download_swaps, MINT, into / "swaps.csv")
                assert type(found.value) is kind
                assert [one.read_text() for one in into.iterdir()] == ["of yesterday\n"]
