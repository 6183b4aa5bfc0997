"""One request to one service, and what its answer means."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import httpx

from pw_common.alerts import Alert
from pw_common.channels import Channel
from pw_common.clock import now_ms
from pw_notifier.core.policy import Answer, Retry, Sent, meaning
from pw_notifier.core.render import request_of

TIMEOUT_S: Final = 10.0


class Sender:
    """Sends; never raises for what the other side does."""

    def __init__(self, client: httpx.AsyncClient, telegram_url: str) -> None:
        self._client = client
        self._telegram_url = telegram_url

    async def send(self, channel: Channel, alerts: Sequence[Alert], *, late: bool) -> Answer:
        """One alert, or several late ones as one message."""
        request = request_of(
            channel,
            alerts,
            late=late,
            now_s=now_ms() // 1_000,
            telegram_url=self._telegram_url,
        )
        if not request.url:
            sys.stdout.buffer.write(request.body + b"\n")
            sys.stdout.flush()
            return Sent()
        try:
            answer = await self._client.post(
                request.url, content=request.body, headers=request.headers, timeout=TIMEOUT_S
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Neither the URL nor the token in it may stand in a log.
            return Retry(type(error).__name__)
        return meaning(answer.status_code, answer.headers, answer.content)
