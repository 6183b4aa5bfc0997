"""What history keeps, over HTTP: each answer against a plain recount of a generated market."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pw_common.wire.history import SOL_MINT
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import Swap
from pw_common.wire.pools import PoolEvent
from support.keeping import Kept, kept_market, paged, place, price

MINUTE_MS = 60_000


def shown_place(one: dict[str, Any]) -> tuple[int, int, str, int]:
    return one["slot"], one["index"], one["signature"], one["ordinal"]


def valued(swaps: list[tuple[int, Swap]], mint: str) -> list[tuple[int, Swap]]:
    """Those that candles of a token against SOL count."""
    return [
        (time_ms, one)
        for time_ms, one in swaps
        if (one.mint, one.quote_mint) == (mint, SOL_MINT)
        and one.quote_amount_raw is not None
        and one.base_amount_raw
        and one.confidence >= CONFIDENCE_MIN
    ]


def most_traded(kept: Kept) -> tuple[str, str]:
    """The token and the wallet with the most swaps."""
    mints = Counter(one.mint for _, one in kept.swaps)
    traders = Counter(one.trader for _, one in kept.swaps)
    return mints.most_common(1)[0][0], traders.most_common(1)[0][0]


async def test_pages_of_swaps_are_all_swaps_once_newest_first(tmp_path: Path) -> None:
    async with kept_market(tmp_path) as kept:
        mint, trader = most_traded(kept)
        middle = kept.swaps[len(kept.swaps) // 2][0]
        asked: dict[str, Callable[[int, Swap], bool]] = {
            "swaps?limit=97": lambda _, one: True,
            f"swaps?limit=7&mint={mint}": lambda _, one: one.mint == mint,
            f"swaps?limit=3&wallet={trader}": lambda _, one: (
                trader in (one.trader, one.fee_payer, *one.signers)
            ),
            f"swaps?limit=150&first_ms={middle}": lambda time_ms, _: time_ms >= middle,
            f"tokens/{mint}/swaps?limit=11&end_ms={middle}": lambda time_ms, one: (
                one.mint == mint and time_ms < middle
            ),
            f"wallets/{trader}/swaps?limit=1": lambda _, one: one.trader == trader,
        }
        for path, wanted in asked.items():
            found, pages = await paged(kept.client, path, "swaps", "next_before", "before")
            right = [place(one) for time_ms, one in kept.swaps if wanted(time_ms, one)][::-1]
            assert [shown_place(one) for one in found] == right, path
            assert pages > 1, path
        [newest] = (await kept.client.get("/api/v1/swaps?limit=1")).json()["swaps"]
        time_ms, swap = kept.swaps[-1]
        assert newest["event_time_ms"] == time_ms
        assert newest["base_amount_raw"] == str(swap.base_amount_raw)
        assert newest["signers"] == list(swap.signers)
        assert (newest["fee_payer"], newest["venues"]) == (swap.fee_payer, list(swap.venues))
        assert newest["price"] is None or float(newest["price"]) > 0


async def test_candles_buyers_and_wallets_add_up(tmp_path: Path) -> None:
    async with kept_market(tmp_path, minutes=2.5, tps=12) as kept:
        mint, trader = most_traded(kept)
        swaps = valued(kept.swaps, mint)
        first_ms, end_ms = swaps[0][0], swaps[-1][0] + 1
        for step, step_ms in (("1m", MINUTE_MS), ("5m", 5 * MINUTE_MS), ("1h", 60 * MINUTE_MS)):
            path = f"tokens/{mint}/candles?end_ms={end_ms}&step={step}&limit=1"
            candles: list[Any] = []
            begin: int | None = first_ms
            while begin is not None:
                page = (await kept.client.get(f"/api/v1/{path}&first_ms={begin}")).json()
                candles += page["candles"]
                begin = page["next_first_ms"]
            steps: dict[int, list[Swap]] = {}
            for time_ms, one in swaps:
                steps.setdefault(time_ms // step_ms * step_ms, []).append(one)
            assert [one["begin_ms"] for one in candles] == sorted(steps)
            for shown in candles:
                within = steps[shown["begin_ms"]]
                prices = [price(one) for one in within]
                assert (shown["open"], shown["close"]) == (prices[0], prices[-1])
                assert (shown["high"], shown["low"]) == (max(prices), min(prices))
                assert shown["trades"] == len(within)
                bought = sum(one.base_amount_raw for one in within if one.side == "buy")
                assert shown["bought_raw"] == str(bought)
        found, pages = await paged(
            kept.client, f"tokens/{mint}/buyers?limit=2", "buyers", "next_before", "before"
        )
        spent: Counter[str] = Counter()
        for _, one in swaps:
            if one.side == "buy" and one.quote_amount_raw is not None:
                spent[one.trader] += one.quote_amount_raw
        ranked = sorted(spent.items(), key=lambda one: (-one[1], one[0]))
        assert [(one["trader"], one["spent_raw"]) for one in found] == [
            (name, str(raw)) for name, raw in ranked
        ]
        assert pages > 1
        await wallets_add_up(kept, trader)


async def wallets_add_up(kept: Kept, trader: str) -> None:
    mine = [one for _, one in kept.swaps if one.trader == trader]
    net: Counter[tuple[str, str | None]] = Counter()
    for one in mine:
        if one.confidence >= CONFIDENCE_MIN:
            change = one.base_amount_raw if one.side == "buy" else -one.base_amount_raw
            net[one.mint, one.quote_mint] += change
    tokens, _ = await paged(
        kept.client, f"wallets/{trader}?limit=1", "tokens", "next_before", "before"
    )
    assert {(one["mint"], one["quote_mint"]): int(one["net_raw"]) for one in tokens} == net
    assert all(one["realized_raw"] is None for one in tokens)
    told = (await kept.client.get(f"/api/v1/wallets/{trader}/totals")).json()["totals"]
    assert {one["quote_mint"]: int(one["spent_raw"]) for one in told} == {
        quote: sum(int(one["spent_raw"]) for one in tokens if one["quote_mint"] == quote)
        for quote in {one["quote_mint"] for one in tokens}
    }
    one_token = (await kept.client.get(f"/api/v1/wallets/{trader}?mint={mine[0].mint}")).json()
    for one in one_token["tokens"]:
        sold, unknown = int(one["sold_raw"]), int(one["unknown_sold_raw"])
        assert int(one["held_raw"]) == int(one["bought_raw"]) - (sold - unknown)


async def test_a_transaction_and_a_tokens_pools_are_what_was_stored(tmp_path: Path) -> None:
    async with kept_market(tmp_path, minutes=1.0) as kept:
        of_one = Counter(one.signature for _, one in kept.swaps)
        for signature, times in of_one.most_common(2) + of_one.most_common()[-2:]:
            found, pages = await paged(
                kept.client, f"transactions/{signature}?limit=1", "swaps", "next_before", "before"
            )
            right = [place(one) for _, one in kept.swaps if one.signature == signature][::-1]
            assert [shown_place(one) for one in found] == right
            assert pages == times
        unknown = (await kept.client.get(f"/api/v1/transactions/{'2' * 88}")).json()
        assert unknown["swaps"] == []
        assert (await kept.client.get("/api/v1/transactions/short")).status_code == 422
        last: dict[str, PoolEvent] = {}
        for one in kept.pools:
            if one.pool:
                last[one.pool] = one
        assert last
        for mint in {mint for one in last.values() for mint in (one.mint_a, one.mint_b)}:
            answer = (await kept.client.get(f"/api/v1/tokens/{mint}/pools")).json()
            assert {
                one["pool"]: (one["reserve_a_raw"], one["reserve_b_raw"]) for one in answer["pools"]
            } == {
                one.pool: (text(one.reserve_a_raw), text(one.reserve_b_raw))
                for one in last.values()
                if mint in (one.mint_a, one.mint_b)
            }


def text(raw: int | None) -> str | None:
    return None if raw is None else str(raw)


async def test_each_answer_says_how_far_history_has_come(tmp_path: Path) -> None:
    async with kept_market(tmp_path, minutes=0.3) as kept:
        mint, trader = most_traded(kept)
        span = f"first_ms={kept.swaps[0][0]}&end_ms={kept.swaps[-1][0] + 1}"
        for path in (
            "swaps", "days", "search?q=a", "alerts?first_ms=0", f"wallets/{trader}",
            f"tokens/{mint}/buyers", f"tokens/{mint}/candles?{span}", f"wallets/{trader}/swaps",
            f"tokens/{mint}/pools", f"transactions/{kept.swaps[0][1].signature}",
        ):  # fmt: skip
            head = (await kept.client.get(f"/api/v1/{path}")).json()["history"]
            assert head["slot"] >= kept.swaps[-1][1].slot, path
            assert head["swaps_since_ms"] == kept.swaps[0][0], path
            assert head["event_time_ms"] >= kept.swaps[-1][0], path
            assert (head["holes"], head["swaps"]) == ([], len(kept.swaps)), path
        found = (await kept.client.get(f"/api/v1/search?q={mint[:6]}&limit=1")).json()
        assert found["found"][0]["address"].startswith(mint[:6])
        signature = kept.swaps[0][1].signature
        [one] = (await kept.client.get(f"/api/v1/search?q={signature}")).json()["found"]
        assert (one["kind"], one["address"]) == ("signature", signature)
        [day] = (await kept.client.get("/api/v1/days?limit=1")).json()["days"]
        assert day["swaps"] == len(kept.swaps)
