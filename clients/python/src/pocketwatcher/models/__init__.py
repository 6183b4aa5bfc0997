"""What the API answers with, as typed values.

Raw amounts travel as decimal text, since many readers of JSON keep 53 bits; here they are whole
numbers (`…_raw`, in the smallest unit of a token). Times are milliseconds since 1970 (`…_ms`).
Fields that this version does not know are left out, so a newer server breaks nothing; and what a
newer server may add to, as the kinds of alerts are, is text.
"""

from pocketwatcher.models.alerts import (
    Alert,
    AlertAnswer,
    Buyer,
    Condition,
    Ended,
    NearRule,
    PastAlert,
    PriceAfter,
)
from pocketwatcher.models.decoding import Model, Raw, decoded, whole
from pocketwatcher.models.head import HistoryHead, Hole
from pocketwatcher.models.traded import (
    Candle,
    Day,
    Found,
    Swap,
    TokenBuyer,
    WalletProfit,
    WalletToken,
    WalletTotal,
)

__all__ = [
    "Alert",
    "AlertAnswer",
    "Buyer",
    "Candle",
    "Condition",
    "Day",
    "Ended",
    "Found",
    "HistoryHead",
    "Hole",
    "Model",
    "NearRule",
    "PastAlert",
    "PriceAfter",
    "Raw",
    "Swap",
    "TokenBuyer",
    "WalletProfit",
    "WalletToken",
    "WalletTotal",
    "decoded",
    "whole",
]
