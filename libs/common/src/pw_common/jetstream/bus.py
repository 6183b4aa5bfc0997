"""The connection to the broker: the only module of common, with `publisher`, that knows nats-py.

Everything here retries or raises `BrokerAway`; nats-py's own errors stay inside.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from pw_common.jetstream.refusals import ERR_IN_PROCESS, UNAVAILABLE
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks
from pw_common.text.broker_time import rfc3339_ms

CLOSE_TIMEOUT_S = 5.0
# How many keys of a bucket are read at once. One at a time takes a minute when the broker is
# far away.
READS_MAX = 64
# JetStream's own number for a message that is not there.
NOT_FOUND = 10037


class BrokerAway(ConnectionError):
    """The broker did not answer in time, is not there or says that it cannot now.

    The only class worth a retry.
    """


class ApiRefused(RuntimeError):
    """JetStream answered a request with an error; `err_code` is JetStream's number."""

    def __init__(self, subject: str, err_code: int, description: str) -> None:
        super().__init__(f"{subject}: {description} ({err_code})")
        self.err_code = err_code
        self.description = description


@dataclass(frozen=True)
class Entry:
    """A key's value as the broker has it. `stored_ms` is by the broker's clock."""

    value: bytes
    revision: int
    stored_ms: int


@dataclass(frozen=True)
class Listing:
    """A bucket's entries, and the broker's time before the first of them was read; 0: unknown.

    The age of an entry is judged by it: a slow reading makes no entry older.
    """

    at_ms: int
    entries: dict[str, Entry]


class Bus:
    """One connection; `inbox_prefix` is per service so that rights can be minimal."""

    def __init__(self, client: Client, log: Log, *, opened: bool = True) -> None:
        self.client = client
        self.log = log
        # Before the first connection nothing is sent, so there is nothing to wait for.
        self._opened = opened
        # A disconnection that we asked for is not news.
        self.closing = False
        self.js: JetStreamContext = client.jetstream(timeout=5.0)

    def open(self, client: Client) -> None:
        """Take over a client that is connected."""
        self.client = client
        self.js = client.jetstream(timeout=5.0)
        self._opened = True

    @property
    def connected(self) -> bool:
        """Whether the connection is up right now."""
        return self._opened and bool(self.client.is_connected)

    async def api(self, subject: str, body: Any = None, *, timeout_s: float = 5.0) -> Any:
        """A raw JetStream API request, e.g. `STREAM.INFO.PW_TX`; returns its JSON.

        Raises:
            BrokerAway: no answer, or an answer that means "later": no quorum, no leader.
            ApiRefused: an error answer, such as 10059 (stream not found).
        """
        payload = b"" if body is None else msgspec.json.encode(body)
        self._must_be_open(subject)
        try:
            answer = await self.client.request(f"$JS.API.{subject}", payload, timeout=timeout_s)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerAway(f"{subject}: {type(error).__name__}") from error
        reply: dict[str, Any] = msgspec.json.decode(answer.data)
        if error_body := reply.get("error"):
            raise _error(subject, error_body)
        return reply

    async def kv_put(
        self,
        bucket: str,
        key: str,
        value: bytes,
        *,
        revision: int | None = None,
        only: bool = False,
    ) -> int:
        """Store a value; with `revision` only if the key is still at it (0: only if new).

        With `only` the values before it are deleted.

        Returns the new revision.

        Raises:
            BrokerAway: no answer, and the value may or may not be stored; or there is no
                room, or an earlier write of this key is still on its way.
            ApiRefused: 10071 when somebody else wrote in between.
        """
        headers = {"Nats-Rollup": "sub"} if only else {}
        if revision is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(revision)
        subject = f"$KV.{bucket}.{key}"
        self._must_be_open(subject)
        try:
            answer = await self.client.request(subject, value, timeout=5.0, headers=headers or None)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerAway(f"{subject}: {type(error).__name__}") from error
        reply = msgspec.json.decode(answer.data)
        if error_body := reply.get("error"):
            raise _error(subject, error_body)
        return int(reply["seq"])

    async def kv_get(self, bucket: str, key: str) -> tuple[bytes, int] | None:
        """The value of a key and its revision, or None when it was never set or is deleted."""
        entry = await self._entry(bucket, key)
        return None if entry is None else (entry.value, entry.revision)

    async def _entry(self, bucket: str, key: str) -> Entry | None:
        subject = f"$KV.{bucket}.{key}"
        self._must_be_open(subject)
        try:
            answer = await self.client.request(
                f"$JS.API.DIRECT.GET.KV_{bucket}.{subject}", b"", timeout=5.0
            )
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerAway(f"{subject}: {type(error).__name__}") from error
        headers = answer.headers or {}
        if headers.get("Status") == "404" or headers.get("KV-Operation"):
            return None
        stored_ms = rfc3339_ms(headers["Nats-Time-Stamp"])
        return Entry(answer.data, int(headers["Nats-Sequence"]), stored_ms)

    async def kv_last(self, bucket: str, key: str) -> tuple[bytes, int] | None:
        """As `kv_get`, asked of the leader: a replica that is behind may not know it yet.

        For whoever writes at the revision that this gives, or has just been refused.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        subject = f"$KV.{bucket}.{key}"
        try:
            answer = await self.api(f"STREAM.MSG.GET.KV_{bucket}", {"last_by_subj": subject})
        except ApiRefused as error:
            if error.err_code != NOT_FOUND:
                raise
            return None
        message = answer["message"]
        return b64decode(message.get("data", "")), int(message["seq"])

    async def kv_all(self, bucket: str) -> dict[str, bytes]:
        """Every key's latest value."""
        return {key: one.value for key, one in (await self.kv_entries(bucket)).items()}

    async def kv_entries(self, bucket: str) -> dict[str, Entry]:
        """Every key's latest value, and when the broker stored it."""
        return (await self.kv_listing(bucket)).entries

    async def kv_listing(self, bucket: str) -> Listing:
        """The same, and when it was asked for; raises BrokerAway, ApiRefused."""
        info = await self.api(f"STREAM.INFO.KV_{bucket}", {"subjects_filter": ">"})
        prefix = f"$KV.{bucket}."
        keys = sorted(name.removeprefix(prefix) for name in info["state"].get("subjects") or {})
        found: dict[str, Entry] = {}
        for first in range(0, len(keys), READS_MAX):
            some = keys[first : first + READS_MAX]
            read = await asyncio.gather(*(self._entry(bucket, key) for key in some))
            found |= {key: one for key, one in zip(some, read, strict=True) if one is not None}
        return Listing(rfc3339_ms(info["ts"]) if "ts" in info else 0, found)

    async def kv_delete(self, bucket: str, key: str, *, timeout_s: float = 5.0) -> None:
        """Delete a key; raises BrokerAway, ApiRefused."""
        subject = f"$KV.{bucket}.{key}"
        self._must_be_open(subject)
        try:
            answer = await self.client.request(
                subject, b"", timeout=timeout_s, headers={"KV-Operation": "DEL"}
            )
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerAway(f"{subject}: {type(error).__name__}") from error
        if error_body := msgspec.json.decode(answer.data).get("error"):
            raise _error(subject, error_body)

    async def close(self, *, within_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush and close; bounded, because nats-py's drain can hang. With 0 nothing is flushed."""
        self.closing = True
        if not self._opened:
            return
        if within_s <= 0:
            await self._close_now()
            return
        draining = asyncio.create_task(self.client.drain(), name="drain")
        try:
            await asyncio.wait({draining}, timeout=within_s)
            if draining.done():
                draining.result()
                return
        except (NatsError, OSError, TimeoutError) as error:
            self.log.debug("drain_failed", reason=type(error).__name__)
        finally:
            await end_tasks(draining)
        await self._close_now()

    def _must_be_open(self, subject: str) -> None:
        if not self._opened:
            raise BrokerAway(f"{subject}: not connected yet")

    async def _close_now(self) -> None:
        try:
            await self.client.close()
        except (RuntimeError, OSError) as error:
            # nats-py writes what is pending to a socket that the broker has closed, and
            # uvloop (RuntimeError) or asyncio (OSError) refuses that; what was pending is
            # unacknowledged and so not lost.
            self.log.info("closed_without_broker", reason=str(error))


def _error(subject: str, body: dict[str, Any]) -> BrokerAway | ApiRefused:
    """What an error answer means: to wait, or that it will never be."""
    err_code, description = int(body.get("err_code", 0)), str(body.get("description", ""))
    if body.get("code") == UNAVAILABLE or err_code in ERR_IN_PROCESS:
        return BrokerAway(f"{subject}: {description} ({err_code})")
    return ApiRefused(subject, err_code, description)


def unopened(log: Log) -> Bus:
    """A bus that `connect` opens later; until then every request says so."""
    return Bus(Client(), log, opened=False)


def headers_of(message: Msg) -> dict[str, str]:
    """A message's headers, never None."""
    return message.headers or {}


__all__ = ["ApiRefused", "BrokerAway", "Bus", "Msg", "headers_of", "unopened"]
