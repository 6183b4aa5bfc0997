"""What Pocketwatcher finds, in your own scripts and notebooks: see `Client` and `History`."""

from pocketwatcher.client import Client
from pocketwatcher.errors import (
    BadAnswer,
    BadManifest,
    BadQuestion,
    BadSetting,
    Failed,
    MissingPackage,
    NoSystem,
    NotFound,
    NotNow,
    NotReached,
    PocketwatcherError,
    Refused,
    WrongToken,
)
from pocketwatcher.following import Following
from pocketwatcher.history import History, Table, Verified
from pocketwatcher.models import (
    Alert,
    AlertAnswer,
    Candle,
    Found,
    HistoryHead,
    Hole,
    PastAlert,
    PriceAfter,
    Swap,
)
from pocketwatcher.rows import Rows

__all__ = [
    "Alert",
    "AlertAnswer",
    "BadAnswer",
    "BadManifest",
    "BadQuestion",
    "BadSetting",
    "Candle",
    "Client",
    "Failed",
    "Following",
    "Found",
    "History",
    "HistoryHead",
    "Hole",
    "MissingPackage",
    "NoSystem",
    "NotFound",
    "NotNow",
    "NotReached",
    "PastAlert",
    "PocketwatcherError",
    "PriceAfter",
    "Refused",
    "Rows",
    "Swap",
    "Table",
    "Verified",
    "WrongToken",
]
