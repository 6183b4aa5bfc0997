"""Where a gap's blocks come from: a JSON-RPC node, block by block, or captures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from solders.signature import Signature

from pw_cli.gaps.gap_proof import Around, Fill, Link, within
from pw_cli.gaps.gap_store import DeadLetter, Filler
from pw_common.jetstream.publishing.publisher import PublishRefused
from pw_common.wire.captures import read_capture
from pw_common.wire.envelope import Identity
from pw_common.wire.messages import Gap
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import META, TX, read_update
from pw_rpc.core.blocks import BadBlock, Block, Parent, Unread, read_block, unread_update
from pw_rpc.node import BadAnswer, NodeFailed, NotHad, Rpc, visible

# Asked for at once; a node may limit how many it lists.
LIST_SLOTS_MAX: Final = 5_000
# How far behind the gap its next block is looked for.
AFTER_SLOTS_MAX: Final = 512
# Answers that cannot be read, one after another: this node gives no more.
BAD_IN_A_ROW_MAX: Final = 5
# Only the first missing slot is named, and they come in order.
REMARKS_MAX: Final = 1_000
DEAD_NAMED_MAX: Final = 5


@dataclass
class Job:
    """Filling one gap: what is there, what is known around it, and remarks about its slots."""

    gap: Gap
    fill: Fill
    filler: Filler
    around: Around
    say: Callable[[str], None]
    progress: Callable[[str], None]
    # Why a slot is not there, in the words of the source.
    remarks: dict[int, str] = field(default_factory=dict)
    # Transactions that became dead letters: how many, and the first ones' names.
    dead: int = 0
    dead_names: list[str] = field(default_factory=list)

    def remark(self, slot: int, why: str) -> None:
        """Keep why a slot is not there."""
        if len(self.remarks) < REMARKS_MAX:
            self.remarks[slot] = why

    async def take(
        self, link: Link, updates: Sequence[bytes], dead_letters: Sequence[DeadLetter] = ()
    ) -> None:
        """Store a block and count it as there, unless the broker refuses a part of it."""
        try:
            # First, so that no block counts as stored without them.
            await self.filler.bury(dead_letters)
            await self.filler.put(updates)
        except PublishRefused as error:
            self.remark(link.slot, f"the broker does not take it: {error}")
        else:
            self.fill.add(link)
            self.dead += len(dead_letters)
            room = DEAD_NAMED_MAX - len(self.dead_names)
            self.dead_names += [one.name for one in dead_letters[:room]]


def link_of(slot: int, block: Parent) -> Link:
    """The links in the chain that a node gives a block."""
    return Link(
        slot, block.parent_slot, block.blockhash, block.previous_blockhash, block.block_height
    )


async def from_node(job: Job, rpc: Rpc) -> str:
    """Ask a node for what is not there yet; returns why it stopped early, or nothing."""
    try:
        return await _blocks(job, rpc) or await _after(job, rpc)
    except NodeFailed as error:
        return str(error)


async def _blocks(job: Job, rpc: Rpc) -> str:
    gap, links = job.gap, job.fill.links
    before = len(links)
    bad = 0
    for first in range(gap.first_missing_slot, gap.last_missing_slot + 1, LIST_SLOTS_MAX):
        last = min(first + LIST_SLOTS_MAX - 1, gap.last_missing_slot)
        listed = await _listed(job, rpc, first, last)
        todo = [slot for slot in listed if slot not in links]
        if before and todo:
            job.say(f"continues from slot {todo[0]}: {before} blocks are stored already")
            before = 0
        for number, slot in enumerate(todo, start=1):
            job.progress(f"slot {slot}: block {number} of {len(todo)} listed up to slot {last}")
            try:
                block = await rpc.block(slot)
                read = read_block(slot, block)
                dead_letters = await _dead_letters(rpc, slot, block, read.unread)
            except NotHad as error:
                job.remark(slot, f"the node: {error}")
                continue
            except (BadAnswer, BadBlock) as error:
                why = f"the node's answer cannot be used: {visible(str(error))}"
                job.remark(slot, why)
                bad += 1
                if bad >= BAD_IN_A_ROW_MAX:
                    return f"slot {slot} and {bad - 1} before it: {why}"
                continue
            bad = 0
            updates = [one for one in read.updates if _is_wanted(one)]
            link = link_of(slot, block)
            if why := job.fill.contradiction(link):
                return f"the node contradicts itself or what is stored: {why}"
            await job.take(link, updates, dead_letters)
    return ""


async def _dead_letters(
    rpc: Rpc, slot: int, block: Block, unread: Sequence[Unread]
) -> list[DeadLetter]:
    """A block's dead letters; failed transactions are not kept."""
    wanted = [one for one in unread if not one.meta.failed]
    if any(not one.signature for one in wanted):
        # Where an unknown version keeps its signatures is not known: the node knows them.
        signatures = [_signature(one) for one in await _signatures(rpc, slot, block)]
        wanted = [
            one._replace(signature=one.signature or signatures[one.position]) for one in wanted
        ]
    dead_letters = []
    for one in wanted:
        named = str(Signature(one.signature)) if one.signature else "of unknown signature"
        name = f"transaction {one.position} of slot {slot}, {named}: {one.what}"
        dead_letters.append(DeadLetter(slot, one.position, visible(name), unread_update(slot, one)))
    return dead_letters


async def _signatures(rpc: Rpc, slot: int, block: Block) -> list[str]:
    count = len(block.transactions)
    try:
        found = await rpc.signatures(slot)
    except (NotHad, BadAnswer):
        found = []
    return found if len(found) == count else [""] * count


def _signature(text: str) -> bytes:
    try:
        return bytes(Signature.from_string(text)) if text else b""
    except ValueError:
        return b""


async def _listed(job: Job, rpc: Rpc, first: int, last: int) -> list[int]:
    """What the node lists; what it leaves out is not taken for a slot without a block."""
    try:
        return await rpc.produced(first, last)
    except NotHad as error:
        job.say(f"the node lists no blocks of slots {first} to {last}: {error}")
    except BadAnswer as error:
        job.say(f"the node's list of slots {first} to {last} cannot be read: {error}")
    return []


async def _after(job: Job, rpc: Rpc) -> str:
    """The block behind the gap, where the streams hold no block that follows it."""
    last = job.gap.last_missing_slot
    after = job.around.after
    if after is not None and after.parent_slot <= last:
        return ""
    for slot in (await _listed(job, rpc, last + 1, last + AFTER_SLOTS_MAX))[:1]:
        try:
            link = link_of(slot, await rpc.parent(slot))
        except (NotHad, BadAnswer) as error:
            job.say(f"the node does not give the block of slot {slot}: {error}")
            return ""
        if why := job.fill.contradiction(link):
            return f"the node contradicts itself or what is stored: {why}"
        job.around = job.around._replace(after=link)
    return ""


def _is_wanted(update: bytes) -> bool:
    # A node gives everything; votes and failures are never trades.
    read = pb.SubscribeUpdate.FromString(update)
    info = read.transaction.transaction
    return not (read.HasField("transaction") and (info.is_vote or info.meta.HasField("err")))


class Captured:
    """What captures hold of a gap, and of the blocks on both sides."""

    def __init__(self, gap: Gap) -> None:
        self.gap = gap
        self.updates: dict[int, dict[Identity, bytes]] = {}
        self.links: dict[int, Link] = {}
        self.executed: dict[int, int] = {}
        self.before: Link | None = None
        self.after: Link | None = None
        self.first_slot = 1 << 64
        self.last_slot = 0
        # Two captures that disagree about a block.
        self.apart = ""

    def add(self, update: bytes) -> None:
        """Take the next update of a capture."""
        identity = read_update(update).identity
        slot = identity.slot
        if identity.kind not in {TX, META} or slot == 0:
            return
        self.first_slot = min(slot, self.first_slot)
        self.last_slot = max(slot, self.last_slot)
        inside = within(self.gap, slot)
        if inside:
            self.updates.setdefault(slot, {}).setdefault(identity, update)
        if identity.kind != META:
            return
        meta = pb.SubscribeUpdate.FromString(update).block_meta
        height = meta.block_height.block_height if meta.HasField("block_height") else None
        link = Link(slot, meta.parent_slot, meta.blockhash, meta.parent_blockhash, height)
        if inside:
            if self.links.setdefault(slot, link)[:3] != link[:3]:
                self.apart = f"the captures hold two different blocks of slot {slot}"
            self.executed.setdefault(slot, meta.executed_transaction_count)
        elif slot < self.gap.first_missing_slot:
            self.before = max(self.before or link, link, key=_slot_of)
        else:
            self.after = min(self.after or link, link, key=_slot_of)

    def leave_out_cut_blocks(self) -> list[int]:
        """The slots in whose middle the captures begin or end: such blocks may not be whole.

        A block_meta may come before the last transactions of its own slot.
        """
        cut = []
        for slot in {self.first_slot, self.last_slot} & self.links.keys():
            count = sum(identity.kind == TX for identity in self.updates[slot])
            if count < self.executed[slot]:
                del self.links[slot]
                found = self.updates[slot]
                self.updates[slot] = {one: found[one] for one in found if one.kind != META}
                cut.append(slot)
        return cut


async def from_captures(job: Job, paths: Iterable[Path]) -> str:
    """Store what captures hold of the gap; returns why it stopped early, or nothing.

    Raises:
        BadCapture, OSError: a file that cannot be read.
    """
    found = Captured(job.gap)
    for path in paths:
        job.progress(f"reading {path.name}")
        for update in read_capture(path):
            found.add(update)
    if found.apart:
        return found.apart
    for slot in found.leave_out_cut_blocks():
        job.remark(slot, "the captures begin or end in it, and may not hold all of its block")
    _look_beside(job, found)
    todo = [slot for slot in sorted(found.updates) if slot not in job.fill.links]
    if job.fill.links and todo:
        job.say(f"continues from slot {todo[0]}: {len(job.fill.links)} blocks are stored already")
    for number, slot in enumerate(todo, start=1):
        job.progress(f"slot {slot}: block {number} of {len(todo)}")
        ordered = sorted(found.updates[slot].items(), key=lambda one: _order(*one))
        updates = [update for _, update in ordered]
        link = found.links.get(slot)
        if link is None:
            # Trades without their block: worth having, but they prove nothing.
            await job.filler.put(updates)
            continue
        if why := job.fill.contradiction(link, forks=True):
            return f"the captures contradict themselves or what is stored: {why}"
        await job.take(link, updates)
    return ""


def _look_beside(job: Job, found: Captured) -> None:
    around = job.around
    if found.before is not None:
        job.fill.beside[found.before.slot] = found.before
        if around.before is None:
            around = around._replace(before=found.before.slot)
    if found.after is not None and (around.after is None or found.after.slot <= around.after.slot):
        around = around._replace(after=found.after)
    job.around = around


def _slot_of(link: Link) -> int:
    return link.slot


def _order(identity: Identity, update: bytes) -> tuple[int, int]:
    if identity.kind == META:
        return 1, 0
    return 0, pb.SubscribeUpdate.FromString(update).transaction.transaction.index
