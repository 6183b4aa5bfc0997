"""Reading a log stream from its start to its present end, without a durable consumer."""

from __future__ import annotations

from collections.abc import AsyncIterator

from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from pw_common.jetstream.bus import Bus, Msg

FETCH = 64
FETCH_TIMEOUT_S = 2.0


async def stored_messages(bus: Bus, stream: str) -> AsyncIterator[Msg]:
    """Every message that the stream holds now, in stored order."""
    info = await bus.api(f"STREAM.INFO.{stream}")
    last = int(info["state"]["last_seq"])
    if int(info["state"]["messages"]) == 0:
        return
    subscription = await bus.js.pull_subscribe(
        info["config"]["subjects"][0],
        stream=stream,
        config=ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.ALL,
            inactive_threshold=30.0,
            mem_storage=True,
        ),
    )
    try:
        while True:
            try:
                messages = await subscription.fetch(FETCH, timeout=FETCH_TIMEOUT_S)
            except TimeoutError:
                if not (await subscription.consumer_info()).num_pending:
                    return
                continue
            for message in messages:
                yield message
                meta = message.metadata
                # The last ones may have been deleted: then nothing is left before the end.
                if meta.sequence.stream >= last or not meta.num_pending:
                    return
    finally:
        try:
            await subscription.unsubscribe()
        except NatsError:
            return  # The connection is going away, and the consumer with it.


async def stream_state(bus: Bus, stream: str) -> dict[str, int]:
    """`messages`, `bytes`, `first_seq`, `last_seq`."""
    info = await bus.api(f"STREAM.INFO.{stream}")
    return {name: int(info["state"][name]) for name in ("messages", "first_seq", "last_seq")}
