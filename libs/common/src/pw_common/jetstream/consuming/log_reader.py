"""Reading a stream by position: in order, without acknowledging, from where the reader says.

A `LogReader` keeps an ephemeral consumer at the broker and makes a new one
whenever it is gone or a delivery was lost, so what it gives is ordered and has
no gaps but those that the stream itself has (`trimmed` counts them).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from pw_common.jetstream.bus import BrokerAway, Bus, headers_of
from pw_common.text.broker_time import rfc3339_ms
from pw_common.topology.stream_end import StreamEnd, stream_end
from pw_common.topology.streams import stream_created

INACTIVE_NS = 30 * 1_000_000_000
FETCH_MAX = 256
QUIET_FETCHES_MAX = 5


@dataclass(frozen=True)
class StoredMessage:
    """One message of a stream. `time_ms` is when the broker stored it."""

    seq: int
    subject: str
    headers: dict[str, str]
    body: bytes
    time_ms: int


class LogReader:
    """An ordered reader of one stream. `position` is the last sequence that it gave."""

    def __init__(
        self,
        bus: Bus,
        stream: str,
        *,
        start_seq: int = 1,
        subject: str = "",
        headers_only: bool = False,
    ) -> None:
        self._bus = bus
        self._stream = stream
        self._subject = subject
        self._headers_only = headers_only
        self._subscription: Any = None
        self._consumer = ""
        self._created = ""
        self._delivered = 0
        self._quiet = 0
        self.position = start_seq - 1
        self.pending = 0
        self.trimmed = 0

    async def open(self) -> None:
        """Make the consumer if there is none.

        Raises:
            BrokerAway: no answer.
            ApiRefused: no such stream.
        """
        if self._subscription is not None:
            return
        info = await self._bus.api(f"STREAM.INFO.{self._stream}")
        created = stream_created(info)
        if info["state"]["last_seq"] < self.position or self._created not in ("", created):
            self.position = 0  # Another stream of this name: sequences began again.
        self._created = created
        name = f"reader-{uuid.uuid4().hex[:12]}"
        config = {
            "name": name,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self.position + 1,
            "ack_policy": "none",
            "replay_policy": "instant",
            "inactive_threshold": INACTIVE_NS,
            "mem_storage": True,
            "num_replicas": 1,
            "headers_only": self._headers_only,
        }
        # Known before it is asked for: a reader that is cancelled meanwhile gives it up as well.
        self._consumer = name
        create = f"CONSUMER.CREATE.{self._stream}.{name}"
        if self._subject:
            config["filter_subject"] = self._subject
            if not set(self._subject) & {"*", ">"}:
                # So that rights at the broker can be limited to this subject.
                create = f"{create}.{self._subject}"
        made = await self._bus.api(
            create,
            {"stream_name": self._stream, "config": config, "action": "create"},
        )
        self.pending = int(made.get("num_pending", 0))
        self._delivered = 0
        self._quiet = 0
        self._subscription = await self._bus.js.pull_subscribe_bind(
            consumer=name, stream=self._stream
        )

    async def fetch(self, count: int, *, timeout_s: float = 1.0) -> list[StoredMessage]:
        """Up to `count` next messages; none when there is nothing new within `timeout_s`.

        Raises:
            BrokerAway: try again later, from the same position.
            ApiRefused: no such stream.
        """
        await self.open()
        try:
            messages = await self._subscription.fetch(min(count, FETCH_MAX), timeout=timeout_s)
        except TimeoutError:
            await self._after_quiet()
            return []
        except (NatsError, APIError, OSError):
            # Usually the consumer is gone; if it is the broker, the next `open` says so.
            await self.close()
            return []
        self._quiet = 0
        return await self._in_order(messages)

    async def look(self) -> StreamEnd:
        """Where the stream ends now; `pending` is what it holds beyond the position.

        A fetch that gives nothing does not say that nothing is there: a consumer that is gone is
        quiet too. If there is more, the next fetch makes another one.

        Raises:
            BrokerAway, ApiRefused: as `fetch`.
        """
        end = stream_end(await self._bus.api(f"STREAM.INFO.{self._stream}"))
        is_other = self._created not in ("", end.created) or end.last_seq < self.position
        position = 0 if is_other else self.position
        waits_ms = await oldest_beyond_ms(self._bus, self._stream, end, position, self._subject)
        self.pending = 0
        if waits_ms is not None:
            self.pending = end.last_seq - max(position, end.first_seq - 1)
        if self.pending or is_other:
            await self.close()
        return end

    async def close(self) -> None:
        """Give the consumer up; the next fetch makes another."""
        subscription, self._subscription = self._subscription, None
        consumer, self._consumer = self._consumer, ""
        if not consumer:
            return
        try:
            if subscription is not None:
                await subscription.unsubscribe()
            # Not waited for: an abandoned consumer also ends by itself.
            await self._bus.client.publish(
                f"$JS.API.CONSUMER.DELETE.{self._stream}.{consumer}", b""
            )
        except (NatsError, OSError):
            return

    async def _in_order(self, messages: list[Msg]) -> list[StoredMessage]:
        found: list[StoredMessage] = []
        for message in messages:
            meta = message.metadata
            if meta.sequence.consumer != self._delivered + 1:
                # A delivery was lost on the way: read again from the position.
                await self.close()
                break
            self._delivered += 1
            seq = meta.sequence.stream
            if not self._subject:
                self.trimmed += seq - self.position - 1
            self.position = seq
            self.pending = meta.num_pending or 0
            found.append(
                StoredMessage(
                    seq=seq,
                    subject=message.subject,
                    headers=headers_of(message),
                    body=message.data,
                    time_ms=int(meta.timestamp.timestamp() * 1000),
                )
            )
        return found

    async def _after_quiet(self) -> None:
        # A consumer that is gone looks like a quiet stream; the stream's end distinguishes them.
        self._quiet += 1
        if self._quiet < QUIET_FETCHES_MAX:
            return
        self._quiet = 0
        state = (await self._bus.api(f"STREAM.INFO.{self._stream}"))["state"]
        if state["last_seq"] != self.position:
            await self.close()


async def get_message(bus: Bus, stream: str, seq: int) -> StoredMessage | None:
    """One message by its sequence, or None when the stream does not hold it.

    Raises:
        BrokerAway: no answer.
    """
    return await _direct(bus, stream, {"seq": seq})


async def oldest_beyond_ms(
    bus: Bus, stream: str, end: StreamEnd, seq: int, subject: str = ""
) -> int | None:
    """When the first message after this one was stored, or None where there is none.

    Raises:
        BrokerAway: no answer.
    """
    if not end.holds_beyond(seq):
        return None
    wanted = {"seq": seq + 1, "next_by_subj": subject or ">"}
    message = await _direct(bus, stream, wanted)
    return None if message is None else message.time_ms


async def get_last_message(bus: Bus, stream: str, subject: str) -> StoredMessage | None:
    """The newest message of a subject, or None when the stream holds none.

    Raises:
        BrokerAway: no answer.
    """
    return await _direct(bus, stream, {"last_by_subj": subject})


async def _direct(bus: Bus, stream: str, wanted: dict[str, Any]) -> StoredMessage | None:
    request = msgspec.json.encode(wanted)
    subject = f"$JS.API.DIRECT.GET.{stream}"
    try:
        answer = await bus.client.request(subject, request, timeout=5.0)
    except (NatsError, OSError, TimeoutError) as error:
        raise BrokerAway(f"{subject}: {type(error).__name__}") from error
    headers = headers_of(answer)
    if "Nats-Sequence" not in headers:
        return None
    return StoredMessage(
        seq=int(headers["Nats-Sequence"]),
        subject=headers["Nats-Subject"],
        headers={name: value for name, value in headers.items() if name not in _DIRECT_GET},
        body=answer.data,
        time_ms=rfc3339_ms(headers["Nats-Time-Stamp"]),
    )


_DIRECT_GET = frozenset(
    {"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp", "Nats-Num-Pending"}
)
