"""The candles of an hour as two rows of signs: price and volume. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from pw_cli.commands.looking.past import hour_of
from pw_cli.terminal.fitting import ASCII_SEPARATOR, SEPARATOR
from pw_cli.terminal.render_amounts import name_of
from pw_cli.terminal.sparkline import merged, sparkline
from pw_cli.terminal.trader_numbers import compact, count, quote_amount
from pw_common.wire.history import Candle

MINUTE_MS: Final = 60_000
MINUTES: Final = 60
# A float holds no more.
MOST: Final = 10**300
LABEL: Final = "volume  "


def hour_before(event_time_ms: int) -> tuple[int, int]:
    """The whole minutes of the hour that ends with this time's own: begin and end."""
    end_ms = (event_time_ms // MINUTE_MS + 1) * MINUTE_MS
    return max(0, end_ms - MINUTES * MINUTE_MS), end_ms


class HourChart:
    """A sign a minute, or several minutes a sign where the terminal is narrow."""

    def __init__(self, candles: Sequence[Candle], quote_mint: str, event_time_ms: int) -> None:
        self._begin_ms, self._end_ms = hour_before(event_time_ms)
        self._quote_mint = quote_mint
        self._candles = [one for one in candles if self._begin_ms <= one.begin_ms < self._end_ms]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Lines that fit."""
        if not self._candles:
            yield Text(f"no trade for {name_of(self._quote_mint)} within it", style="dim")
            return
        between = ASCII_SEPARATOR if options.ascii_only else SEPARATOR
        room = max(1, options.max_width - len(LABEL))
        prices, minutes = merged(self._by_minute([one.close for one in self._candles]), room, _last)
        volumes, _ = merged(
            self._by_minute([float(max(0, min(_moved(one), MOST))) for one in self._candles]),
            room,
            sum,
        )
        bars = sparkline(prices, ascii_only=options.ascii_only)
        yield Text.assemble((f"{'price':<{len(LABEL)}}", "dim"), (bars, "cyan"))
        bars = sparkline(volumes, ascii_only=options.ascii_only, from_zero=True)
        yield Text.assemble((LABEL, "dim"), (bars, "blue"))
        yield Text(between.join(self._facts()))
        span = hour_of(self._begin_ms, self._end_ms)
        yield Text(f"{span}, {count(minutes, 'minute')} a sign", style="dim")

    def _facts(self) -> tuple[str, ...]:
        quote = name_of(self._quote_mint)
        moved = quote_amount(sum(map(_moved, self._candles)), self._quote_mint)
        return (
            f"low {compact(min(one.low for one in self._candles))} {quote}",
            f"high {compact(max(one.high for one in self._candles))} {quote}",
            f"last {compact(self._candles[-1].close)} {quote}",
            f"{moved} in {count(sum(one.trades for one in self._candles), 'trade')}",
        )

    def _by_minute(self, values: Sequence[float]) -> list[float | None]:
        found: list[float | None] = [None] * ((self._end_ms - self._begin_ms) // MINUTE_MS)
        for candle, value in zip(self._candles, values, strict=True):
            found[(candle.begin_ms - self._begin_ms) // MINUTE_MS] = value
        return found


def _last(values: list[float]) -> float:
    return values[-1]


def _moved(candle: Candle) -> int:
    return candle.spent_raw + candle.received_raw
