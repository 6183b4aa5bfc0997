"""`pw dlq list|show|replay|rm`: dead letters, and sending them back where they came from."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_cli.dead_letters.dlq_replay import not_there, replay
from pw_cli.dead_letters.render import json_line
from pw_cli.terminal.terminal import cell, write_json
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage, get_message
from pw_common.jetstream.consuming.pages import newest_first
from pw_common.jetstream.dead_letters.routes import replayed
from pw_common.topology.subjects import STREAM_DLQ
from pw_common.wire.envelope import ORIGIN_SEQ, ORIGIN_STREAM, POSITION, REASON

__all__ = ["add_arguments", "replayed", "run"]

LIST_DEFAULT = 50
LIST_MAX = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw dlq`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="the newest dead letters")
    listed.add_argument("--limit", type=int, default=LIST_DEFAULT, help="how many (%(default)s)")
    listed.add_argument("--before-seq", type=int, help="only those older than this sequence")
    listed.add_argument("--json", action="store_true", help="one JSON object per line")
    show = verbs.add_parser("show", help="one dead letter with its body")
    show.add_argument("seq", type=int, metavar="SEQ")
    again = verbs.add_parser(
        "replay", help="send dead letters back: updates to the parsers, alerts to their channel"
    )
    again.add_argument("seq", type=int, nargs="*", metavar="SEQ")
    again.add_argument("--all", action="store_true", help="replay every dead letter")
    again.add_argument(
        "--delete", action="store_true", help="delete each dead letter once it is sent back"
    )
    remove = verbs.add_parser("rm", help="delete dead letters that are no longer needed")
    remove.add_argument("seq", type=int, nargs="+", metavar="SEQ")
    for verb in (listed, show, again, remove):
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
    if args.verb == "rm":
        return with_broker(args, lambda bus: _remove(bus, args.seq))
    if bool(args.seq) == args.all:
        sys.stderr.write("pw dlq replay: give sequences, or --all\n")
        return 2
    seqs = None if args.all else args.seq
    return with_broker(args, lambda bus: replay(bus, seqs, delete=args.delete))


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
        return not_there(seq)
    sys.stdout.buffer.write(msgspec.json.format(json_line(STREAM_DLQ, message)) + b"\n")
    sys.stdout.buffer.flush()
    return 0


async def _remove(bus: Bus, seqs: list[int]) -> int:
    removed = 0
    for seq in dict.fromkeys(seqs):
        if await get_message(bus, STREAM_DLQ, seq) is None:
            not_there(seq)
            continue
        await bus.api(f"STREAM.MSG.DELETE.{STREAM_DLQ}", {"seq": seq})
        removed += 1
    print(f"{removed} removed")
    return 0 if removed == len(set(seqs)) else 1
