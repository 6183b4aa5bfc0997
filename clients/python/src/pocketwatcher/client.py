"""The client: what Pocketwatcher's API answers, as typed values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Self, TypeVar

from pocketwatcher import pages
from pocketwatcher.downloads import Downloaded, download
from pocketwatcher.errors import BadSetting
from pocketwatcher.following import Following
from pocketwatcher.here import read_token, target
from pocketwatcher.models import (
    Alert,
    AlertAnswer,
    Candle,
    Day,
    Found,
    PastAlert,
    Swap,
    TokenBuyer,
    WalletProfit,
    WalletToken,
    WalletTotal,
    decoded,
)
from pocketwatcher.pages import Answer, beginning
from pocketwatcher.rows import Page, Rows
from pocketwatcher.transport import Parameters, Transport, quoted

URL: Final = "http://127.0.0.1:8080"
# Native SOL and wrapped SOL are one asset, which goes by this address.
SOL_MINT: Final = "So11111111111111111111111111111111111111112"
# History says after 20 s that a question takes too long.
TIMEOUT_S: Final = 30.0

Step = Literal["1m", "5m", "15m", "1h", "4h", "1d"]
T = TypeVar("T")


class Client:
    """One API. A context manager; closing it ends whatever still follows alerts.

    Whatever gives rows asks for a page when it needs one, follows the API's cursors to the end or
    to `limit` rows, and says in `.history` what history lacks of what was asked for.

    Times are event time, the time of a slot, in ms since 1970 (UTC): a span begins at `first_ms`
    and ends before `end_ms`, each None for as far as history goes. Addresses (`mint`, `wallet`,
    `quote_mint`, which is SOL_MINT unless given) are base58; a filter that is None filters nothing.

    Everything that asks raises NotReached, Refused (with WrongToken, NotFound, BadQuestion, NotNow
    and Failed) or BadAnswer.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        token: str | None = None,
        token_file: str | Path | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """At `url`, with its token or the file that holds it; None for an API that asks for none.

        Args:
            url: Without a path of the API; what is not given is where `pw up` has it by default.
            token: Not together with `token_file`.
            timeout_s: How long a connection, a page, or silence in a file may last, in seconds.

        Raises:
            BadSetting: an address or a token that cannot be used.
        """
        if token is not None and token_file is not None:
            raise BadSetting("give token or token_file, not both")
        if token_file is not None:
            token = read_token(Path(token_file))
        self._transport = Transport(url, token, timeout_s)
        self._following: set[Following] = set()

    @classmethod
    def here(
        cls, environ: Mapping[str, str] | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> Self:
        """The `pw up` that runs here, or what PW_API_URL and PW_API_TOKEN_FILE name.

        Args:
            environ: In place of this process's own, which as a default would be shown by `help`.
            timeout_s: As in `Client`.

        Raises:
            NoSystem: none runs here, or several do.
            BadSetting: an address or a token's file that cannot be used.
        """
        found = target(os.environ if environ is None else environ)
        return cls(found.url, token_file=found.token_file, timeout_s=timeout_s)

    def __repr__(self) -> str:
        return f"Client({self._transport.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what follows alerts, and close every connection."""
        for one in tuple(self._following):
            one.close()
        self._transport.close()

    def alerts(
        self,
        *,
        mint: str | None = None,
        trigger: str | None = None,
        kind: str | None = None,
        first_ms: int | None = None,
        end_ms: int | None = None,
        limit: int | None = None,
    ) -> Rows[Alert]:
        """Stored alerts, newest first: those of the broker's stream, then older ones of history.

        `trigger` is the name of a rule, `kind` opened, escalated, closed, blind or sighted. With
        `first_ms` or `end_ms` history answers alone. If event time ever went back (a recording
        played after a live source), `first_ms=0` has each alert once.
        """
        filters = {"mint": mint, "trigger": trigger, "kind": kind}
        if first_ms is not None or end_ms is not None:
            wanted = {**filters, "first_ms": first_ms, "end_ms": end_ms}
            return Rows(self._older_alerts, beginning(wanted, pages.ALERTS_PER_PAGE, limit), limit)

        def ask(asked: Parameters) -> Page[Alert]:
            if "before" in asked:
                return self._older_alerts(asked)
            return self._page("/alerts", asked, pages.Alerts)

        return Rows(ask, beginning(filters, pages.ALERTS_PER_PAGE, limit), limit)

    def past_alerts(
        self,
        *,
        mint: str | None = None,
        trigger: str | None = None,
        kind: str | None = None,
        first_ms: int = 0,
        end_ms: int | None = None,
        limit: int | None = None,
    ) -> Rows[PastAlert]:
        """Alerts that history keeps, newest first, with what their tokens cost afterwards."""
        filters = {"mint": mint, "trigger": trigger, "kind": kind}
        wanted = {**filters, "first_ms": first_ms, "end_ms": end_ms}
        return self._rows("/alerts", wanted, pages.ALERTS_PER_PAGE, limit, pages.PastAlerts)

    def alert(self, id: str) -> AlertAnswer:  # noqa: A002 - the API's own name
        """One alert, and what followed it; raises NotFound where there is none."""
        return decoded(self._transport.get(f"/alerts/{quoted(id)}", {}), AlertAnswer)

    def follow(self, *, after: int | None = None) -> Following:
        """Alerts as they come, from now on or from after the `seq` of an earlier one.

        A broken connection is made again, and goes on after the last alert. It ends with `close`,
        with its own `with`, or with this client.
        """
        following = Following(self._transport, after, self._following.discard)
        self._following.add(following)
        return following

    def swaps(
        self,
        *,
        mint: str | None = None,
        wallet: str | None = None,
        first_ms: int | None = None,
        end_ms: int | None = None,
        limit: int | None = None,
    ) -> Rows[Swap]:
        """Swaps that history keeps, newest first; `wallet` traded, paid the fee or signed."""
        wanted = {"mint": mint, "wallet": wallet, "first_ms": first_ms, "end_ms": end_ms}
        return self._rows("/swaps", wanted, pages.SWAPS_PER_PAGE, limit, pages.Swaps)

    def candles(
        self,
        mint: str,
        *,
        first_ms: int,
        end_ms: int,
        step: Step = "1m",
        quote_mint: str | None = None,
        limit: int | None = None,
    ) -> Rows[Candle]:
        """A token's candles, oldest first, in whole steps; a step without a trade has none."""
        path = f"/tokens/{quoted(mint)}/candles"
        wanted = {"first_ms": first_ms, "end_ms": end_ms, "step": step, "quote": quote_mint}
        return self._rows(path, wanted, pages.CANDLES_PER_PAGE, limit, pages.Candles)

    def buyers(
        self, mint: str, *, quote_mint: str | None = None, limit: int | None = None
    ) -> Rows[TokenBuyer]:
        """Who bought a token, who spent most first; for SOL unless a quote is named.

        Over all that history keeps. Who trades while pages are asked for may change place.
        """
        path = f"/tokens/{quoted(mint)}/buyers"
        return self._rows(path, {"quote": quote_mint}, pages.WALLETS_PER_PAGE, limit, pages.Buyers)

    def wallet_tokens(self, wallet: str, *, limit: int | None = None) -> Rows[WalletToken]:
        """What a wallet traded, by token and quote, what was traded last first; without profit."""
        path = f"/wallets/{quoted(wallet)}"
        return self._rows(path, {}, pages.WALLETS_PER_PAGE, limit, pages.WalletTokens)

    def wallet_totals(self, wallet: str) -> Rows[WalletTotal]:
        """What a wallet traded over all its tokens: a row for each quote."""
        path = f"/wallets/{quoted(wallet)}/totals"
        return Rows(lambda asked: self._page(path, asked, pages.WalletTotals), {}, None)

    def wallet_profit(self, wallet: str, mint: str) -> Rows[WalletProfit]:
        """What a wallet won or lost with one token: a row for each quote that it traded it against.

        First in, first out, over the swaps that history keeps; none where it traded nothing.
        """
        path = f"/wallets/{quoted(wallet)}"
        return self._rows(path, {"mint": mint}, pages.WALLETS_PER_PAGE, None, pages.WalletProfits)

    def wallet_swaps(
        self,
        wallet: str,
        *,
        mint: str | None = None,
        first_ms: int | None = None,
        end_ms: int | None = None,
        limit: int | None = None,
    ) -> Rows[Swap]:
        """What a wallet traded itself, newest first."""
        path = f"/wallets/{quoted(wallet)}/swaps"
        wanted = {"mint": mint, "first_ms": first_ms, "end_ms": end_ms}
        return self._rows(path, wanted, pages.SWAPS_PER_PAGE, limit, pages.Swaps)

    def days(self, *, before_ms: int | None = None, limit: int | None = None) -> Rows[Day]:
        """Days (UTC) of which history keeps anything, newest first; those before `before_ms`."""
        return self._rows("/days", {"before_ms": before_ms}, pages.DAYS_PER_PAGE, limit, pages.Days)

    def search(self, text: str, *, limit: int | None = None) -> Rows[Found]:
        """Tokens and wallets by how a name or an address begins, and a whole signature.

        The API finds about 1,000.
        """
        return self._rows("/search", {"q": text}, pages.FOUND_PER_PAGE, limit, pages.FoundPage)

    def download_swaps(
        self,
        mint: str,
        path: str | Path,
        *,
        first_ms: int | None = None,
        end_ms: int | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Downloaded:
        """A token's swaps as a file, oldest first: CSV or Parquet, as `path` ends in one of them.

        It is there once it is whole, and replaces what was there; otherwise nothing has changed.
        One file has at most 1,000,000 rows. With `limit` there may be more: see `next_after` of the
        answer, and give it as `after` for the next file. The API makes one file at a time.

        Raises:
            BadSetting: `path` has another ending, or is a folder.
            BrokeOff: it ended in the middle.
            TooManyRows: there are more than one file may have, and no `limit` was given.
            NotWritten: the folder is missing, or the disk full.
        """
        span = {"first_ms": first_ms, "end_ms": end_ms, "after": after}
        swaps = f"/tokens/{quoted(mint)}/swaps"
        return download(self._transport, swaps, span, Path(path), limit)

    def download_wallet_swaps(
        self,
        wallet: str,
        path: str | Path,
        *,
        first_ms: int | None = None,
        end_ms: int | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Downloaded:
        """What a wallet traded itself as a file, oldest first; see `download_swaps`."""
        span = {"first_ms": first_ms, "end_ms": end_ms, "after": after}
        swaps = f"/wallets/{quoted(wallet)}/swaps"
        return download(self._transport, swaps, span, Path(path), limit)

    def _rows(
        self, path: str, wanted: Parameters, page: int, limit: int | None, kind: type[Answer[T]]
    ) -> Rows[T]:
        def ask(asked: Parameters) -> Page[T]:
            return self._page(path, asked, kind)

        return Rows(ask, beginning(wanted, page, limit), limit)

    def _older_alerts(self, asked: Parameters) -> Page[Alert]:
        page = self._page("/alerts", asked, pages.PastAlerts)
        return Page([one.alert for one in page.rows], page.more, page.history)

    def _page(self, path: str, asked: Parameters, kind: type[Answer[T]]) -> Page[T]:
        return decoded(self._transport.get(path, asked), kind).page(asked)
