"""Which rows answer a question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, assert_never

import msgspec

from pw_common.wire.history import (
    AlertAsked,
    AlertsAsked,
    BuyersAsked,
    CandlesAsked,
    DaysAsked,
    PoolsAsked,
    SearchAsked,
    SwapsAsked,
    WalletAsked,
    WalletTotalsAsked,
)
from pw_history.asked.alerts import alert_of, alerts_of
from pw_history.asked.days import days_of
from pw_history.asked.pools import pools_of
from pw_history.asked.reader import Reader
from pw_history.asked.search import found_of
from pw_history.asked.wallets import buyers_of, totals_of, wallet_of

RowsAsked: TypeAlias = (
    CandlesAsked
    | SwapsAsked
    | WalletAsked
    | WalletTotalsAsked
    | BuyersAsked
    | SearchAsked
    | AlertsAsked
    | AlertAsked
    | DaysAsked
    | PoolsAsked
)


def answer_rows(reader: Reader, asked: RowsAsked) -> Iterator[msgspec.Struct]:
    """The rows, in the order that the question says."""
    match asked:
        case CandlesAsked():
            yield from reader.candles(asked)
        case SwapsAsked():
            yield from reader.swaps(asked)
        case WalletAsked():
            yield from wallet_of(reader, asked)
        case WalletTotalsAsked():
            yield from totals_of(reader, asked)
        case BuyersAsked():
            yield from buyers_of(reader, asked)
        case SearchAsked():
            yield from found_of(reader, asked)
        case AlertsAsked():
            yield from alerts_of(reader, asked)
        case AlertAsked():
            yield from alert_of(reader, asked)
        case DaysAsked():
            yield from days_of(reader, asked)
        case PoolsAsked():
            yield from pools_of(reader, asked)
        case _:
            assert_never(asked)
