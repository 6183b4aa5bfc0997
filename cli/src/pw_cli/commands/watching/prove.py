"""`pw prove ALERT`: derive one alert again, from the stored swaps, raw captures or a node.

Exit codes: 0 the same, 1 another or none, 2 a file that cannot be read, 69 broker or node away.
"""

from __future__ import annotations

import argparse
import sys
from bisect import bisect_left
from pathlib import Path
from typing import Any

import msgspec

from pw_cli.audit.proof import prove_rpc
from pw_cli.audit.proof.proof_basis import LOOKBACK_MIN_MAX
from pw_cli.audit.rederive import as_stream, is_streamed, rederive, stored_alerts, stored_batches
from pw_cli.audit.unreadable import Unreadable
from pw_cli.commands.captures.parse import in_chain_order
from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_cli.history.history_node import BadNode, add_node_arguments, check_node
from pw_cli.history.together import stray
from pw_cli.offline.offline import SOURCE, At
from pw_cli.offline.offline import batches as offline_batches
from pw_cli.terminal.terminal import complain
from pw_common.documents.document import BadDocument
from pw_common.jetstream.bus import BrokerAway, Bus
from pw_common.jetstream.program_store import NoTable, table_of
from pw_common.wire.alerts import Alert
from pw_common.wire.captures import BadCapture
from pw_common.wire.messages import encode
from pw_parser.core.decode.programs import BUILT_IN, Programs, extended


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw prove`."""
    parser.add_argument("alert", metavar="ALERT", nargs="?", help="an alert's id, or how it begins")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--archive",
        nargs="+",
        type=Path,
        metavar="CAPTURE",
        help="use raw transactions (ingest's archive) instead of the stored swaps",
    )
    source.add_argument(
        "--rpc", metavar="URL", help="use the blocks of a JSON-RPC node, and give alert.proof.v1"
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="with --rpc: check a proof; needs no broker"
    )
    parser.add_argument(
        "--json", action="store_true", help="with --check: print what was checked as JSON"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="with --rpc: where the proof goes, not to stdout"
    )
    parser.add_argument(
        "--minutes",
        type=int,
        choices=range(1, LOOKBACK_MIN_MAX + 1),
        metavar="M",
        help="with --rpc: begin so long before the alert (default: as far as its rule looks back)",
    )
    add_node_arguments(parser)
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Print `same`, or the first difference."""
    if problem := _problem(args):
        complain("prove", problem)
        return 2
    if args.check is not None:
        return prove_rpc.check(args)
    try:
        if args.rpc is not None:
            check_node(args)
    except BadNode as error:
        complain("prove", error)
        return 2
    return with_broker(args, lambda bus: _prove(bus, args))


def _problem(args: argparse.Namespace) -> str:
    """What does not go together; empty where all does."""
    if (args.check is None) == (args.alert is None):
        return "give an alert, or --check FILE"
    if args.check is not None:
        if args.rpc is None:
            return "--check needs --rpc URL: the node to check it with"
        proving = ("--out", "--minutes", "--nats")
        return stray(args, "does not go with --check, which makes no proof", *proving)
    if args.json:
        return "--json needs --check FILE"
    if args.rpc is None:
        asking = ("--out", "--minutes", "--rpc-rate", "--patience")
        return stray(args, "needs --rpc URL", *asking)
    return ""


async def _prove(bus: Bus, args: argparse.Namespace) -> int:
    every = await stored_alerts(bus)
    found = [one for one in every if one.id.startswith(args.alert)]
    if len(found) != 1:
        sys.stderr.write(f"pw prove: {len(found)} stored alerts begin with {args.alert!r}\n")
        return 1
    [stored] = found
    try:
        if args.rpc is not None:
            return await prove_rpc.prove(bus, args, stored, every)
        again = await _again(bus, stored, args.archive)
    except BrokerAway:
        raise
    except BadDocument as error:
        complain("prove", error.errors[0])
        return 2
    except (BadCapture, Unreadable, NoTable, OSError) as error:
        sys.stderr.write(f"pw prove: {error}\n")
        return 2
    if again is not None and encode(again) == encode(stored):
        sys.stdout.write(f"same: {stored.id} {stored.kind} {stored.trigger} at {stored.slot}\n")
        return 0
    sys.stdout.write(f"{difference(stored, again)}\n")
    return 1


async def _again(bus: Bus, stored: Alert, archive: list[Path] | None) -> Alert | None:
    """The alert as the archive, or what is stored now, gives it."""
    if archive:
        captures = in_chain_order(archive)
        at = await tables_at(bus)
        found = await rederive(
            bus,
            as_stream(offline_batches(captures, at)),
            sources=(SOURCE,),
            first_tx_seq=1,
            wanted=stored,
        )
        return found.alerts.get(stored.id)
    sources: set[str] = set()
    least: int | None = None
    # The declared sources and the first sequence are known only from the whole.
    async for batch in stored_batches(bus):
        if is_streamed(batch):
            sources.add(batch.source)
        least = batch.tx_seq if least is None else min(least, batch.tx_seq)
    found = await rederive(
        bus,
        stored_batches(bus),
        sources=sources,
        first_tx_seq=least or 1,
        wanted=stored,
    )
    return found.alerts.get(stored.id)


async def tables_at(bus: Bus) -> At:
    """The table of programs by slot, as the stored batches name it.

    A table that changed within a slot is taken to hold for the whole of it.

    Raises:
        NoTable: one of them is gone.
        Unreadable, BrokerAway, ApiRefused: as `stored_batches`.
    """
    stamps: dict[int, str] = {}
    async for batch in stored_batches(bus):
        for event in batch.events:
            stamps[event.slot] = batch.programs
    tables = {"": BUILT_IN}
    for stamp in sorted({*stamps.values()} - {""}):
        tables[stamp] = extended(BUILT_IN, await table_of(bus, stamp))
    slots = sorted(stamps)

    def at(slot: int) -> Programs:
        # What PW_SWAP no longer holds was read with its neighbour's table.
        place = min(bisect_left(slots, slot), len(slots) - 1)
        return tables[stamps[slots[place]]] if slots else BUILT_IN

    return at


def difference(stored: Alert, again: Alert | None) -> str:
    """The first field that differs, in words."""
    if again is None:
        return f"not derived: {stored.id} {stored.kind} {stored.trigger} at slot {stored.slot}"
    one: dict[str, Any] = msgspec.to_builtins(stored)
    two: dict[str, Any] = msgspec.to_builtins(again)
    # A field that does not apply may be present in only one of them.
    name = next(name for name in {**one, **two} if one.get(name) != two.get(name))
    return f"{name}: stored {one.get(name)!r}, derived {two.get(name)!r}"
