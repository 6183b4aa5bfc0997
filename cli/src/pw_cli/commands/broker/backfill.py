"""`pw backfill`: fill a recorded gap from captures or from a JSON-RPC node.

What is found goes to the parsers like anything else, marked with the gap. Windows count it
at its own time, unless it lies before their session; nothing fires for it. The gap is closed
only when the blocks prove that nothing of it is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from pw_cli.audit.unreadable import Unreadable
from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_cli.gaps.gap_proof import Around, Fill, missing_parent, why_open
from pw_cli.gaps.gap_sources import Job, from_captures, from_node
from pw_cli.gaps.gap_store import (
    Filler,
    Records,
    Stored,
    forget,
    read_stored,
    record,
    recorded,
    waiting_fills,
)
from pw_cli.history.history_node import BadNode, add_patience_argument, check_node, patience_of
from pw_cli.history.together import stray
from pw_cli.terminal.terminal import cell, complain, write_json
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.publishing.publisher import PublishRefused
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.text.redact import redacted
from pw_common.wire.captures import BadCapture
from pw_common.wire.messages import Gap
from pw_rpc.client import node_client
from pw_rpc.node import Rpc

EXIT_OK: Final = 0
EXIT_NOT_ALL: Final = 1
EXIT_USAGE: Final = 2

# About nine days of mainnet: a longer gap was never real, or is beyond every window.
GAP_SLOTS_MAX: Final = 2_000_000
PROGRESS_EVERY_S: Final = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw backfill`."""
    parser.add_argument("--gap", metavar="ID", help="source:epoch:first-last; without it, a list")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--capture", nargs="+", type=Path, metavar="FILE", help="captures")
    source.add_argument("--rpc", metavar="URL", help="a JSON-RPC node, e.g. http://127.0.0.1:8899")
    add_patience_argument(parser)
    parser.add_argument("--json", action="store_true", help="the list, or the result, as JSON")
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """0 filled, 1 not (or not all) found, 2 wrong usage, 69 broker away."""
    try:
        return _run(args)
    except Unreadable as error:
        complain("backfill", error)
        return EXIT_NOT_ALL


def _run(args: argparse.Namespace) -> int:
    if problem := _problem(args):
        complain("backfill", problem)
        return EXIT_USAGE
    if args.gap is None:
        return with_broker(args, lambda bus: _list(bus, as_json=args.json))
    try:
        if args.rpc is not None:
            check_node(args)
    except BadNode as error:
        complain("backfill", error)
        return EXIT_USAGE
    return with_broker(args, lambda bus: _backfill(bus, args))


def _problem(args: argparse.Namespace) -> str:
    """What does not go together; empty where all does."""
    if args.gap is None:
        others = ("--capture", "--rpc", "--patience")
        return stray(args, "needs --gap ID: without it the gaps are listed", *others)
    if not args.capture and args.rpc is None:
        return "give --capture FILE… or --rpc URL"
    return stray(args, "needs --rpc URL", "--patience") if args.rpc is None else ""


async def _list(bus: Bus, *, as_json: bool) -> int:
    gaps = [records.gap for records in (await recorded(bus)).values()]
    if as_json:
        for gap in gaps:
            line = {"id": gap.id, **msgspec.to_builtins(gap)}
            write_json(line)
        return EXIT_OK
    table = Table("gap", "slots", "why", "filled")
    for gap in gaps:
        table.add_row(cell(gap.id), str(_slots(gap)), cell(gap.why), "yes" if gap.filled else "no")
    Console().print(table if gaps else "No gaps.")
    return EXIT_OK


async def _backfill(bus: Bus, args: argparse.Namespace) -> int:
    known = await recorded(bus)
    if args.gap not in known:
        _say(f"no gap {args.gap!r}; there are: {', '.join(known)}")
        return EXIT_USAGE
    records = known[args.gap]
    gap = records.gap
    if _slots(gap) > GAP_SLOTS_MAX:
        _say(f"{gap.id} has {_slots(gap)} slots, over the {GAP_SLOTS_MAX} that one run looks at")
        return EXIT_NOT_ALL
    stored = await read_stored(bus, gap)
    around = stored.blocks.around(gap, [one.gap for one in known.values()])
    if gap.filled:
        if await _is_filled(bus, gap, stored, around):
            await forget(bus, records.seqs[:-1])
            _say(f"{gap.id} is filled already")
            return EXIT_OK
        _say(f"{gap.id} was marked as filled, but its blocks are not there: it is open again")
        await record(bus, records, filled=False)
        records = (await recorded(bus))[gap.id]
        gap = records.gap
    return await _fill(bus, args, records, stored, around)


async def _is_filled(bus: Bus, gap: Gap, stored: Stored, around: Around) -> bool:
    filled = stored.blocks.filled(gap)
    fill = Fill(gap, stored={}, filled=filled)
    if not why_open(gap, fill.links, around, ends_in_other=True):
        return True
    # What PW_SWAP has forgotten, or does not hold yet, proves nothing either way.
    return (stored.is_trimmed and around.before is None) or bool(await waiting_fills(bus))


async def _fill(
    bus: Bus, args: argparse.Namespace, records: Records, stored: Stored, around: Around
) -> int:
    gap = records.gap
    filler = Filler(bus, gap, stored.signatures, attempt=records.seqs[-1])
    parents = stored.blocks.parents.get((gap.source, gap.epoch), {})
    fill = Fill(gap, stored=parents, filled=stored.blocks.filled(gap))
    job = Job(gap, fill, filler, around, _say, _progress())
    await filler.start()
    try:
        stopped = await _from_source(job, args)
    except (BadCapture, PublishRefused, OSError) as error:
        stopped = str(error)
    finally:
        await filler.stop()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    why = stopped or _why_open(job)
    if not why:
        await record(bus, records, filled=True)
    _tell(job, why, as_json=args.json)
    return EXIT_NOT_ALL if why else EXIT_OK


async def _from_source(job: Job, args: argparse.Namespace) -> str:
    if not args.rpc:
        return await from_captures(job, args.capture)
    async with node_client(args.rpc, os.environ) as client:
        rpc = Rpc(args.rpc, client, patience_s=patience_of(args), say=_say)
        return await from_node(job, rpc)


def _why_open(job: Job) -> str:
    why = why_open(job.gap, job.fill.links, job.around)
    found = missing_parent(job.gap, job.fill.links, job.around)
    if why and found and found[1] in job.remarks:
        why = f"{why} ({job.remarks[found[1]]})"
    return why


def _tell(job: Job, why: str, *, as_json: bool) -> None:
    gap, count = job.gap, job.filler.stored
    if as_json:
        found = {"gap": gap.id, "stored": count, "filled": not why, "why": why}
        write_json({**found, "dead_letters": job.dead})
        return
    if job.dead:
        more = f" and {job.dead - len(job.dead_names)} more" * (job.dead > len(job.dead_names))
        _say(f"{job.dead} dead letters (see `pw dlq list`): {'; '.join(job.dead_names)}{more}")
    state = f"still open: {why}" if why else "filled"
    dead = f", {job.dead} became dead letters" if job.dead else ""
    shown = plain_text(f"{gap.id}: {count} updates stored{dead}; {state}", SENTENCE_CHARS_MAX)
    sys.stdout.write(f"{shown}\n")


def _say(line: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""
    shown = plain_text(redacted(line), SENTENCE_CHARS_MAX)
    sys.stderr.write(f"{clear}pw backfill: {shown}\n")
    sys.stderr.flush()


def _progress() -> Callable[[str], None]:
    """Shows the progress: on a terminal on one line, else now and then."""
    live = sys.stderr.isatty()
    last_s = 0.0

    def show(line: str) -> None:
        nonlocal last_s
        now_s = asyncio.get_running_loop().time()
        if live:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        elif now_s - last_s >= PROGRESS_EVERY_S:
            last_s = now_s
            _say(line)

    return show


def _slots(gap: Gap) -> int:
    return gap.last_missing_slot - gap.first_missing_slot + 1
