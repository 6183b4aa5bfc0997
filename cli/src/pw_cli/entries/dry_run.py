"""A dry run of rules at the API: started, followed, shown; ended with the command."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from pw_cli.entries.entries import EXIT_OK, EXIT_REFUSED, Asking, Entry
from pw_cli.terminal.terminal import cell, complain, write_json

DRY_RUN: Final = "/api/v1/triggers/dry-run"
LOOK_S: Final = 0.5


def dry_run(api: Asking, args: argparse.Namespace, rules: list[Entry]) -> int:
    """What these rules would have fired over the last hour. Raises Refused, NoAnswer."""
    job = api.post(DRY_RUN, rules)
    path = f"{DRY_RUN}/{job['id']}"
    shows = sys.stderr.isatty() and not args.json
    try:
        while job["state"] == "running":
            if shows:
                sys.stderr.write(f"\r{job['share']:4.0%} of {job['total']:,} messages ")
                sys.stderr.flush()
            time.sleep(LOOK_S)
            job = api.get(path)
    finally:
        if job["state"] == "running":
            # Another dry run could not begin before this one has ended.
            api.cancel(path)
        if shows:
            sys.stderr.write("\r" + " " * 40 + "\r")
    if args.json:
        write_json(job)
    elif job["state"] == "done":
        _show(job, Console())
    if job["state"] != "done":
        complain(args.command, f"the dry run {job['state']}: {job['why'] or 'somebody ended it'}")
        return EXIT_REFUSED
    return EXIT_OK


def _show(job: dict[str, Any], console: Console) -> None:
    table = Table("rule", "would have fired", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for name, opened in job["opened_by_rule"].items():
        table.add_row(cell(name), cell(f"{opened:,}"))
    console.print(table)
    console.print(cell(f"{job['covers']}; {job['swaps']:,} swaps"))
