"""What Pocketwatcher finds, in your own scripts and notebooks.

`Client` asks the API of a running system, `History` reads the Parquet that it exported. `help()` of
what they give says what each field means. In all of it a name's ending is its unit: `_ms` is
milliseconds since 1970 (UTC), `_s` seconds, and `_raw` the smallest unit of a token, of which
10^decimals are a whole one (10^9 for SOL, 10^6 for USDC). `None` is what is not known.

    from pocketwatcher import Client

    with Client.here() as client:
        for alert in client.alerts(limit=20):
            print(alert.trigger, alert.symbol, alert.price_sol)
"""

from pocketwatcher.client import SOL_MINT, Client, Step
from pocketwatcher.downloads import Downloaded
from pocketwatcher.errors import (
    BadAnswer,
    BadManifest,
    BadQuestion,
    BadSetting,
    BrokeOff,
    Failed,
    MissingPackage,
    NoSystem,
    NotFound,
    NotNow,
    NotReached,
    NotReadable,
    NotWritten,
    PocketwatcherError,
    Refused,
    TooManyRows,
    WrongToken,
)
from pocketwatcher.following import Following
from pocketwatcher.models import (
    Alert,
    AlertAnswer,
    Buyer,
    Candle,
    Condition,
    Day,
    Ended,
    Found,
    HistoryHead,
    Hole,
    NearRule,
    PastAlert,
    PriceAfter,
    Swap,
    TokenBuyer,
    WalletProfit,
    WalletToken,
    WalletTotal,
    whole,
)
from pocketwatcher.parquet.history import History, Table, Verified
from pocketwatcher.parquet.manifest import Manifest
from pocketwatcher.rows import Rows

__all__ = [
    "SOL_MINT",
    "Alert",
    "AlertAnswer",
    "BadAnswer",
    "BadManifest",
    "BadQuestion",
    "BadSetting",
    "BrokeOff",
    "Buyer",
    "Candle",
    "Client",
    "Condition",
    "Day",
    "Downloaded",
    "Ended",
    "Failed",
    "Following",
    "Found",
    "History",
    "HistoryHead",
    "Hole",
    "Manifest",
    "MissingPackage",
    "NearRule",
    "NoSystem",
    "NotFound",
    "NotNow",
    "NotReached",
    "NotReadable",
    "NotWritten",
    "PastAlert",
    "PocketwatcherError",
    "PriceAfter",
    "Refused",
    "Rows",
    "Step",
    "Swap",
    "Table",
    "TokenBuyer",
    "TooManyRows",
    "Verified",
    "WalletProfit",
    "WalletToken",
    "WalletTotal",
    "WrongToken",
    "whole",
]
