"""The client: what Pocketwatcher's API answers, as typed values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeVar
from urllib.parse import quote

import msgspec

from pocketwatcher.errors import BadSetting
from pocketwatcher.following import Following
from pocketwatcher.here import read_token, target
from pocketwatcher.models import (
    Alert,
    AlertAnswer,
    Candle,
    Found,
    HistoryHead,
    PastAlert,
    Swap,
    decoded,
)
from pocketwatcher.rows import Page, Rows
from pocketwatcher.transport import Parameters, Transport

URL: Final = "http://127.0.0.1:8080"
# History says after 20 s that a question takes too long.
TIMEOUT_S: Final = 30.0
# An alert may be some 10 KB long, a swap 1 KB, a candle a quarter of that.
ALERTS_PER_PAGE: Final = 200
SWAPS_PER_PAGE: Final = 1_000
CANDLES_PER_PAGE: Final = 5_000
FOUND_PER_PAGE: Final = 100

Step = Literal["1m", "5m", "15m", "1h", "4h", "1d"]
M = TypeVar("M", bound="_Answer")


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    history: HistoryHead | None = None


class _Alerts(_Answer, frozen=True, kw_only=True):
    alerts: list[Alert]
    next_before_seq: int | None = None
    next_before: str | None = None


class _PastAlerts(_Answer, frozen=True, kw_only=True):
    alerts: list[PastAlert]
    next_before: str | None = None


class _Swaps(_Answer, frozen=True, kw_only=True):
    swaps: list[Swap]
    next_before: str | None = None


class _Candles(_Answer, frozen=True, kw_only=True):
    candles: list[Candle]
    next_first_ms: int | None = None


class _FoundPage(_Answer, frozen=True, kw_only=True):
    found: list[Found]
    next_skip: int | None = None


class Client:
    """One API. A context manager; closing it ends whatever still follows alerts.

    Whatever gives rows asks for a page when it needs one, follows the API's cursors to the end or
    to `limit` rows, and says in `.history` what history lacks of what was asked for.

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
    def here(cls, environ: Mapping[str, str] = os.environ, *, timeout_s: float = TIMEOUT_S) -> Self:
        """The `pw up` that runs here, or what PW_API_URL and PW_API_TOKEN_FILE name.

        Raises:
            NoSystem: none runs here, or several do.
            BadSetting: an address or a token's file that cannot be used.
        """
        found = target(environ)
        return cls(found.url, token_file=found.token_file, timeout_s=timeout_s)

    def __repr__(self) -> str:
        return f"Client({self._transport.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
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

        With `first_ms` or `end_ms` history answers alone, by event time: what was fired from
        `first_ms` on and before `end_ms`. If event time ever went back (a recording played after a
        live source), `first_ms=0` has each alert once.
        """
        filters = {"mint": mint, "trigger": trigger, "kind": kind}
        if first_ms is not None or end_ms is not None:
            wanted = {**filters, "first_ms": first_ms, "end_ms": end_ms}
            return Rows(self._older_alerts, _begin(wanted, ALERTS_PER_PAGE, limit), limit)

        def ask(asked: Parameters) -> Page[Alert]:
            if "before" in asked:
                return self._older_alerts(asked)
            answer = self._ask("/alerts", asked, _Alerts)
            first = {name: one for name, one in asked.items() if name != "before_seq"}
            if answer.next_before_seq is not None:
                return Page(answer.alerts, first | {"before_seq": answer.next_before_seq}, None)
            return Page(answer.alerts, _next(first, "before", answer.next_before), None)

        return Rows(ask, _begin(filters, ALERTS_PER_PAGE, limit), limit)

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
        return Rows(self._past_alerts, _begin(wanted, ALERTS_PER_PAGE, limit), limit)

    def alert(self, id: str) -> AlertAnswer:  # noqa: A002 - the API's own name
        """One alert, and what followed it."""
        return decoded(self._transport.get(f"/alerts/{quote(id, safe='')}", {}), AlertAnswer)

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
        return self._swaps("/swaps", wanted, limit)

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
        wanted = {"mint": mint, "first_ms": first_ms, "end_ms": end_ms}
        return self._swaps(f"/wallets/{quote(wallet, safe='')}/swaps", wanted, limit)

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
        """A token's candles, oldest first, in whole steps; against SOL unless a quote is named.

        A step without a trade has none.
        """
        path = f"/tokens/{quote(mint, safe='')}/candles"
        wanted = {"first_ms": first_ms, "end_ms": end_ms, "step": step, "quote": quote_mint}

        def ask(asked: Parameters) -> Page[Candle]:
            answer = self._ask(path, asked, _Candles)
            more = _next(asked, "first_ms", answer.next_first_ms)
            return Page(answer.candles, more, answer.history)

        return Rows(ask, _begin(wanted, CANDLES_PER_PAGE, limit), limit)

    def search(self, text: str, *, limit: int | None = None) -> Rows[Found]:
        """Tokens, wallets and signatures that begin with a text; the API finds about 1,000."""

        def ask(asked: Parameters) -> Page[Found]:
            answer = self._ask("/search", asked, _FoundPage)
            return Page(answer.found, _next(asked, "skip", answer.next_skip), answer.history)

        return Rows(ask, _begin({"q": text}, FOUND_PER_PAGE, limit), limit)

    def _swaps(self, path: str, wanted: Parameters, limit: int | None) -> Rows[Swap]:
        def ask(asked: Parameters) -> Page[Swap]:
            answer = self._ask(path, asked, _Swaps)
            return Page(answer.swaps, _next(asked, "before", answer.next_before), answer.history)

        return Rows(ask, _begin(wanted, SWAPS_PER_PAGE, limit), limit)

    def _past_alerts(self, asked: Parameters) -> Page[PastAlert]:
        answer = self._ask("/alerts", asked, _PastAlerts)
        return Page(answer.alerts, _next(asked, "before", answer.next_before), answer.history)

    def _older_alerts(self, asked: Parameters) -> Page[Alert]:
        page = self._past_alerts(asked)
        return Page([one.alert for one in page.rows], page.more, page.history)

    def _ask(self, path: str, asked: Parameters, kind: type[M]) -> M:
        return decoded(self._transport.get(path, asked), kind)


def _begin(wanted: Parameters, page: int, limit: int | None) -> Parameters:
    """What the first page is asked with: no more rows than are wanted."""
    return {**wanted, "limit": page if limit is None else max(1, min(page, limit))}


def _next(asked: Parameters, cursor: str, place: str | int | None) -> Parameters | None:
    """What the next page is asked with; None behind the last one."""
    return None if place is None else {**asked, cursor: place}
