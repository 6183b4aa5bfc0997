"""Tables of programs in tests: stored as the API does, and what stamped messages give."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from pw_common.documents.programs import stored_programs
from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.ordering.dedup import SeenWindow
from pw_common.topology import subjects
from pw_common.topology.subjects import (
    BUCKET_CONFIG,
    BUCKET_INSTANCES,
    BUCKET_PROGRAMS,
    KEY_PROGRAMS,
)
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import read_stamp, stamp_of
from pw_common.wire.messages import Batch, Swap, decode_heartbeat, swap_digest
from pw_parser.core.batch import parse_message
from pw_parser.core.decode.programs import BUILT_IN, extended
from support.poll import poll_until
from support.records import store

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"


def table(*named: tuple[str, str]) -> bytes:
    """A stored document that calls programs by other names."""
    entries = [{"id": id_, "name": name, "kind": "venue"} for id_, name in named]
    return msgspec.json.encode({"entries": entries, "who": "test"})


async def put_table(bus: Bus, body: bytes) -> str:
    """Store a document in the configuration; gives the stamp that it will have."""
    return stamp_of(await bus.kv_put(BUCKET_CONFIG, KEY_PROGRAMS, body), body)


async def until_stamped(bus: Bus, stamp: str) -> None:
    """Wait until the running ingest says that it stamps with this."""

    async def said() -> bool:
        bodies = (await bus.kv_all(BUCKET_INSTANCES)).values()
        beats = [one for one in map(decode_heartbeat, bodies) if one.source is not None]
        newest = max(beats, key=lambda beat: beat.started_at_ms, default=None)
        return newest is not None and newest.source is not None and newest.source.programs == stamp

    await poll_until(said, f"ingest stamps with {stamp!r}")


class Queued(NamedTuple):
    """A PW_TX message as it was stored."""

    subject: str
    headers: dict[str, str]
    body: bytes


async def queued(bus: Bus) -> list[Queued]:
    """Everything in PW_TX."""
    state = (await bus.api("STREAM.INFO.PW_TX"))["state"]
    found: list[Queued] = []
    if not state["messages"]:
        return found
    for seq in range(state["first_seq"], state["last_seq"] + 1):
        message = await bus.js.get_msg("PW_TX", seq)
        found.append(Queued(message.subject or "", message.headers or {}, message.data or b""))
    return found


async def queue(bus: Bus, messages: list[Queued]) -> None:
    """Store the same messages in another PW_TX."""
    for one in messages:
        headers = {name: value for name, value in one.headers.items() if name != "Nats-Stream"}
        await store(bus, one.subject, one.body, headers)


async def tables(bus: Bus) -> dict[str, bytes]:
    """Every table that was ever given out, by its stamp."""
    return await bus.kv_all(BUCKET_PROGRAMS)


def read_with(messages: list[Queued], known: dict[str, bytes]) -> list[Batch]:
    """What any parser must make of them, by the core alone."""
    programs = {stamp: extended(BUILT_IN, stored_programs(body)) for stamp, body in known.items()}
    programs[""] = BUILT_IN
    return [
        parse_message(
            one.headers, one.body, at, "", programs=programs[read_stamp(one.headers)]
        ).batch
        for at, one in enumerate(messages, start=1)
    ]


def swaps_of(batches: list[Batch]) -> list[Swap]:
    """The swaps, each once."""
    seen = SeenWindow()
    return [
        event
        for batch in batches
        for event in batch.events
        if isinstance(event, Swap) and seen.first_time((event.signature, event.ordinal), event.slot)
    ]


def digest_of(batches: list[Batch]) -> str:
    """Over the swaps of all batches."""
    return swap_digest(swaps_of(batches))


async def stored_batches(bus: Bus) -> list[Batch]:
    """What PW_SWAP holds."""
    return [
        batch_of(headers_of(message), message.data)
        async for message in stored_messages(bus, subjects.STREAM_SWAP)
    ]


async def answered(bus: Bus, count: int) -> None:
    """Wait until PW_SWAP has so many answers and the queue is empty."""

    async def done() -> bool:
        swap: dict[str, Any] = (await bus.api("STREAM.INFO.PW_SWAP"))["state"]
        tx: dict[str, Any] = (await bus.api("STREAM.INFO.PW_TX"))["state"]
        return swap["messages"] >= count and not tx["messages"]

    await poll_until(done, f"{count} messages answered", timeout_s=60)
