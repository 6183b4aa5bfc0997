"""One request to one service, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx

from pw_common.alerts import Alert
from pw_common.channels import Channel
from pw_common.clock import now_ms
from pw_common.redact import redacted
from pw_notifier.console import Console, ConsoleHeld
from pw_notifier.core.policy import Answer, Retry, Sent, meaning
from pw_notifier.core.render import request_of
from pw_notifier.exchange import NoAnswer, exchange


class Sender:
    """Sends; never raises for what the other side does."""

    def __init__(
        self, client: httpx.AsyncClient, telegram_url: str, on_cut: Callable[[str], None]
    ) -> None:
        self._client = client
        self._telegram_url = telegram_url
        # Called with the channel's kind when an answer reached a bound.
        self._on_cut = on_cut
        self._console = Console()

    async def send(self, channel: Channel, alerts: Sequence[Alert], *, late: bool) -> Answer:
        """One alert, or several late ones as one message."""
        request = request_of(
            channel,
            alerts,
            late=late,
            now_s=now_ms() // 1_000,
            telegram_url=self._telegram_url,
        )
        try:
            if not request.url:
                await self._console.write(request.body + b"\n")
                return Sent()
            answer = await exchange(
                self._client, "POST", request.url, content=request.body, headers=request.headers
            )
        except (NoAnswer, ConsoleHeld) as error:
            return Retry(str(error))
        if not answer.whole:
            self._on_cut(channel.kind)
        # Error pages often repeat the path, and with it a webhook's key or a bot's token.
        body = redacted(answer.body.decode("utf-8", "replace"))
        return meaning(answer.status, answer.headers, body)
