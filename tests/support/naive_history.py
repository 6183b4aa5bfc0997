"""The slow and obvious way: everything counted again from a plain list of swaps."""

from collections.abc import Iterable
from typing import Any

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import Swap

MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def counted(slots: Iterable[ClosedSlot]) -> list[tuple[int, Swap]]:
    """Each different swap once, with its time, in the order of the chain."""
    found: dict[tuple[str, int], tuple[int, Swap]] = {}
    for one in slots:
        for swap in one.swaps:
            found.setdefault((swap.signature, swap.ordinal), (one.event_time_ms, swap))
    return sorted(found.values(), key=lambda one: place(one[1]))


def place(swap: Swap) -> tuple[int, int, str, int]:
    return swap.slot, swap.index, swap.signature, swap.ordinal


def minutes(swaps: Iterable[tuple[int, Swap]]) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    """By mint, quote and minute: prices, counts and sums."""
    groups: dict[tuple[str, str, int], list[Swap]] = {}
    for time_ms, swap in swaps:
        if swap.quote_mint is None or swap.quote_amount_raw is None or not swap.base_amount_raw:
            continue
        if swap.confidence >= CONFIDENCE_MIN:
            key = swap.mint, swap.quote_mint, time_ms // MINUTE_MS * MINUTE_MS
            groups.setdefault(key, []).append(swap)
    return {key: _minute(found) for key, found in groups.items()}


def _minute(swaps: list[Swap]) -> tuple[Any, ...]:
    prices = [price(one) for one in swaps]
    buys = [one for one in swaps if one.side == "buy"]
    sells = [one for one in swaps if one.side == "sell"]
    return (
        prices[0], max(prices), min(prices), prices[-1], len(swaps), len(buys),
        len({one.trader for one in buys}), len({one.trader for one in sells}), *sums(swaps),
    )  # fmt: skip


def wallet_hours(
    swaps: Iterable[tuple[int, Swap]],
) -> dict[tuple[int, str, str, str | None], tuple[int, ...]]:
    """By hour, wallet, mint and quote: counts, sums, first and last."""
    groups: dict[tuple[int, str, str, str | None], list[tuple[int, Swap]]] = {}
    for time_ms, swap in swaps:
        key = time_ms // HOUR_MS * HOUR_MS, swap.trader, swap.mint, swap.quote_mint
        groups.setdefault(key, []).append((time_ms, swap))
    return {
        key: (
            sum(one.side == "buy" for one in trusted(found)),
            sum(one.side == "sell" for one in trusted(found)),
            *sums(trusted(found)),
            min(time_ms for time_ms, _ in found),
            max(time_ms for time_ms, _ in found),
        )
        for key, found in groups.items()
    }


def trusted(found: list[tuple[int, Swap]]) -> list[Swap]:
    return [one for _, one in found if one.confidence >= CONFIDENCE_MIN]


def sums(swaps: list[Swap]) -> tuple[int, int, int, int]:
    """Bought and sold, spent and received, in raw units."""
    base = {side: sum(s.base_amount_raw for s in swaps if s.side == side) for side in SIDES}
    quote = {side: sum(s.quote_amount_raw or 0 for s in swaps if s.side == side) for side in SIDES}
    return base["buy"], base["sell"], quote["buy"], quote["sell"]


SIDES = ("buy", "sell")


def price(swap: Swap) -> float:
    assert swap.quote_amount_raw is not None
    assert swap.quote_decimals is not None
    quote = float(swap.quote_amount_raw) / 10.0**swap.quote_decimals
    return quote / (float(swap.base_amount_raw) / 10.0**swap.base_decimals)
