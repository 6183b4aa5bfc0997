"""The Yellowstone-compatible gRPC service around a player."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from typing import Any

import grpc
import msgspec

from pw_common.process.clock import now_ns
from pw_common.process.tasks import end_tasks
from pw_common.wire.framing import varint
from pw_geyser import geyser_pb2
from pw_replay.core.filters import BadFilter, compile_filter, is_ping_only
from pw_replay.core.items import Item, created_field
from pw_replay.core.window import NotAvailable
from pw_replay.player import Player
from pw_replay.subscriber import PING, CutByPlan, Lagged, Subscriber

PING_EVERY_S = 10.0
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
SERVICE = "geyser.Geyser"


class CannotListen(OSError):
    """The address is taken or not ours; says which."""


class Geyser:
    """The handlers. Updates leave as ready bytes: nothing is encoded by gRPC."""

    def __init__(self, player: Player, *, token: str | None, version: str) -> None:
        self._player = player
        self._token = token
        self._version = version

    def handlers(self) -> grpc.GenericRpcHandler[Any, Any]:
        """Every method of the service."""
        unary = grpc.unary_unary_rpc_method_handler
        methods: dict[str, Any] = {
            "Subscribe": grpc.stream_stream_rpc_method_handler(
                self.subscribe,
                request_deserializer=geyser_pb2.SubscribeRequest.FromString,
                response_serializer=None,
            ),
            "SubscribeReplayInfo": unary(
                self.replay_info,
                request_deserializer=geyser_pb2.SubscribeReplayInfoRequest.FromString,
                response_serializer=geyser_pb2.SubscribeReplayInfoResponse.SerializeToString,
            ),
            "GetVersion": unary(
                self.get_version,
                request_deserializer=geyser_pb2.GetVersionRequest.FromString,
                response_serializer=geyser_pb2.GetVersionResponse.SerializeToString,
            ),
            "GetSlot": unary(
                self.get_slot,
                request_deserializer=geyser_pb2.GetSlotRequest.FromString,
                response_serializer=geyser_pb2.GetSlotResponse.SerializeToString,
            ),
            "Ping": unary(
                self.ping,
                request_deserializer=geyser_pb2.PingRequest.FromString,
                response_serializer=geyser_pb2.PongResponse.SerializeToString,
            ),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def subscribe(
        self,
        requests: AsyncIterator[geyser_pb2.SubscribeRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> None:
        """One subscription: the first request opens it, later ones replace its filter."""
        await self._check_token(context)
        # Some clients wait for the answer's head before they say what they want.
        await context.send_initial_metadata(())
        if refusal := self._player.fault_injection.next_refusal():
            await context.abort(refusal.code, refusal.details)
        first = await anext(aiter(requests), None)
        if first is None:
            return
        one = await self._join(first, context)
        listening = asyncio.create_task(self._listen(requests, one), name="listen")
        sending = asyncio.create_task(self._send(one, context), name="send")
        pinging = asyncio.create_task(_ping(one), name="ping")
        tasks = (listening, sending, pinging)
        try:
            # A client that half-closes still listens; a bad filter is reported to it.
            while not sending.done():
                await asyncio.wait(
                    {sending, *([] if listening.done() else [listening])},
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if listening.done():
                    listening.result()
            sending.result()
        except BadFilter as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except NotAvailable as error:
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, str(error))
        except Lagged:
            await context.abort(grpc.StatusCode.INTERNAL, "lagged to send an update")
        except CutByPlan:
            why = "the server stops" if self._player.stopping else "cut by the fault plan"
            await context.abort(grpc.StatusCode.UNAVAILABLE, why)
        finally:
            self._player.leave(one)
            await end_tasks(*tasks)

    async def replay_info(
        self,
        _request: geyser_pb2.SubscribeReplayInfoRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> geyser_pb2.SubscribeReplayInfoResponse:
        """The oldest slot that `from_slot` may name."""
        await self._check_token(context)
        first = self._player.first_available
        if first is None:
            return geyser_pb2.SubscribeReplayInfoResponse()
        return geyser_pb2.SubscribeReplayInfoResponse(first_available=first)

    async def get_version(
        self,
        _request: geyser_pb2.GetVersionRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> geyser_pb2.GetVersionResponse:
        """A JSON text, as public servers answer."""
        await self._check_token(context)
        version = {"version": {"package": "pw-replay", "version": self._version}}
        return geyser_pb2.GetVersionResponse(version=msgspec.json.encode(version).decode())

    async def get_slot(
        self, _request: geyser_pb2.GetSlotRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> geyser_pb2.GetSlotResponse:
        """The slot being played."""
        await self._check_token(context)
        return geyser_pb2.GetSlotResponse(slot=self._player.slot)

    async def ping(
        self, request: geyser_pb2.PingRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> geyser_pb2.PongResponse:
        """The count comes back."""
        await self._check_token(context)
        return geyser_pb2.PongResponse(count=request.count)

    async def _check_token(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        if self._token is None:
            return
        metadata = dict(context.invocation_metadata() or ())
        given = str(metadata.get("x-token", ""))
        if not given or not hmac.compare_digest(given.encode(), self._token.encode()):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "x-token is missing or wrong")

    async def _join(
        self,
        first: geyser_pb2.SubscribeRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> Subscriber:
        try:
            one = self._player.join(compile_filter(first, self._player.limits), _from_slot(first))
        except BadFilter as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            raise
        except NotAvailable as error:
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, str(error))
            raise
        if first.HasField("ping"):
            one.push_raw(_pong(first.ping.id))
        return one

    async def _listen(
        self, requests: AsyncIterator[geyser_pb2.SubscribeRequest], one: Subscriber
    ) -> None:
        async for request in requests:
            if request.HasField("ping"):
                one.push_raw(_pong(request.ping.id))
            if not is_ping_only(request):
                self._player.refilter(
                    one, compile_filter(request, self._player.limits), _from_slot(request)
                )

    async def _send(self, one: Subscriber, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        while True:
            item, head = await one.next()
            if item is None:
                await context.write(head)
                continue
            # Noted before the write, which may wait for the client: that wait is latency too.
            sent_ns = now_ns()
            await context.write(_wire(item, head))
            self._player.note_sent(one, item, sent_ns)


async def serve(geyser: Geyser, listen: str) -> tuple[grpc.aio.Server, int]:
    """Start the server; returns it and the port that it listens on.

    Raises:
        CannotListen: naming the address.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.so_reuseport", 0),
        ]
    )
    server.add_generic_rpc_handlers((geyser.handlers(),))
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise CannotListen(f"cannot listen on {listen}: is another program using it?") from error
    await server.start()
    return server, port


async def _ping(one: Subscriber) -> None:
    while True:
        await asyncio.sleep(PING_EVERY_S)
        one.push_raw(PING)


def _from_slot(request: geyser_pb2.SubscribeRequest) -> int | None:
    return request.from_slot if request.HasField("from_slot") else None


def _wire(item: Item, head: bytes) -> bytes:
    return head + item.rest + created_field(item.created_ns)


def _pong(number: int) -> bytes:
    pong = geyser_pb2.SubscribeUpdatePong(id=number).SerializeToString()
    return b"\x4a" + varint(len(pong)) + pong
