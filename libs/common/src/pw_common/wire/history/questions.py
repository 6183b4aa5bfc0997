"""What history is asked. Times are event time, in milliseconds; both ends are said."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

ROWS_MAX = 10_000
EXPORT_ROWS_MAX = 1_000_000
HOLES_MAX = 100
# The end of the year 9999, and within what JavaScript counts exactly.
TIME_MS_MAX = 253_402_300_799_999
SOL_MINT = "So11111111111111111111111111111111111111112"
# What a refused question is told: an answer took too long where it begins so.
BUSY = "history has too many questions already: ask again"
TOO_LONG = "the answer took longer than"
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
StepMs: TypeAlias = Literal[60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000]


class SwapPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a swap stands among all: a page goes on before it. Sessions may share slots."""

    event_time_ms: int
    slot: int
    index: int
    signature: str
    ordinal: int


class CandlesAsked(msgspec.Struct, frozen=True, kw_only=True, tag="candles"):
    """Candles of a token, oldest first, of minutes from `first_ms` up to but without `end_ms`."""

    mint: str
    quote_mint: str = SOL_MINT
    first_ms: int
    end_ms: int
    step_ms: StepMs = 60_000
    limit: Count = ROWS_MAX


class SwapsAsked(msgspec.Struct, frozen=True, kw_only=True, tag="swaps"):
    """Swaps of a token, of a trader, of a transaction, or of what is named of these, newest first.

    `wallet` is the trader, the fee payer or a signer.
    """

    mint: str | None = None
    trader: str | None = None
    wallet: str | None = None
    signature: str | None = None
    first_ms: int = 0
    end_ms: int = TIME_MS_MAX
    before: SwapPlace | None = None
    limit: Count = 100


class WalletPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a token stands among those of a wallet: a page goes on behind it."""

    last_ms: int
    mint: str
    quote_mint: str | None


class WalletAsked(msgspec.Struct, frozen=True, kw_only=True, tag="wallet"):
    """What a wallet traded, by token; `mint` for one of them, with its profit."""

    trader: str
    mint: str | None = None
    before: WalletPlace | None = None
    limit: Count = 1_000


class WalletTotalsAsked(msgspec.Struct, frozen=True, kw_only=True, tag="wallet_totals"):
    """What a wallet traded in all, by quote."""

    trader: str


class BuyerPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a wallet stands among a token's buyers: a page goes on behind it."""

    spent_raw: int
    trader: str


class BuyersAsked(msgspec.Struct, frozen=True, kw_only=True, tag="buyers"):
    """Who bought a token, by what they spent, the most first."""

    mint: str
    quote_mint: str = SOL_MINT
    before: BuyerPlace | None = None
    limit: Count = 100


class PoolsAsked(msgspec.Struct, frozen=True, kw_only=True, tag="pools"):
    """A token's pools as they were last."""

    mint: str


class SearchAsked(msgspec.Struct, frozen=True, kw_only=True, tag="search"):
    """Tokens whose symbol or name has a text in it, tokens and wallets whose address begins with
    it, and the signature that is all of it.

    The first `skip` of them are left out.
    """

    text: str
    skip: Annotated[int, msgspec.Meta(ge=0)] = 0
    limit: Count = 20


class AlertPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where an alert stands among all: a page goes on before it."""

    event_time_ms: int
    id: str


class AlertsAsked(msgspec.Struct, frozen=True, kw_only=True, tag="alerts"):
    """Alerts, newest first; each filter leaves out what differs. `kinds` empty: all."""

    mint: str | None = None
    trigger: str | None = None
    kinds: tuple[str, ...] = ()
    first_ms: int = 0
    end_ms: int = TIME_MS_MAX
    before: AlertPlace | None = None
    limit: Count = 100


class AlertAsked(msgspec.Struct, frozen=True, kw_only=True, tag="alert"):
    """One alert by its id, with what followed."""

    id: str


class DaysAsked(msgspec.Struct, frozen=True, kw_only=True, tag="days"):
    """Days (UTC) of which anything is kept, newest first."""

    before_ms: int = TIME_MS_MAX
    limit: Count = 31


class ExportAsked(msgspec.Struct, frozen=True, kw_only=True, tag="export"):
    """Swaps of a token, of a trader, or of both as one file, oldest first."""

    format: Literal["csv", "parquet"]
    mint: str | None = None
    trader: str | None = None
    first_ms: int = 0
    end_ms: int = TIME_MS_MAX
    after: SwapPlace | None = None
    limit: Count = EXPORT_ROWS_MAX


HistoryAsked: TypeAlias = (
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
    | ExportAsked
)
