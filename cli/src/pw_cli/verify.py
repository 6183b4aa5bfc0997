"""`pw verify`: walk the streams and prove the chain; it changes nothing.

Exit codes: 0 everything holds, 1 something does not, 69 broker away.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from itertools import pairwise
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from pw_cli.broker import add_broker_argument, with_broker
from pw_cli.up.stored import stored_messages
from pw_cli.walk import derive, stored_alerts, stored_batches
from pw_common.bus import ApiRefused, Bus
from pw_common.dedup import SeenWindow
from pw_common.messages import Batch, Gap, SlotEvent, Swap, decode_gap, encode
from pw_common.subjects import STREAM_DLQ, STREAM_GAP, STREAM_SWAP, STREAM_TX
from pw_common.topology import stream_created

NOT_FOUND: Final = 10037
SHOWN_MAX: Final = 5
# Windows, wallets and creation facts reach back this far.
HORIZON_MS: Final = 2 * 3_600_000 + 300_000


class Check(msgspec.Struct, frozen=True):
    """One promise: whether it holds, its count, and what to know about it."""

    name: str
    holds: bool
    count: int
    detail: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw verify`."""
    parser.add_argument("--json", action="store_true", help="one check a line")
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Walk, tell, and say by the exit code whether everything holds."""
    return with_broker(args, lambda bus: _verify(bus, as_json=args.json))


async def _verify(bus: Bus, *, as_json: bool) -> int:
    batches = [batch async for batch in stored_batches(bus)]
    gaps = [decode_gap(message.data) async for message in stored_messages(bus, STREAM_GAP)]
    trimmed = int((await bus.api(f"STREAM.INFO.{STREAM_SWAP}"))["state"]["first_seq"]) > 1
    checks = [
        await _covered(bus, batches),
        _chain(batches, gaps),
        await _letters(bus, batches),
        _repeats(batches),
        *await _alerts(bus, batches, trimmed=trimmed),
    ]
    if as_json:
        for check in checks:
            sys.stdout.buffer.write(msgspec.json.encode(check) + b"\n")
    else:
        table = Table("what", "holds", "count", "detail", box=None)
        for check in checks:
            table.add_row(
                check.name, "yes" if check.holds else "NO", str(check.count), check.detail
            )
        Console().print(table)
    return 0 if all(check.holds for check in checks) else 1


async def _covered(bus: Bus, batches: list[Batch]) -> Check:
    """Every sequence of PW_TX is answered, waits in the queue, or is older than PW_SWAP."""
    info = await bus.api(f"STREAM.INFO.{STREAM_TX}")
    created, last = stream_created(info), int(info["state"]["last_seq"])
    answered = {one.tx_seq for one in batches if one.tx_stream_created == created}
    first = min(answered, default=last + 1)
    unanswered = [seq for seq in range(first, last + 1) if seq not in answered]
    open_ones = [seq for seq in unanswered if not await _waits(bus, seq)]
    waiting = len(unanswered) - len(open_ones)
    detail = f"{waiting} wait in the queue" if waiting else ""
    if open_ones:
        shown = ", ".join(map(str, open_ones[:SHOWN_MAX]))
        detail = (
            f"neither answered nor waiting: {shown}; a broker that crashed leaves such numbers, "
            "and so would an acknowledgement before storing: compare with its log"
        )
    return Check("PW_TX sequences answered", not open_ones, len(answered), detail)


async def _waits(bus: Bus, seq: int) -> bool:
    try:
        await bus.api(f"STREAM.MSG.GET.{STREAM_TX}", {"seq": seq})
    except ApiRefused as error:
        if error.err_code != NOT_FOUND:
            raise
        return False
    return True


def _chain(batches: list[Batch], gaps: list[Gap]) -> Check:
    """Each block's parent is there, or the slots between are a recorded gap."""
    breaks: list[int] = []
    blocks = 0
    for key in sorted({(one.source, one.epoch) for one in batches if one.source}):
        parents = {
            event.slot: event.parent
            for batch in batches
            if (batch.source, batch.epoch) == key
            for event in batch.events
            if isinstance(event, SlotEvent)
        }
        blocks += len(parents)
        known = sorted(parents)
        for before, slot in pairwise(known):
            lost = parents[slot] not in parents and parents[slot] > before
            if lost and not any(_covers(gap, key, before + 1, parents[slot]) for gap in gaps):
                breaks.append(slot)
    shown = ", ".join(map(str, breaks[:SHOWN_MAX]))
    detail = f"no parent and no gap before slot {shown}" if breaks else f"{len(gaps)} gaps recorded"
    return Check("parent chain unbroken or gapped", not breaks, blocks, detail)


def _covers(gap: Gap, key: tuple[str, int], first: int, last: int) -> bool:
    return (
        (gap.source, gap.epoch) == key
        and gap.first_missing_slot <= last
        and gap.last_missing_slot >= first
    )


async def _letters(bus: Bus, batches: list[Batch]) -> Check:
    """What the batches count as malformed is in the dead letters."""
    malformed = sum(one.counts.malformed for one in batches)
    state = (await bus.api(f"STREAM.INFO.{STREAM_DLQ}"))["state"]
    # Letters that were sent back and deleted are gone for a reason.
    stored = int(state["last_seq"])
    holds = stored >= malformed
    return Check("malformed updates kept as dead letters", holds, malformed, f"{stored} stored")


def _repeats(batches: list[Batch]) -> Check:
    seen = SeenWindow()
    swaps = [event for one in batches for event in one.events if isinstance(event, Swap)]
    delivered = [one for one in swaps if seen.first_time((one.signature, one.ordinal), one.slot)]
    twice = Counter((one.signature, one.ordinal) for one in delivered)
    doubled = sum(count - 1 for count in twice.values())
    detail = f"{seen.repeats} stored repeats, which readers drop"
    return Check("swaps delivered once", not doubled, len(delivered), detail)


async def _alerts(bus: Bus, batches: list[Batch], *, trimmed: bool) -> list[Check]:
    """The stored alerts are those that the stored swaps give, where their horizon is stored."""
    derived = await derive(bus, batches)
    since_ms = derived.first_ms + HORIZON_MS if trimmed else 0
    stored = {one.id: one for one in await stored_alerts(bus) if one.event_time_ms >= since_ms}
    again = {key: one for key, one in derived.alerts.items() if one.event_time_ms >= since_ms}
    apart = [
        key
        for key in stored.keys() | again.keys()
        if key not in stored or key not in again or encode(stored[key]) != encode(again[key])
    ]
    detail = ""
    if apart:
        detail = f"not the same: {', '.join(sorted(apart)[:SHOWN_MAX])}; see pw prove"
    elif trimmed:
        detail = f"of those since event time {since_ms}: before it PW_SWAP was trimmed"
    return [
        Check("alerts derived again", not apart, len(again), detail),
        Check("no event after its slot had closed", not derived.late, derived.late),
    ]
