"""`pw plan --programs NAME --hours H`: what a subscription costs, from what was measured."""

from __future__ import annotations

import argparse
import sys
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pw_cli.capacity.shapes import SHAPES, markdown
from pw_cli.capacity.sizing import TX_HOURS_SHIPPED, BadPlan, Plan, plan
from pw_common.topology.streams import GIB
from pw_common.wire.coverage import SUCCESSFUL

EXIT_OK: Final = 0
EXIT_USAGE: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw plan`."""
    parser.add_argument(
        "--programs",
        default=SUCCESSFUL,
        metavar="NAME",
        help=f"the subscription: {', '.join(SHAPES)} (default: {SUCCESSFUL})",
    )
    parser.add_argument(
        "--tps",
        type=float,
        metavar="N",
        help="transactions a second (default: the subscription's mean on mainnet)",
    )
    parser.add_argument(
        "--hours",
        type=float,
        default=TX_HOURS_SHIPPED,
        metavar="H",
        help=f"how long PW_TX must hold what nobody parses (default: {TX_HOURS_SHIPPED})",
    )
    parser.add_argument(
        "--markdown", action="store_true", help="only what each subscription sees, as a table"
    )
    parser.add_argument("--json", action="store_true", help="one object")


def run(args: argparse.Namespace) -> int:
    """Print the plan; 2 for an impossible rate or time."""
    if args.markdown:
        sys.stdout.write(markdown() + "\n")
        return EXIT_OK
    try:
        found = plan(args.tps, args.hours, args.programs)
    except BadPlan as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"pw plan: {line}\n")
        return EXIT_USAGE
    if args.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return EXIT_OK
    _print(found)
    return EXIT_OK


def _print(found: Plan) -> None:
    console = Console()
    disk = _table("disk", "held", "limit", "setting")
    for one in found.disk:
        setting = f"{one.setting}={one.limit_bytes}" if one.setting else ""
        disk.add_row(one.stream, _size(one.held_bytes), _size(one.limit_bytes), setting)
    disk.add_row("all, with 20 % free", "", _size(found.disk_bytes), "")
    disk.columns[3].justify = "left"
    past = _table("history", "days", "held", "setting")
    for kept in found.history:
        past.add_row(kept.what, f"{kept.hours // 24}", _size(kept.held_bytes), kept.setting)
    past.add_row("all, with 20 % free", "", _size(found.history_bytes), "")
    past.columns[3].justify = "left"
    services = _table("service", "processes", "cores each", "memory MB each")
    for service in found.services:
        services.add_row(
            service.name,
            str(service.processes),
            f"{service.cores:.2f}",
            f"{service.memory_mb:,}",
        )
    services.add_row("all", "", f"{found.cores:.2f}", f"{found.memory_mb:,}")
    network = _table("network", "MB/s")
    network.add_row("source to ingest", _mb(found.source_in_bytes_s))
    network.add_row("into the broker", _mb(found.broker_in_bytes_s))
    network.add_row("out of the broker", _mb(found.broker_out_bytes_s))
    seen = _table("subscription", "sees", "tx/s", "MB/s", "TB/month")
    seen.columns[1].justify = "left"
    for feed in found.feeds:
        seen.add_row(
            feed.programs, feed.sees, f"{feed.tps:,}", f"{feed.mb_s:.1f}", f"{feed.tb_month:.1f}"
        )
    for one_table in (seen, disk, past, services, network):
        console.print(one_table)
        console.print()
    for line in found.notes:
        console.print(Text(f"! {line}", style="yellow"))
    for line in found.assumptions:
        console.print(Text(f"- {line}"))


def _table(first: str, *others: str) -> Table:
    found = Table(first, *others, box=None)
    for column in found.columns[1:]:
        column.justify = "right"
    return found


def _size(size_bytes: int) -> str:
    return f"{size_bytes / GIB:,.2f} GiB" if size_bytes else "-"


def _mb(bytes_s: int) -> str:
    return f"{bytes_s / 1e6:,.2f}"
