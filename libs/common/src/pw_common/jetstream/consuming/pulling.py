"""Taking messages of a durable consumer, a few at a time."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from pw_common.jetstream.bus import BrokerAway, Bus

# What acknowledging, giving back or holding a message raises without a connection.
CONNECTION_LOST = (NatsError, OSError)


class Pull:
    """An open pull on a consumer; `async with` binds and gives it up.

    Raises:
        BrokerAway: the broker or the consumer is not there.
    """

    def __init__(self, bus: Bus, stream: str, consumer: str) -> None:
        self._bus = bus
        self._stream = stream
        self._consumer = consumer
        self._subscription: Any = None

    async def __aenter__(self) -> Self:
        try:
            self._subscription = await self._bus.js.pull_subscribe_bind(
                consumer=self._consumer, stream=self._stream
            )
        except (NatsError, APIError, OSError) as error:
            raise self._away(error) from error
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            await self._subscription.unsubscribe()
        except CONNECTION_LOST:
            return  # The connection is gone, and the pull with it.

    async def fetch(self, count: int, *, timeout_s: float) -> list[Msg]:
        """Up to `count` messages; none where none came in time."""
        try:
            messages: list[Msg] = await self._subscription.fetch(count, timeout=timeout_s)
        except TimeoutError:
            return []
        except (NatsError, APIError, OSError) as error:
            raise self._away(error) from error
        return messages

    def _away(self, error: Exception) -> BrokerAway:
        return BrokerAway(f"{self._stream}/{self._consumer}: {type(error).__name__}")
