"""Acknowledges PW_SWAP on receipt, headers only: so that the broker knows our lag.

Nothing is decided here. The detector reads by position, because holding acks until an
earlier message arrives would stop at `max_ack_pending`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from pw_common.jetstream.bus import BrokerAway
from pw_common.jetstream.consuming.pulling import CONNECTION_LOST, Pull
from pw_common.service.run import Runtime
from pw_common.topology.subjects import CONSUMER_DETECTOR, STREAM_SWAP

FETCH: Final = 256
RETRY_S: Final = 0.5


async def acknowledge(runtime: Runtime) -> None:
    """Run until cancelled; a broker that is away is waited for."""
    while True:
        try:
            async with Pull(runtime.bus, STREAM_SWAP, CONSUMER_DETECTOR) as pull:
                while True:
                    for message in await pull.fetch(FETCH, timeout_s=RETRY_S):
                        await message.ack()
        except (BrokerAway, *CONNECTION_LOST) as error:
            runtime.log.debug("lag_waits", reason=str(error))
            await asyncio.sleep(RETRY_S)
