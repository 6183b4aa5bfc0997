"""`pw dlq list|show|replay`: dead letters, and sending them back for another try."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from pw_cli.broker import add_broker_argument, with_broker
from pw_cli.shown import json_line, plain_body
from pw_cli.terminal import cell, write_json
from pw_common.bus import Bus
from pw_common.envelope import (
    CONTENT_ENCODING,
    EPOCH,
    MSG_ID,
    ORIGIN_SEQ,
    ORIGIN_STREAM,
    POSITION,
    REASON,
    SOURCE,
    ZSTD,
    BadEnvelope,
    TxHeaders,
    compress,
    read_stamp,
    tx_headers,
)
from pw_common.framing import BadFrame, split
from pw_common.log import Log
from pw_common.log_reader import LogReader, StoredMessage, get_message, newest_first
from pw_common.outcome import Publish
from pw_common.publisher import Publisher, PublishRefused, Stored
from pw_common.subjects import STREAM_DLQ, TX_REPLAY
from pw_common.topology import DUPLICATE_WINDOW_S

LIST_DEFAULT = 50
LIST_MAX = 1_000
STORE_TIMEOUT_S = 30.0
SOURCE_UNKNOWN = "replay"
EXIT_NOT_FOUND = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw dlq`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="the newest dead letters")
    listed.add_argument("--limit", type=int, default=LIST_DEFAULT, help="how many (%(default)s)")
    listed.add_argument("--before-seq", type=int, help="only those older than this sequence")
    listed.add_argument("--json", action="store_true", help="one JSON object per line")
    show = verbs.add_parser("show", help="one dead letter with its body")
    show.add_argument("seq", type=int, metavar="SEQ")
    replay = verbs.add_parser("replay", help="send dead letters back to the parsers")
    replay.add_argument("seq", type=int, nargs="*", metavar="SEQ")
    replay.add_argument("--all", action="store_true", help="replay every dead letter")
    replay.add_argument(
        "--delete", action="store_true", help="delete each dead letter once it is sent back"
    )
    for verb in (listed, show, replay):
        add_broker_argument(verb)


def run(args: argparse.Namespace) -> int:
    """0 done, 1 a dead letter is not there or was refused, 2 wrong usage, 69 broker away."""
    if args.verb == "list":
        if not 1 <= args.limit <= LIST_MAX:
            sys.stderr.write(f"pw dlq list: --limit {args.limit}: allowed: 1 to {LIST_MAX}\n")
            return 2
        return with_broker(args, lambda bus: _list(bus, args))
    if args.verb == "show":
        return with_broker(args, lambda bus: _show(bus, args.seq))
    if bool(args.seq) == args.all:
        sys.stderr.write("pw dlq replay: give sequences, or --all\n")
        return 2
    return with_broker(args, lambda bus: _replay(bus, args))


async def _list(bus: Bus, args: argparse.Namespace) -> int:
    page = await newest_first(
        bus, STREAM_DLQ, limit=args.limit, before_seq=args.before_seq, headers_only=True
    )
    rows = [_row(message) for message in page.messages]
    if args.json:
        for row in rows:
            write_json(row)
        return 0
    table = Table("seq", "time", "service", "origin", "position", "bytes", "reason")
    for row in rows:
        at = datetime.fromtimestamp(row["time_ms"] / 1000, tz=UTC)
        cells = (
            str(row["seq"]),
            f"{at:%Y-%m-%d %H:%M:%S}",
            row["service"],
            f"{row['origin_stream']} {row['origin_seq']}",
            row["position"] or "all",
            str(row["size_bytes"]),
            row["reason"],
        )
        # Text, not markup: a reason may quote what came from outside.
        table.add_row(*map(cell, cells))
    console = Console()
    console.print(table if rows else "No dead letters.")
    if page.next_before_seq is not None and rows:
        console.print(f"Older ones: pw dlq list --before-seq {page.next_before_seq}")
    return 0


def _row(message: StoredMessage) -> dict[str, Any]:
    headers = message.headers
    return {
        "seq": message.seq,
        "time_ms": message.time_ms,
        "service": message.subject.rpartition(".")[2],
        "origin_stream": headers.get(ORIGIN_STREAM, ""),
        "origin_seq": headers.get(ORIGIN_SEQ, ""),
        "position": headers.get(POSITION),
        "size_bytes": int(headers.get("Nats-Msg-Size", len(message.body))),
        "reason": headers.get(REASON, ""),
    }


async def _show(bus: Bus, seq: int) -> int:
    message = await get_message(bus, STREAM_DLQ, seq)
    if message is None:
        return _not_there(seq)
    sys.stdout.buffer.write(msgspec.json.format(json_line(STREAM_DLQ, message)) + b"\n")
    sys.stdout.buffer.flush()
    return 0


async def _replay(bus: Bus, args: argparse.Namespace) -> int:
    publisher = Publisher(bus, Log("pw"))
    await publisher.start()
    failed = sent = repeated = 0
    try:
        for seq in await _all_seqs(bus) if args.all else args.seq:
            message = await get_message(bus, STREAM_DLQ, seq)
            if message is None:
                failed += _not_there(seq)
                continue
            stored = await _send(publisher, replayed(message), seq)
            if stored is None:
                failed += 1
                continue
            repeated += stored.duplicate
            sent += not stored.duplicate
            if args.delete:
                await bus.api(f"STREAM.MSG.DELETE.{STREAM_DLQ}", {"seq": seq})
    finally:
        await publisher.stop()
    again = f", {repeated} were sent back within the last {DUPLICATE_WINDOW_S} s already"
    print(f"{sent} sent back{again if repeated else ''}{f', {failed} not' if failed else ''}")
    return 1 if failed else 0


def replayed(message: StoredMessage) -> Publish:
    """The PW_TX message that tries a dead letter again; its id is a function of it.

    Its frontier is 0, so it never says that any slot is complete.
    """
    origin = message.headers.get(MSG_ID, "")
    body, updates = message.body, 1
    try:
        plain = plain_body(message)
        updates = sum(1 for _ in split(plain))
        body = compress(plain)
    except BadEnvelope:
        pass  # What cannot be decompressed goes back as it came.
    except BadFrame:
        body = compress(plain_body(message))
    epoch = message.headers.get(EPOCH, "0")
    headers = tx_headers(
        TxHeaders(
            msg_id=f"tx:replay:{message.seq}:{origin}",
            updates=updates,
            source=message.headers.get(SOURCE, SOURCE_UNKNOWN),
            epoch=int(epoch) if epoch.isascii() and epoch.isdigit() else 0,
            frontier_slot=0,
            programs=_stamp(message),
        )
    )
    return Publish(TX_REPLAY, body, {**headers, CONTENT_ENCODING: ZSTD})


def _stamp(message: StoredMessage) -> str:
    try:
        return read_stamp(message.headers)
    except BadEnvelope:
        return ""  # It is why the message is here.


async def _send(publisher: Publisher, out: Publish, seq: int) -> Stored | None:
    try:
        future = await publisher.publish(out.subject, out.body, out.headers)
        return await asyncio.wait_for(future, STORE_TIMEOUT_S)
    except TimeoutError:
        why = "PW_TX is full" if publisher.full else "the broker did not store it in time"
        sys.stderr.write(f"pw dlq replay: {seq}: {why}; try again later\n")
    except PublishRefused as error:
        sys.stderr.write(f"pw dlq replay: {seq}: {error}\n")
    return None


async def _all_seqs(bus: Bus) -> list[int]:
    reader = LogReader(bus, STREAM_DLQ, headers_only=True)
    seqs: list[int] = []
    await reader.open()
    try:
        while reader.pending:
            seqs.extend(one.seq for one in await reader.fetch(reader.pending))
    finally:
        await reader.close()
    return seqs


def _not_there(seq: int) -> int:
    sys.stderr.write(f"pw dlq: there is no dead letter {seq}: see `pw dlq list`\n")
    return EXIT_NOT_FOUND
