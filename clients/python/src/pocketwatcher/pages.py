"""Pages as the API answers them, and where each says that the next one begins. Pure."""

from __future__ import annotations

from typing import Final, Protocol, TypeVar

import msgspec

from pocketwatcher.models import (
    Alert,
    Candle,
    Day,
    Found,
    HistoryHead,
    PastAlert,
    Swap,
    TokenBuyer,
    WalletProfit,
    WalletToken,
    WalletTotal,
)
from pocketwatcher.rows import Page
from pocketwatcher.transport import Parameters

# An alert may be some 10 KB long, a swap 1 KB, any other row a quarter of that.
ALERTS_PER_PAGE: Final = 200
SWAPS_PER_PAGE: Final = 1_000
CANDLES_PER_PAGE: Final = 5_000
WALLETS_PER_PAGE: Final = 1_000
DAYS_PER_PAGE: Final = 366
FOUND_PER_PAGE: Final = 100

T = TypeVar("T")


class Answer(Protocol[T]):
    """An answer with rows."""

    def page(self, asked: Parameters) -> Page[T]:
        """Its rows, with what the next page is asked with after this was asked with `asked`."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    history: HistoryHead | None = None


class _Before(_Answer, frozen=True, kw_only=True):
    next_before: str | None = None

    def _more(self, asked: Parameters) -> Parameters | None:
        return next_page(asked, "before", self.next_before)


class Alerts(_Before, frozen=True, kw_only=True):
    """Of the stream of alerts, from which they go on into history."""

    alerts: list[Alert]
    next_before_seq: int | None = None

    def page(self, asked: Parameters) -> Page[Alert]:
        """The next one is of the stream, or already of history."""
        first = {name: one for name, one in asked.items() if name != "before_seq"}
        if self.next_before_seq is not None:
            return Page(self.alerts, first | {"before_seq": self.next_before_seq}, None)
        return Page(self.alerts, self._more(first), None)


class PastAlerts(_Before, frozen=True, kw_only=True):
    """Of history, with what followed."""

    alerts: list[PastAlert]

    def page(self, asked: Parameters) -> Page[PastAlert]:
        """See Answer."""
        return Page(self.alerts, self._more(asked), self.history)


class Swaps(_Before, frozen=True, kw_only=True):
    """Newest first."""

    swaps: list[Swap]

    def page(self, asked: Parameters) -> Page[Swap]:
        """See Answer."""
        return Page(self.swaps, self._more(asked), self.history)


class Buyers(_Before, frozen=True, kw_only=True):
    """Who spent most first."""

    buyers: list[TokenBuyer]

    def page(self, asked: Parameters) -> Page[TokenBuyer]:
        """See Answer."""
        return Page(self.buyers, self._more(asked), self.history)


class WalletTokens(_Before, frozen=True, kw_only=True):
    """What was traded last first."""

    tokens: list[WalletToken]

    def page(self, asked: Parameters) -> Page[WalletToken]:
        """See Answer."""
        return Page(self.tokens, self._more(asked), self.history)


class WalletProfits(_Before, frozen=True, kw_only=True):
    """Of one token, by quote."""

    tokens: list[WalletProfit]

    def page(self, asked: Parameters) -> Page[WalletProfit]:
        """See Answer."""
        return Page(self.tokens, self._more(asked), self.history)


class WalletTotals(_Answer, frozen=True, kw_only=True):
    """By quote, all of them."""

    totals: list[WalletTotal]

    def page(self, asked: Parameters) -> Page[WalletTotal]:  # noqa: ARG002 - there is one
        """See Answer."""
        return Page(self.totals, None, self.history)


class Candles(_Answer, frozen=True, kw_only=True):
    """Oldest first."""

    candles: list[Candle]
    next_first_ms: int | None = None

    def page(self, asked: Parameters) -> Page[Candle]:
        """See Answer."""
        more = next_page(asked, "first_ms", self.next_first_ms)
        return Page(self.candles, more, self.history)


class Days(_Answer, frozen=True, kw_only=True):
    """Newest first."""

    days: list[Day]
    next_before_ms: int | None = None

    def page(self, asked: Parameters) -> Page[Day]:
        """See Answer."""
        return Page(self.days, next_page(asked, "before_ms", self.next_before_ms), self.history)


class FoundPage(_Answer, frozen=True, kw_only=True):
    """Tokens, then wallets, then a signature."""

    found: list[Found]
    next_skip: int | None = None

    def page(self, asked: Parameters) -> Page[Found]:
        """See Answer."""
        return Page(self.found, next_page(asked, "skip", self.next_skip), self.history)


def beginning(wanted: Parameters, page: int, limit: int | None) -> Parameters:
    """What the first page is asked with: no more rows than are wanted."""
    return {**wanted, "limit": page if limit is None else max(1, min(page, limit))}


def next_page(asked: Parameters, cursor: str, place: str | int | None) -> Parameters | None:
    """What the next page is asked with; None behind the last one."""
    return None if place is None else {**asked, cursor: place}
