"""`pw capture --rpc URL`: history as a capture, by slots or by signatures.

What is fetched stands in `FILE.part` until it is whole; the same command goes on where the last
one ended.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from solders.signature import Signature

from pw_cli.history.capture_asked import Asked, BadRequest, asked_of, name_of
from pw_cli.history.capture_held import blocks_held, is_unread, updates_of
from pw_cli.history.capture_part import Part
from pw_cli.history.history_chain import Broken, Chain, Fetched, MissingSlots
from pw_cli.history.history_node import BadNode, check_node, history_node, in_order, say_for
from pw_cli.history.history_progress import Progress
from pw_common.process.exit_codes import EXIT_OK, EXIT_UNAVAILABLE
from pw_common.service.run import watch_signals
from pw_common.wire.captures import BadCapture
from pw_geyser import geyser_pb2 as pb
from pw_rpc.core.blocks import BadBlock
from pw_rpc.core.single import read_single
from pw_rpc.history import History
from pw_rpc.node import BadAnswer, NodeFailed, NotHad, visible

EXIT_NOT_WHOLE: Final = 1
EXIT_USAGE: Final = 2
# Written at once; what a kill can cost.
TOGETHER: Final = 32
NAMED_MAX: Final = 20


@dataclass
class Tally:
    """What one run fetched; `missing` names what is not there and why, and `lost` counts it.

    `before` is what earlier runs left. `unread` counts all that is there of a form not read.
    """

    updates: int = 0
    blocks: int = 0
    unread: int = 0
    before: int = 0
    lost: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def whole(self) -> bool:
        """Whether everything that was asked for is there."""
        return not self.missing and not self.why


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw capture --rpc`."""
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--slots", metavar="A-B", help="with --rpc: every block from A to B")
    asked.add_argument(
        "--signatures",
        type=Path,
        metavar="FILE",
        help="with --rpc: these transactions, one a line, bare or as JSON with `signature`",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="with --rpc: finish the file although something was not had; it is named",
    )


def run_rpc(args: argparse.Namespace) -> int:
    """0 whole, 1 something is missing or it was stopped, 2 wrong usage or file, 69 node away."""
    say = say_for("capture")
    try:
        check_node(args)
        asked = asked_of(args)
        return asyncio.run(_capture(args, asked))
    except (BadRequest, BadNode, BadCapture) as error:
        say(str(error))
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return EXIT_USAGE


async def _capture(args: argparse.Namespace, asked: Asked) -> int:
    tally = Tally()
    stop = asyncio.Event()
    watch_signals(stop)
    failed = ""
    with Progress("capture") as shown, Part(args.out, name_of(asked)) as part:
        async with history_node(args, shown.say) as rpc:
            fetching = asyncio.ensure_future(_fetch(rpc, part, asked, tally, shown, args))
            stopping = asyncio.ensure_future(stop.wait())
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                tally.why = "stopped"
                fetching.cancel()
            stopping.cancel()
            await asyncio.wait({fetching})
            if not fetching.cancelled():
                try:
                    fetching.result()
                except NodeFailed as error:
                    failed = str(error)
                except Broken as error:
                    tally.why = str(error)
        done = tally.whole or (args.allow_missing and not tally.why)
        if done and not failed:
            part.finish()
    _tell(args, tally, failed, done=done, is_kept=not part.is_empty)
    if failed:
        return EXIT_UNAVAILABLE
    return EXIT_OK if tally.whole else EXIT_NOT_WHOLE


async def _fetch(
    rpc: History,
    part: Part,
    asked: Asked,
    tally: Tally,
    shown: Progress,
    args: argparse.Namespace,
) -> None:
    if isinstance(asked, tuple):
        await _slots(rpc, part, asked, tally, shown, allow_missing=args.allow_missing)
    else:
        await _signatures(rpc, part, asked, tally, shown)


async def _slots(
    rpc: History,
    part: Part,
    asked: tuple[int, int],
    tally: Tally,
    shown: Progress,
    *,
    allow_missing: bool,
) -> None:
    first, last = asked
    held = blocks_held(updates_of(part), first, part.path)
    tally.before, tally.unread, left_out = held.updates, held.unread, held.left_out
    if left_out and not allow_missing:
        raise BadCapture(
            f"{part.path}: an earlier run with --allow-missing left out {_names(left_out)}; give "
            "it again, or remove the file to fetch everything"
        )
    if held.tip is not None:
        shown.say(f"goes on behind slot {held.tip.slot}: {tally.before} updates are there")
    chain = Chain(
        rpc, first, last, tip=held.tip, left_out=left_out if allow_missing else None, say=shown.say
    )
    shown.total(last - first + 1)
    try:
        async with aclosing(chain.blocks()) as blocks:
            async for block in blocks:
                _keep(part, block, tally)
                shown.at(block.slot - first + 1, f"slot {block.slot}, {tally.blocks} blocks")
    finally:
        tally.missing = {missing.name: _why(missing) for missing in left_out}
        tally.lost = sum(missing.slots for missing in left_out)


def _names(left_out: list[MissingSlots]) -> str:
    more = f" and {len(left_out) - NAMED_MAX} more" if len(left_out) > NAMED_MAX else ""
    return f"{', '.join(missing.name for missing in left_out[:NAMED_MAX])}{more}"


def _why(missing: MissingSlots) -> str:
    if missing.slots == 1:
        return missing.why
    return f"of slot {missing.last_slot}: {missing.why}; which others have a block is not shown"


def _keep(part: Part, block: Fetched, tally: Tally) -> None:
    # A block at a time, so that what is there always ends with a whole one.
    part.add(block.updates)
    tally.blocks += 1
    tally.updates += len(block.updates)
    tally.unread += block.unread


async def _signatures(
    rpc: History, part: Part, asked: list[str], tally: Tally, shown: Progress
) -> None:
    there = set()
    for update in updates_of(part):
        if raw := _signature_of(update):
            there.add(str(Signature.from_bytes(raw)))
        tally.unread += is_unread(update)
    tally.before = len(there)
    if there:
        shown.say(f"goes on: {len(there)} of {len(asked)} transactions are there")
    todo = [one for one in asked if one not in there]
    shown.total(len(asked))
    held: list[bytes] = []

    async def ask(signature: str) -> bytes | str:
        try:
            single = await rpc.transaction(signature)
            return await asyncio.to_thread(read_single, signature, single)
        except NotHad as error:
            return f"the node: {error}"
        except (BadAnswer, BadBlock) as error:
            return f"the node's answer cannot be used: {visible(str(error))}"

    try:
        async with aclosing(in_order(todo, ask)) as answers:
            async for signature, answer in answers:
                found = answer.result()
                if isinstance(found, str):
                    tally.missing[signature] = found
                    tally.lost += 1
                else:
                    held.append(found)
                    tally.updates += 1
                    tally.unread += is_unread(pb.SubscribeUpdate.FromString(found))
                count = tally.before + tally.updates + len(tally.missing)
                shown.at(count, f"{count} of {len(asked)} transactions")
                if len(held) == TOGETHER:
                    part.add(held)
                    held = []
    finally:
        if held:
            part.add(held)


def _signature_of(update: pb.SubscribeUpdate) -> bytes:
    return bytes(update.transaction.transaction.signature)


def _tell(
    args: argparse.Namespace, tally: Tally, failed: str, *, done: bool, is_kept: bool
) -> None:
    say = say_for("capture")
    for name, why in list(tally.missing.items())[:NAMED_MAX]:
        say(f"missing: {name}: {why}")
    if len(tally.missing) > NAMED_MAX:
        say(f"and {len(tally.missing) - NAMED_MAX} more are missing")
    if is_kept or (done and not failed):
        parts = [f"{tally.updates} updates fetched"]
    else:
        parts = ["nothing was fetched, and nothing is kept"]
    if tally.before:
        parts.append(f"{tally.before} were there")
    if tally.unread:
        parts.append(f"{tally.unread} transactions of a form that this release does not read")
    why = failed or tally.why or (f"{tally.lost} missing" if tally.missing else "")
    parts.append(f"NOT WHOLE: {why}" if why else "whole")
    is_part = is_kept and (failed or not done)
    name = f"{args.out}.part (the same command goes on)" if is_part else args.out
    say(f"{name}: {'; '.join(parts)}")
    sys.stderr.flush()
