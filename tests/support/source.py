"""A Yellowstone source for tests: a real gRPC server over a list of updates."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

# gRPC's fork handlers can crash a child, such as a broker, that a test starts while
# its threads run. No child of ours uses gRPC after a fork. Read when gRPC is loaded.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc  # noqa: E402
import grpc.aio  # noqa: E402

from pw_geyser import geyser_pb2 as pb  # noqa: E402
from pw_replay.core.limits import FilterLimits  # noqa: E402


def transaction(slot: int, index: int, *, size_bytes: int = 0) -> bytes:
    """A transaction update whose signature is a function of slot and index."""
    update = pb.SubscribeUpdate(filters=["pw-tx-0"])
    update.transaction.slot = slot
    info = update.transaction.transaction
    info.signature = slot.to_bytes(8, "big") * 4 + index.to_bytes(8, "big") * 4
    info.index = index
    noise = (slot * 1_000_003 + index).to_bytes(8, "big")
    info.meta.return_data.data = b"".join(
        bytes([byte ^ (position * 37 & 0xFF)])
        for position in range(size_bytes // 8)
        for byte in noise
    )
    update.created_at.seconds = 1_700_000_000 + slot
    return update.SerializeToString()


def block_meta(slot: int, parent: int) -> bytes:
    """A block_meta update."""
    update = pb.SubscribeUpdate(filters=["pw-meta"])
    update.block_meta.slot = slot
    update.block_meta.parent_slot = parent
    return update.SerializeToString()


def confirmed(slot: int) -> bytes:
    """A slot update."""
    update = pb.SubscribeUpdate(filters=["pw-slots"])
    update.slot.slot = slot
    update.slot.parent = slot - 1
    update.slot.status = pb.SLOT_CONFIRMED
    return update.SerializeToString()


def slot_of(update: bytes) -> int:
    """The slot of any of the three."""
    read = pb.SubscribeUpdate.FromString(update)
    which = read.WhichOneof("update_oneof")
    return int(getattr(read, which).slot) if which else 0


def blocks(
    slots: Iterable[int], *, transactions: int = 3, size_bytes: int = 0, parent: int = 0
) -> list[bytes]:
    """Whole blocks in chain order, each slot's parent the one before it in `slots`."""
    out: list[bytes] = []
    for slot in slots:
        out += [transaction(slot, index, size_bytes=size_bytes) for index in range(transactions)]
        out += [block_meta(slot, parent or slot - 1), confirmed(slot)]
        parent = slot
    return out


@dataclass
class FakeSource:
    """Plays `updates` to every stream from its from_slot, then stays open.

    What is added to `updates` later follows at once.
    """

    updates: list[bytes]
    first_available: int = 0
    token: str = ""
    # Whether it replays at all; `first_available` says from where.
    resumes: bool = True
    cut_after: int | None = None
    # Takes a ping for a new filter without anything in it, as old servers do.
    resets_filter: bool = False
    # What GetSlot answers; the newest of `updates` when None.
    tip: int | None = None
    # Filters that the plan forbids: refused as by a public server.
    limits: FilterLimits = field(default_factory=FilterLimits)
    # Turns every new stream away, as a proxy does whose node is gone.
    is_away: bool = False
    # Ends every open stream.
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[pb.SubscribeRequest] = field(default_factory=list)
    endpoint: str = ""

    async def subscribe(
        self, requests: AsyncIterator[pb.SubscribeRequest], context: Any
    ) -> AsyncIterator[bytes]:
        metadata = dict(context.invocation_metadata())
        if self.token and metadata.get("x-token") != self.token:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "No valid auth token")
        request = await anext(requests)
        self.requests.append(request)
        if self.is_away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no healthy upstream")
        if refusal := self.limits.refusal(request):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, refusal)
        start = request.from_slot if request.HasField("from_slot") else None
        if start is not None and not self.resumes:
            await context.abort(grpc.StatusCode.INTERNAL, "from_slot is not supported")
        if start is not None and start < self.first_available:
            await context.abort(
                grpc.StatusCode.OUT_OF_RANGE,
                f"broadcast from {start} is not available, last available: {self.first_available}",
            )
        sent = 0
        played = len(self.updates)
        for update in self.updates[:played]:
            if start is not None and slot_of(update) < start:
                continue
            if self.cut_after is not None and sent >= self.cut_after:
                self.cut_after = None
                await context.abort(grpc.StatusCode.INTERNAL, "lagged to send an update")
            yield update
            sent += 1
        following = asyncio.ensure_future(anext(requests, None))
        wanted = True
        while True:
            await asyncio.wait({following}, timeout=0.05)
            if self.ended.is_set():
                following.cancel()
                await context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
            more, played = self.updates[played:], len(self.updates)
            for update in more if wanted else ():
                yield update
            if not following.done():
                continue
            ping = following.result()
            if ping is None:
                return
            if not ping.HasField("ping"):
                wanted = True
                following = asyncio.ensure_future(anext(requests, None))
                continue
            wanted = wanted and not self.resets_filter
            pong = pb.SubscribeUpdatePong(id=ping.ping.id)
            yield pb.SubscribeUpdate(pong=pong).SerializeToString()
            following = asyncio.ensure_future(anext(requests, None))

    async def get_slot(self, _request: bytes, _context: Any) -> bytes:
        tip = self.tip or max(map(slot_of, self.updates), default=0)
        return pb.GetSlotResponse(slot=tip).SerializeToString()

    async def replay_info(self, _request: bytes, _context: Any) -> bytes:
        answer = pb.SubscribeReplayInfoResponse(first_available=self.first_available)
        return answer.SerializeToString()


@asynccontextmanager
async def running_source(source: FakeSource, *, port: int = 0) -> AsyncIterator[FakeSource]:
    """The source on a free loopback port; `endpoint` says where."""
    server = grpc.aio.server()
    handlers = {
        "Subscribe": grpc.stream_stream_rpc_method_handler(
            source.subscribe, request_deserializer=pb.SubscribeRequest.FromString
        ),
        "GetSlot": grpc.unary_unary_rpc_method_handler(source.get_slot),
        "SubscribeReplayInfo": grpc.unary_unary_rpc_method_handler(source.replay_info),
    }
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("geyser.Geyser", handlers),)
    )
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    source.endpoint = f"http://127.0.0.1:{port}"
    try:
        yield source
    finally:
        await asyncio.shield(server.stop(0))
