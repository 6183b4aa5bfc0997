"""One request to one service, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx
import msgspec

from pw_common.documents.channels import CHANNELS_MAX, Channel
from pw_common.process.clock import now_ms
from pw_common.text.plain_text import ERROR_CHARS_MAX, plain_text
from pw_common.text.redact import redacted
from pw_common.wire.alerts import Alert
from pw_notifier.console import Console, ConsoleHeld
from pw_notifier.core.kinds import request_of
from pw_notifier.core.policy import Answer, Moved, Retry, Sent, meaning
from pw_notifier.http.exchange import NoAnswer, exchange


class Sender:
    """Sends; never raises for what the other side does."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        telegram_url: str,
        on_cut: Callable[[str], None],
        *,
        page_url: str = "",
    ) -> None:
        self._client = client
        self._telegram_url = telegram_url
        # Where people reach the pages; empty where that is not known.
        self._page_url = page_url
        # Called with the channel's kind when an answer reached a bound.
        self._on_cut = on_cut
        self._console = Console()
        self._moved: dict[tuple[str, str], str] = {}

    async def send(self, channel: Channel, alerts: Sequence[Alert], *, late: bool) -> Answer:
        """One alert, or several overdue ones in one; a group that moved is followed once."""
        answer = await self._ask(channel, alerts, late=late)
        if isinstance(answer, Moved):
            if len(self._moved) >= CHANNELS_MAX:
                self._moved.clear()  # Of channels as they were once.
            self._moved[_place(channel)] = answer.chat_id
            answer = await self._ask(channel, alerts, late=late)
        if isinstance(answer, Moved):
            del self._moved[_place(channel)]
            return Retry(answer.why, held=True)
        return answer

    def moved_to(self, channel: Channel) -> str:
        """The chat that a channel's group became; empty where it did not."""
        return self._moved.get(_place(channel), "")

    async def _ask(
        self, channel: Channel, alerts: Sequence[Alert], *, late: bool
    ) -> Answer | Moved:
        chat_id = self.moved_to(channel)
        request = request_of(
            msgspec.structs.replace(channel, chat_id=chat_id) if chat_id else channel,
            alerts,
            late=late,
            now_s=now_ms() // 1_000,
            telegram_url=self._telegram_url,
            page_url=self._page_url,
        )
        try:
            if not request.url:
                await self._console.write(request.body + b"\n")
                return Sent()
            answer = await exchange(
                self._client, "POST", request.url, content=request.body, headers=request.headers
            )
        except ConsoleHeld as error:
            return Retry(str(error), unsure=True)
        except NoAnswer as error:
            why = plain_text(redacted(str(error)), ERROR_CHARS_MAX)
            return Retry(why, held=error.astray, unsure=error.unsure)
        if not answer.whole:
            self._on_cut(channel.kind)
        # Error pages often repeat the path, and with it a webhook's key or a bot's token.
        body = redacted(answer.body.decode("utf-8", "replace"))
        return meaning(answer.status, answer.headers, body, kind=channel.kind)


def _place(channel: Channel) -> tuple[str, str]:
    return channel.name, channel.chat_id
