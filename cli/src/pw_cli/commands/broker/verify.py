"""`pw verify`: read the streams and prove the chain; it changes nothing.

It may run beside everything else: it looks at what was there when it began, twice, a message
at a time. Exit codes: 0 everything holds, 1 something does not, 69 broker away.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from pw_cli.audit.rederive import rederive, stored_alerts, stored_batches
from pw_cli.audit.stream_audit import SHOWN_MAX, Check, StreamAudit
from pw_cli.audit.unreadable import Unreadable, gap_of
from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_cli.gaps.gap_store import waiting_fills
from pw_cli.terminal.terminal import cell, complain, write_json
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.topology.queue_name import queue_name
from pw_common.topology.streams import stream_created
from pw_common.topology.subjects import STREAM_DLQ, STREAM_GAP, STREAM_SWAP, STREAM_TX
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Batch, Gap, encode
from pw_detector.store.position import PositionStore

# Windows, wallets and creation facts reach back this far.
HORIZON_MS: Final = 2 * 3_600_000 + 300_000


class Extent(msgspec.Struct, frozen=True):
    """What was there when the audit began: it does not look at later messages.

    Up to `released_slot` the detector has stored its alerts, so that those must be there.
    """

    tx_created: str
    tx_last: int
    swap_first: int
    swap_last: int
    released_slot: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw verify`."""
    parser.add_argument("--json", action="store_true", help="one JSON object per check")
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Read and print; the exit code says whether everything holds."""
    return with_broker(args, lambda bus: _verify(bus, as_json=args.json))


async def _verify(bus: Bus, *, as_json: bool) -> int:
    try:
        checks = await _checks(bus)
    except Unreadable as error:
        complain("verify", error)
        return 1
    if as_json:
        for check in checks:
            write_json(check)
    else:
        table = Table("what", "holds", "count", "detail", box=None)
        for check in checks:
            table.add_row(
                cell(check.name),
                "yes" if check.holds else "NO",
                str(check.count),
                cell(check.detail),
            )
        Console().print(table)
    return 0 if all(check.holds for check in checks) else 1


async def _checks(bus: Bus) -> list[Check]:
    # In this order: what filled a gap was queued before its record, and left the queue for PW_SWAP.
    filled_before = await _gaps(bus)
    waiting = await waiting_fills(bus)
    extent = await _extent(bus)
    audit = StreamAudit(extent.tx_created)
    with _progress(extent) as progress:
        reading = progress.add_task("reading", total=_length(extent))
        async for batch in _batches(bus, extent, progress, reading):
            audit.add(batch)
        under_way = audit.waiting()
        covered, never_stored = await _covered(bus, extent, audit)
        filled = audit.filled(filled_before, waiting=waiting, trimmed=extent.swap_first > 1)
        gaps = await _gaps(bus)
        # Dead letters that were sent back and deleted are gone for a reason: all ever stored count.
        dead_letters = int((await bus.api(f"STREAM.INFO.{STREAM_DLQ}"))["state"]["last_seq"])
        deriving = progress.add_task("deriving alerts", total=_length(extent))
        batches = _batches(bus, extent, progress, deriving)
        alerts = await _alerts(bus, extent, audit, batches)
    first_waiting = next((seq for seq in under_way if seq not in never_stored), None)
    chain = audit.chain(gaps, first_waiting=first_waiting)
    return [covered, chain, filled, audit.dead_letters(dead_letters), audit.repeats(), *alerts]


async def _gaps(bus: Bus) -> list[Gap]:
    return [gap_of(message) async for message in stored_messages(bus, STREAM_GAP)]


async def _extent(bus: Bus) -> Extent:
    # In this order: what the detector released is in PW_SWAP, and what PW_SWAP holds was in PW_TX.
    position = await PositionStore(bus).load()
    tx = await bus.api(f"STREAM.INFO.{STREAM_TX}")
    swap = await bus.api(f"STREAM.INFO.{STREAM_SWAP}")
    knows = position is not None and position.swap_stream_created == stream_created(swap)
    return Extent(
        tx_created=queue_name(tx),
        tx_last=int(tx["state"]["last_seq"]),
        swap_first=max(1, int(swap["state"]["first_seq"])),
        swap_last=int(swap["state"]["last_seq"]),
        released_slot=position.released_slot if position is not None and knows else 0,
    )


def _batches(bus: Bus, extent: Extent, progress: Progress, task: TaskID) -> AsyncIterator[Batch]:
    def on_read(seq: int) -> None:
        progress.update(task, completed=seq - extent.swap_first + 1)

    return stored_batches(
        bus, first_seq=extent.swap_first, last_seq=extent.swap_last, on_read=on_read
    )


def _length(extent: Extent) -> int:
    return max(0, extent.swap_last - extent.swap_first + 1)


def _progress(extent: Extent) -> Progress:
    console = Console(stderr=True)
    hidden = not console.is_terminal or not _length(extent)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden
    )


async def _covered(bus: Bus, extent: Extent, audit: StreamAudit) -> tuple[Check, frozenset[int]]:
    """Every sequence of PW_TX is answered, waits in the queue, or is older than PW_SWAP.

    The sequences for which none of this holds come second.
    """
    unanswered = [seq for part in audit.answered.missing(extent.tx_last) for seq in part]
    open_ones: list[int] = []
    if unanswered:
        state = (await bus.api(f"STREAM.INFO.{STREAM_TX}", {"deleted_details": True}))["state"]
        gone = set(state.get("deleted") or ())
        first = int(state["first_seq"])
        open_ones = [seq for seq in unanswered if seq < first or seq in gone]
    waiting = len(unanswered) - len(open_ones)
    if open_ones:
        # What has left the queue since was answered before it left.
        async for batch in stored_batches(bus, first_seq=extent.swap_last + 1):
            audit.answer(batch)
        open_ones = [seq for seq in open_ones if seq not in audit.answered]
    detail = f"{waiting} wait in the queue" if waiting else ""
    if open_ones:
        shown = ", ".join(map(str, open_ones[:SHOWN_MAX]))
        detail = (
            f"neither answered nor waiting: {shown}; a broker that crashed leaves such numbers, "
            "and so would an acknowledgement before storing: compare with its log"
        )
    check = Check("PW_TX sequences answered", not open_ones, audit.answered.count, detail)
    return check, frozenset(open_ones)


async def _alerts(
    bus: Bus, extent: Extent, audit: StreamAudit, batches: AsyncIterator[Batch]
) -> list[Check]:
    """The stored alerts are those that the stored swaps give, where their horizon is stored."""
    derived = await rederive(
        bus, batches, sources=audit.sources, first_tx_seq=audit.least_tx_seq or 1
    )
    trimmed = extent.swap_first > 1
    since_ms = derived.first_ms + HORIZON_MS if trimmed else 0

    def counts(alert: Alert) -> bool:
        return alert.event_time_ms >= since_ms and alert.slot <= extent.released_slot

    stored = {one.id: one for one in await stored_alerts(bus) if counts(one)}
    again = {key: one for key, one in derived.alerts.items() if counts(one)}
    apart = [
        key
        for key in stored.keys() | again.keys()
        if key not in stored or key not in again or encode(stored[key]) != encode(again[key])
    ]
    detail = f"up to slot {extent.released_slot}, which the detector has released"
    if apart:
        detail = f"not the same: {', '.join(sorted(apart)[:SHOWN_MAX])}; see pw prove"
    elif trimmed:
        detail = f"of those since event time {since_ms}: before it PW_SWAP was trimmed"
    return [
        Check("alerts derived again", not apart, len(again), detail),
        Check("no event after its slot had closed", not derived.late, derived.late),
    ]
