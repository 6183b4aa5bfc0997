"""Acknowledges PW_SWAP on receipt, headers only: so that the broker knows our lag.

Nothing is decided here. The detector reads by position, because holding acks until an
earlier message arrives would stop at `max_ack_pending`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from nats.errors import Error as NatsError
from nats.js.errors import APIError

from pw_common.service.run import Runtime
from pw_common.topology.subjects import CONSUMER_DETECTOR, STREAM_SWAP

FETCH: Final = 256
RETRY_S: Final = 0.5


async def acknowledge(runtime: Runtime) -> None:
    """Run until cancelled; a broker that is away is waited for."""
    while True:
        try:
            subscription = await runtime.bus.js.pull_subscribe_bind(
                consumer=CONSUMER_DETECTOR, stream=STREAM_SWAP
            )
            try:
                while True:
                    await _round(subscription)
            finally:
                await subscription.unsubscribe()
        except (NatsError, APIError, OSError) as error:
            runtime.log.debug("lag_waits", reason=type(error).__name__)
            await asyncio.sleep(RETRY_S)


async def _round(subscription: object) -> None:
    try:
        messages = await subscription.fetch(FETCH, timeout=RETRY_S)  # type: ignore[attr-defined]
    except TimeoutError:
        return
    for message in messages:
        await message.ack()
