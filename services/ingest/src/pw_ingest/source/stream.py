"""The Yellowstone connection: raw bytes in, subscription and pings out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
import grpc.aio

from pw_common.process.clock import monotonic_s
from pw_common.process.proxies import GRPC, proxy_of
from pw_common.process.tasks import end_tasks
from pw_common.text.plain_text import ERROR_CHARS_MAX, plain_text
from pw_common.text.redact import redacted
from pw_common.wire.limits import UPDATE_BYTES_MAX
from pw_geyser import geyser_pb2 as pb
from pw_ingest.config import Endpoint, endpoint_port
from pw_ingest.source.any_source import StreamEnded

__all__ = ["RECEIVE_BYTES_MAX", "Source", "StreamEnded", "proxy_options"]

SUBSCRIBE: Final = "/geyser.Geyser/Subscribe"
GET_SLOT: Final = "/geyser.Geyser/GetSlot"
REPLAY_INFO: Final = "/geyser.Geyser/SubscribeReplayInfo"
# What is larger ends the stream before it is held in memory, and after a bounded decompression.
RECEIVE_BYTES_MAX: Final = UPDATE_BYTES_MAX
PING_S: Final = 15.0
# The first ping comes early: its answer says that the stream lives.
PING_FIRST_S: Final = 1.0
CALL_TIMEOUT_S: Final = 10.0
LOOK_TIMEOUT_S: Final = 2.0

OPTIONS: Final = (
    ("grpc.max_receive_message_length", RECEIVE_BYTES_MAX),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # 64 kB of window would cap a distant source far below the chain's rate.
    ("grpc.http2.lookahead_bytes", 8 * 1024 * 1024),
    # The shell decides when to try again, not the channel.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


def _said(code: str, details: str | None) -> StreamEnded:
    """A source's words may be anything, and some repeat the token that they refuse."""
    return StreamEnded(code, plain_text(redacted(details or ""), ERROR_CHARS_MAX))


def _ended_by_us() -> StreamEnded:
    return StreamEnded("CANCELLED", "ended by us")


def proxy_options(url: str, environ: Mapping[str, str]) -> tuple[tuple[str, int | str], ...]:
    """The proxy option of a channel; gRPC's own reading knows neither capitals nor loopback."""
    proxy = proxy_of(url, environ, GRPC)
    if not proxy:
        return (("grpc.enable_http_proxy", 0),)
    return (("grpc.enable_http_proxy", 1), ("grpc.http_proxy", proxy))


class Source:
    """One endpoint. `open` a stream, then `read` until it ends."""

    # Every block is seen.
    seen_permille: int | None = None
    sampled = ""

    def __init__(self, endpoint: Endpoint) -> None:
        # What the next stream asks for.
        self._request = pb.SubscribeRequest()
        self._metadata: tuple[tuple[str, str], ...] = ()
        if endpoint.token:
            self._metadata = (("x-token", endpoint.token),)
        target = f"{urlsplit(endpoint.url).hostname}:{endpoint_port(endpoint.url)}"
        # When our last ping went out on this stream, in monotonic seconds.
        self.pinged_at_s: float | None = None
        self._cut = asyncio.Event()
        self._resending: asyncio.Task[None] | None = None
        self._channel: Any
        chosen = (*OPTIONS, *proxy_options(endpoint.url, os.environ))
        if endpoint.url.startswith("https:"):
            credentials = grpc.ssl_channel_credentials(endpoint.roots)
            self._channel = grpc.aio.secure_channel(target, credentials, options=chosen)
        else:
            self._channel = grpc.aio.insecure_channel(target, options=chosen)
        self._call: Any = None
        self._pinger: asyncio.Task[None] | None = None

    async def open(self, from_slot: int | None, wanted: pb.SubscribeRequest) -> None:
        """Subscribe, from a slot of the past or live.

        Raises:
            StreamEnded: the endpoint is away or refuses.
        """
        self._request = wanted
        # Without serializers gRPC hands over the bytes as they came.
        method = self._channel.stream_stream(
            SUBSCRIBE, request_serializer=pb.SubscribeRequest.SerializeToString
        )
        self._call = method(metadata=self._metadata)
        request = pb.SubscribeRequest()
        request.CopyFrom(self._request)
        if from_slot is not None:
            request.from_slot = from_slot
        self._cut.clear()
        self.pinged_at_s = None
        await self._first_write(request)
        self._pinger = asyncio.create_task(self._ping(self._call), name="source-ping")

    async def _first_write(self, request: pb.SubscribeRequest) -> None:
        # gRPC's write waits for the connection, and goes on waiting when its call is cancelled.
        writing = asyncio.ensure_future(self._call.write(request))
        cut = asyncio.ensure_future(self._cut.wait())
        try:
            await asyncio.wait({writing, cut}, return_when=asyncio.FIRST_COMPLETED)
            if self._cut.is_set():
                raise _ended_by_us()
            writing.result()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            raise await self._ended() from None
        finally:
            await end_tasks(writing, cut)

    async def read(self) -> bytes:
        """The next update as received.

        Raises:
            StreamEnded: there is no next one.
        """
        try:
            update = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise _said(error.code().name, error.details()) from None
        except asyncio.CancelledError:
            # A call that we cancel ends its reader as if the task itself were cancelled.
            if not self._cut.is_set():
                raise
            raise _ended_by_us() from None
        if update is grpc.aio.EOF:  # type: ignore[attr-defined]
            raise await self._ended()
        return update  # type: ignore[no-any-return]

    async def takes(self, wanted: pb.SubscribeRequest) -> StreamEnded | None:
        """Try another subscription beside the open stream; None where it gives data.

        Anything but a ping proves that it does: a chain has a slot every 0.4 s.
        """
        method = self._channel.stream_stream(
            SUBSCRIBE,
            request_serializer=pb.SubscribeRequest.SerializeToString,
            response_deserializer=pb.SubscribeUpdate.FromString,
        )
        call = method(metadata=self._metadata, timeout=CALL_TIMEOUT_S)
        try:
            await call.write(wanted)
            while (update := await call.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]
                if update.WhichOneof("update_oneof") not in {"ping", "pong", None}:
                    return None
            return _said((await call.code()).name, await call.details())
        except grpc.aio.AioRpcError as error:
            return _said(error.code().name, error.details())
        except asyncio.InvalidStateError:
            return _said((await call.code()).name, await call.details())
        finally:
            call.cancel()

    async def first_available(self) -> int | None:
        """The oldest slot that the source can replay, or None when it does not say."""
        method = self._channel.unary_unary(
            REPLAY_INFO,
            request_serializer=pb.SubscribeReplayInfoRequest.SerializeToString,
            response_deserializer=pb.SubscribeReplayInfoResponse.FromString,
        )
        try:
            answer = await method(
                pb.SubscribeReplayInfoRequest(), metadata=self._metadata, timeout=CALL_TIMEOUT_S
            )
        except grpc.aio.AioRpcError:
            return None
        return answer.first_available if answer.HasField("first_available") else None

    async def slot(self) -> int | None:
        """The newest slot of the endpoint, or None when it does not say."""
        method = self._channel.unary_unary(
            GET_SLOT,
            request_serializer=pb.GetSlotRequest.SerializeToString,
            response_deserializer=pb.GetSlotResponse.FromString,
        )
        request = pb.GetSlotRequest(commitment=self._request.commitment)
        try:
            answer = await method(request, metadata=self._metadata, timeout=LOOK_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return None
        return int(answer.slot)

    def send_filter(self) -> None:
        """Send the subscription again on the open stream, from now on, without a ping."""
        self._resending = asyncio.create_task(self._write_filter(), name="source-filter")

    async def _write_filter(self) -> None:
        try:
            await self._call.write(self._request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # `read` says why.

    def cancel(self) -> None:
        """End the stream from our side; a pending `open` or `read` then raises `StreamEnded`."""
        self._cut.set()
        if self._call is not None:
            self._call.cancel()

    async def close_stream(self) -> None:
        """End the stream and its pings."""
        self.cancel()
        if self._pinger is not None:
            await end_tasks(self._pinger)
            self._pinger = None

    async def close(self) -> None:
        """End everything."""
        await self.close_stream()
        await self._channel.close()

    async def _ended(self) -> StreamEnded:
        code = await self._call.code()
        return _said(code.name, await self._call.details())

    async def _ping(self, call: Any) -> None:
        # Some servers take every request as a new filter, so a ping repeats it;
        # never with from_slot, which would replay again.
        request = pb.SubscribeRequest()
        request.CopyFrom(self._request)
        wait_s = PING_FIRST_S
        number = 0
        while True:
            await asyncio.sleep(wait_s)
            wait_s = PING_S
            number = number % 0x7FFF_FFFF + 1
            request.ping.id = number
            try:
                await call.write(request)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                return  # `read` says why.
            self.pinged_at_s = monotonic_s()
