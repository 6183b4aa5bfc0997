"""`pw backfill`: fill a recorded gap from captures or from a JSON-RPC node.

What is found goes to the parsers like anything else, marked with the gap. Windows count it
at its own time; nothing rings for it. The gap is closed only when the blocks prove that
nothing of it is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from pw_cli.broker import add_broker_argument, with_broker
from pw_cli.rpc_blocks import Rpc, RpcFailed, updates_of
from pw_cli.terminal import cell, complain, write_json
from pw_cli.up.stored import stored_messages
from pw_common.batches import batch_of
from pw_common.bus import Bus, headers_of
from pw_common.captures import BadCapture, read_capture
from pw_common.envelope import (
    MSG_ID,
    SCHEMA,
    SCHEMA_GAP,
    Identity,
    TxHeaders,
    compress,
    tx_headers,
    tx_msg_id,
)
from pw_common.framing import join
from pw_common.log import Log
from pw_common.messages import Gap, Swap, decode_gap, encode
from pw_common.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.publisher import Publisher
from pw_common.subjects import STREAM_GAP, STREAM_SWAP, TX_BACKFILL, gap_filled
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.batcher import Batcher, Cut
from pw_ingest.core.identity import META, TX, read_update

EXIT_OK: Final = 0
EXIT_NOT_ALL: Final = 1
EXIT_USAGE: Final = 2


class Found(NamedTuple):
    """Updates of the gap's slots in chain order, and whether they are all there is."""

    updates: list[bytes]
    is_whole: bool
    why_not: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw backfill`."""
    parser.add_argument("--gap", metavar="ID", help="source:epoch:first-last; without it, a list")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--capture", nargs="+", type=Path, metavar="FILE", help="captures")
    source.add_argument("--rpc", metavar="URL", help="a JSON-RPC node, e.g. http://127.0.0.1:8899")
    parser.add_argument("--json", action="store_true", help="the list, or the result, as JSON")
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """0 filled, 1 not (or not all) found, 2 wrong usage, 69 broker away."""
    if args.gap is None:
        return with_broker(args, lambda bus: _list(bus, as_json=args.json))
    if not args.capture and not args.rpc:
        sys.stderr.write("pw backfill: give --capture FILE… or --rpc URL\n")
        return EXIT_USAGE
    return with_broker(args, lambda bus: _backfill(bus, args))


async def _gaps(bus: Bus) -> list[tuple[int, Gap]]:
    return [
        (message.metadata.sequence.stream, decode_gap(message.data))
        async for message in stored_messages(bus, STREAM_GAP)
    ]


async def _list(bus: Bus, *, as_json: bool) -> int:
    gaps = [gap for _, gap in await _gaps(bus)]
    if as_json:
        for gap in gaps:
            line = {"id": gap.id, **msgspec.to_builtins(gap)}
            write_json(line)
        return EXIT_OK
    table = Table("gap", "slots", "why", "filled")
    for gap in gaps:
        slots = gap.last_missing_slot - gap.first_missing_slot + 1
        table.add_row(cell(gap.id), str(slots), cell(gap.why), "yes" if gap.filled else "no")
    Console().print(table if gaps else "No gaps.")
    return EXIT_OK


async def _backfill(bus: Bus, args: argparse.Namespace) -> int:
    known = {gap.id: (seq, gap) for seq, gap in await _gaps(bus)}
    if args.gap not in known:
        complain("backfill", f"no gap {args.gap!r}; there are: {', '.join(known)}")
        return EXIT_USAGE
    seq, gap = known[args.gap]
    if gap.filled:
        sys.stderr.write(f"pw backfill: {gap.id} is filled already\n")
        return EXIT_OK
    try:
        found = _from_rpc(args.rpc, gap) if args.rpc else _from_captures(args.capture, gap)
    except (BadCapture, RpcFailed, OSError) as error:
        complain("backfill", error)
        return EXIT_NOT_ALL
    new = await _without_known(bus, gap, found.updates)
    await _publish(bus, gap, new)
    if found.is_whole:
        await _close(bus, seq, gap)
    _tell(gap, found, len(new), as_json=args.json)
    return EXIT_OK if found.is_whole else EXIT_NOT_ALL


def _tell(gap: Gap, found: Found, stored: int, *, as_json: bool) -> None:
    if as_json:
        line = {"gap": gap.id, "stored": stored, "filled": found.is_whole, "why": found.why_not}
        write_json(line)
        return
    state = "filled" if found.is_whole else f"still open: {found.why_not}"
    shown = plain_text(f"{gap.id}: {stored} updates stored; {state}", SENTENCE_CHARS_MAX)
    sys.stdout.write(f"{shown}\n")


def _from_captures(paths: Iterable[Path], gap: Gap) -> Found:
    updates: dict[Identity, bytes] = {}
    for path in paths:
        for update in read_capture(path):
            identity = read_update(update).identity
            if _within(gap, identity.slot) and identity.kind in {TX, META}:
                updates.setdefault(identity, update)
    return _in_chain_order(gap, updates)


def _in_chain_order(gap: Gap, updates: dict[Identity, bytes]) -> Found:
    """Transactions by slot and index, each slot's block after them; whole if the parents join."""
    placed = sorted((_place(identity, update), update) for identity, update in updates.items())
    parents = {
        identity.slot: read_update(update).parent_slot
        for identity, update in updates.items()
        if identity.kind == META
    }
    expected = gap.first_missing_slot - 1
    for slot in sorted(parents):
        if parents[slot] > expected:
            why = f"the block of slot {slot} follows slot {parents[slot]}, which is not there"
            return Found([one for _, one in placed], is_whole=False, why_not=why)
        expected = slot
    if not parents:
        return Found([one for _, one in placed], is_whole=False, why_not="no block of it is there")
    if expected != gap.last_missing_slot:
        why = f"nothing after slot {expected} is there"
        return Found([one for _, one in placed], is_whole=False, why_not=why)
    return Found([one for _, one in placed], is_whole=True)


def _place(identity: Identity, update: bytes) -> tuple[int, int, int]:
    if identity.kind == META:
        return identity.slot, 1, 0
    return identity.slot, 0, pb.SubscribeUpdate.FromString(update).transaction.transaction.index


def _from_rpc(url: str, gap: Gap) -> Found:
    updates: list[bytes] = []
    with httpx.Client(trust_env=False) as client:
        rpc = Rpc(url, client)
        slots = rpc.produced(gap.first_missing_slot, gap.last_missing_slot)
        for number, slot in enumerate(slots, start=1):
            block = rpc.block(slot)
            if block is None:
                why = f"the node does not keep the block of slot {slot}"
                return Found(updates, is_whole=False, why_not=why)
            updates += [one for one in updates_of(slot, block) if _is_wanted(one)]
            if sys.stderr.isatty():
                sys.stderr.write(f"\rblock {number} of {len(slots)}")
    return Found(updates, is_whole=True)


def _is_wanted(update: bytes) -> bool:
    # A node gives everything; votes and failures are never trades.
    read = pb.SubscribeUpdate.FromString(update)
    info = read.transaction.transaction
    return not (read.HasField("transaction") and (info.is_vote or info.meta.HasField("err")))


def _within(gap: Gap, slot: int) -> bool:
    return gap.first_missing_slot <= slot <= gap.last_missing_slot


async def _without_known(bus: Bus, gap: Gap, updates: list[bytes]) -> list[bytes]:
    """Leave out what the edges of the gap, or an earlier attempt, have brought already."""
    known: set[str] = set()
    async for message in stored_messages(bus, STREAM_SWAP):
        for event in batch_of(headers_of(message), message.data).events:
            if isinstance(event, Swap) and _within(gap, event.slot):
                known.add(event.signature)
    return [one for one in updates if _signature(one) not in known]


def _signature(update: bytes) -> str:
    from solders.signature import Signature  # noqa: PLC0415 - slow to import

    identity = read_update(update).identity
    return str(Signature(identity.key)) if identity.kind == TX else ""


async def _publish(bus: Bus, gap: Gap, updates: list[bytes]) -> None:
    publisher = Publisher(bus, Log("cli"))
    await publisher.start()
    try:
        futures = [
            await publisher.publish(TX_BACKFILL, compress(join(cut.updates)), _headers(gap, cut))
            for cut in _cuts(updates)
        ]
        await asyncio.gather(*futures)
    finally:
        await publisher.stop()


def _cuts(updates: Iterable[bytes]) -> Iterator[Cut]:
    batcher = Batcher(linger_s=0.0)
    for update in updates:
        yield from batcher.add(update, read_update(update).identity, 0.0, ends_slot=False)
    if cut := batcher.flush():
        yield cut


def _headers(gap: Gap, cut: Cut) -> dict[str, str]:
    return tx_headers(
        TxHeaders(
            msg_id=tx_msg_id(cut.identities),
            updates=len(cut.updates),
            source=gap.source,
            epoch=gap.epoch,
            # What fills a gap claims nothing about any other slot.
            frontier_slot=0,
            gap=gap.id,
        )
    )


async def _close(bus: Bus, seq: int, gap: Gap) -> None:
    """Store that it is filled, then take the open record away."""
    filled = msgspec.structs.replace(gap, filled=True)
    headers = {MSG_ID: f"gap:{gap.id}:filled", SCHEMA: SCHEMA_GAP}
    publisher = Publisher(bus, Log("cli"))
    await publisher.start()
    try:
        await (await publisher.publish(gap_filled(gap.source), encode(filled), headers))
    finally:
        await publisher.stop()
    await bus.api(f"STREAM.MSG.DELETE.{STREAM_GAP}", {"seq": seq, "no_erase": True})
