"""`pw parse CAPTURE... > swaps.jsonl`: the parser's own core over capture files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec
from google.protobuf.message import DecodeError
from rich.console import Console
from rich.progress import Progress, TaskID

from pw_cli.commands.captures import explain
from pw_cli.offline.programs_file import programs_of
from pw_cli.terminal.terminal import complain
from pw_common.documents.document import BadDocument
from pw_common.ordering.dedup import SeenWindow
from pw_common.text.amounts import amounts_as_text
from pw_common.wire.captures import BadCapture, read_capture
from pw_common.wire.messages import SlotEvent, Swap, digest_of_bodies, encode
from pw_geyser import shallow_pb2
from pw_parser.core.decode.programs import BUILT_IN, Programs
from pw_parser.core.parse import Malformed, Parsed, parse

EXIT_OK = 0
EXIT_BAD_UPDATES = 1
EXIT_UNREADABLE = 2
PROGRESS_EVERY = 500
BAD_SHOWN_MAX = 20
# Beyond every slot of the chain.
NO_SLOT = 2**64


@dataclass
class Summary:
    """What a run saw; `repeats` are swaps that were dropped as already written."""

    files: int = 0
    updates: int = 0
    transactions: int = 0
    failed: int = 0
    votes: int = 0
    swaps: int = 0
    repeats: int = 0
    bad_updates: int = 0
    swap_digest: str | None = None
    programs_revision: str | None = None
    bodies: list[bytes] = field(default_factory=list, repr=False)

    def figures(self) -> dict[str, int | str | None]:
        """Everything but the bodies."""
        return {name: value for name, value in vars(self).items() if name != "bodies"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw parse`."""
    parser.add_argument("captures", nargs="+", type=Path, metavar="CAPTURE")
    parser.add_argument(
        "--events",
        action="store_true",
        help="write every event, not swaps alone: what `pw backtest` and `pw why` take as lines",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON on stderr")
    parser.add_argument(
        "--digest", action="store_true", help="add a digest of the swaps to the summary on stderr"
    )
    parser.add_argument(
        "--programs",
        type=Path,
        metavar="FILE",
        help="what `pw programs list --json` gives, beside the built-in table of programs; or a "
        "table that replaces it: an object a line, as in pw_parser/core/programs.jsonl",
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--explain", metavar="SIGNATURE", help="show why one transaction was read as it was"
    )
    other.add_argument(
        "--fixture",
        metavar="SIGNATURE",
        help="write one transaction and its reading as a test case",
    )
    other.add_argument(
        "--verdicts", action="store_true", help="one line per successful transaction"
    )
    parser.add_argument(
        "--expected", type=Path, metavar="JSONL", help="leave these signatures out of --verdicts"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("fixtures"), metavar="DIR", help="where --fixture writes"
    )


def run(args: argparse.Namespace) -> int:
    """Parse the captures to stdout; 0 all good, 1 bad updates or not found, 2 unreadable."""
    programs = BUILT_IN
    if args.programs is not None:
        try:
            programs = programs_of(args.programs)
        except OSError as error:
            complain("parse", f"{args.programs}: {error.strerror or error}")
            return EXIT_UNREADABLE
        except BadDocument as error:
            # A table may hold anything, and its errors quote it.
            for one in error.errors:
                complain("parse", f"{args.programs}: {one}")
            return EXIT_UNREADABLE
    if args.explain:
        return explain.explain_one(args.explain, args.captures, programs, as_json=args.json)
    if args.fixture:
        return explain.write_fixture(args.fixture, args.captures, args.out)
    if args.expected is not None and not args.expected.is_file():
        sys.stderr.write(f"pw parse: --expected {args.expected}: no such file\n")
        return EXIT_UNREADABLE
    if args.verdicts:
        return explain.verdicts(args.captures, args.expected, programs, as_json=args.json)
    return parse_captures(
        args.captures,
        sys.stdout.buffer,
        as_json=args.json,
        with_digest=args.digest,
        programs=programs,
        every_event=args.events,
    )


def parse_captures(
    paths: list[Path],
    out: BinaryIO,
    *,
    as_json: bool = False,
    with_digest: bool = False,
    programs: Programs = BUILT_IN,
    every_event: bool = False,
) -> int:
    """Write one `swap.v1` a line to `out`, or every event, and the summary to stderr."""
    summary = Summary(files=len(paths), programs_revision=programs.revision)
    console = Console(stderr=True)
    try:
        ordered = in_chain_order(paths)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("parsing", total=None)
            _parse_all(
                *(ordered, out, summary, bar, task, programs),
                keep_bodies=with_digest,
                every_event=every_event,
            )
    except BadCapture as error:
        sys.stderr.write(f"pw parse: {error}\n")
        return EXIT_UNREADABLE
    out.flush()
    if with_digest:
        summary.swap_digest = digest_of_bodies(summary.bodies)
    _report(summary, as_json=as_json)
    return EXIT_BAD_UPDATES if summary.bad_updates else EXIT_OK


def in_chain_order(paths: list[Path]) -> list[Path]:
    """Captures by their first slot, then by name; a capture without a slot comes last.

    Raises:
        BadCapture: a file that cannot be read.
    """
    return sorted(paths, key=lambda path: (first_slot(path), str(path)))


def first_slot(path: Path) -> int:
    """The slot of the first update that has one; beyond any slot when none has."""
    for update in read_capture(path):
        slot = _slot_of(update)
        if slot is not None:
            return slot
    return NO_SLOT


def _slot_of(update: bytes) -> int | None:
    try:
        shallow = shallow_pb2.Update.FromString(update)
    except DecodeError:
        return None
    if shallow.HasField("transaction"):
        return int(shallow.transaction.slot)
    if shallow.HasField("block_meta"):
        return int(shallow.block_meta.slot)
    return None


def _parse_all(
    paths: list[Path],
    out: BinaryIO,
    summary: Summary,
    bar: Progress,
    task: TaskID,
    programs: Programs,
    *,
    keep_bodies: bool,
    every_event: bool,
) -> None:
    # A capture of chosen transactions jumps through the years, and no replay ends
    # here: only the number of keys bounds what is remembered.
    seen = SeenWindow(slots_max=NO_SLOT)
    # Who reads the lines begins with empty windows where the next capture does.
    many = every_event and len(paths) > 1
    sessions = {path: {"session": at} if many else {} for at, path in enumerate(paths, 1)}
    for path, position, update in _all_updates(paths):
        if summary.updates % PROGRESS_EVERY == 0:
            bar.update(task, completed=summary.updates, description=f"parsing {path.name}")
        summary.updates += 1
        try:
            parsed = parse(update, programs)
        except Malformed as error:
            summary.bad_updates += 1
            if summary.bad_updates <= BAD_SHOWN_MAX:
                sys.stderr.write(f"pw parse: {path}: update {position}: {error}\n")
            continue
        _count(summary, parsed)
        for event in parsed.events:
            is_swap = isinstance(event, Swap)
            if not is_swap and not every_event:
                continue
            # A block's header has no signature, and does no harm twice.
            if not isinstance(event, SlotEvent) and not seen.first_time(
                (event.signature, event.ordinal), event.slot
            ):
                summary.repeats += is_swap
                continue
            summary.swaps += is_swap
            out.write(msgspec.json.encode(amounts_as_text(event) | sessions[path]) + b"\n")
            if is_swap and keep_bodies:
                summary.bodies.append(encode(event))


def _all_updates(paths: list[Path]) -> Iterator[tuple[Path, int, bytes]]:
    for path in paths:
        for position, update in enumerate(read_capture(path)):
            yield path, position, update


def _count(summary: Summary, parsed: Parsed) -> None:
    summary.transactions += parsed.kind == "transaction"
    summary.failed += parsed.failed
    summary.votes += parsed.vote


def _report(summary: Summary, *, as_json: bool) -> None:
    figures = summary.figures()
    if not as_json:
        counts = [f"{value} {name}" for name, value in figures.items() if isinstance(value, int)]
        names = [f"{name} {value}" for name, value in figures.items() if isinstance(value, str)]
        sys.stderr.write(f"pw parse: {', '.join(counts + names).replace('_', ' ')}\n")
        return
    sys.stderr.buffer.write(msgspec.json.encode(figures) + b"\n")
