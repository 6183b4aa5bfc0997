"""An alert derived again from a node's blocks, by the parser's and the detector's own core."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pw_cli.audit.proof.proof_basis import Basis, as_rule
from pw_cli.audit.proof.proof_reach import Reach, reach_of
from pw_cli.history.history_chain import Chain
from pw_cli.offline.offline import SOURCE, Flow
from pw_common.documents.programs import ProgramEntry, ProgramTable
from pw_common.documents.proofs import AlertProof, ProvenBlock
from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.process.version import VERSION
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Swap, digest_of_bodies, encode
from pw_detection.detector import Detector
from pw_detection.rules.lists import Mute, Mutes, Watched, WatchLists
from pw_parser.core.decode.programs import BUILT_IN, Programs, extended
from pw_rpc.history import History


@dataclass
class Again:
    """What the blocks gave: the alert, if it came, and what was read on the way to it.

    `reach` is what was seen whole at its slot.
    """

    alert: Alert | None = None
    reach: Reach = Reach()
    blocks: list[ProvenBlock] = field(default_factory=list)
    mint_bodies: list[bytes] = field(default_factory=list)
    # Slot -> how many swaps, and their digest.
    swaps: dict[int, tuple[int, str]] = field(default_factory=dict)


def programs_of(entries: tuple[ProgramEntry, ...]) -> Programs:
    """The shipped table of programs, with a person's own over it."""
    return extended(BUILT_IN, ProgramTable(entries=entries))


def detector_of(basis: Basis) -> Detector:
    """A detector with this rule alone, in the state from before the blocks begin."""
    detector = Detector([as_rule(basis.rule)])
    mutes = [one for one in basis.own_lists if one.list in {"muted", "unmuted"}]
    detector.set_mutes(
        Mutes(
            entries=tuple(
                Mute(
                    address=one.address,
                    of="wallet",
                    muted=False if one.list == "unmuted" else msgspec.UNSET,
                )
                for one in mutes
            )
        ),
        0,
    )
    watched = [
        Watched(address=one.address, of=one.list)
        for one in basis.own_lists
        if one.list == "wallet" or one.list == "creator" or one.list == "token"  # noqa: PLR1714
    ]
    if watched:
        detector.set_watchlists(WatchLists(entries=tuple(watched)), 0)
    detector.restore(basis.earlier)
    return detector


async def derive_again(
    rpc: History,
    basis: Basis,
    *,
    say: Callable[[str], None] = lambda _line: None,
    at: Callable[[int, int], None] = lambda _done, _slot: None,
) -> Again:
    """Fetch the blocks and fold them.

    Raises:
        Broken: the node does not give them all, or contradicts itself.
        NodeFailed: the node gives nothing more.
    """
    programs = programs_of(basis.own_programs)
    flow = Flow(lambda _slot: programs)
    fold = _Fold(basis)
    last = basis.alert.slot
    chain = Chain(rpc, basis.first_slot, last, say=say)
    async with aclosing(chain.blocks()) as blocks:
        async for block in blocks:
            header = block.header
            fold.again.blocks.append(
                ProvenBlock(slot=block.slot, parent=header.parent_slot, blockhash=header.blockhash)
            )
            for update in block.updates:
                fold.take(flow.add(update))
            at(block.slot - basis.first_slot + 1, block.slot)
    # A slot closes when the next block says that it follows it.
    for update in chain.behind.updates if chain.behind is not None else ():
        fold.take(flow.add(update))
    fold.take(flow.end())
    return fold.end()


class _Fold:
    """The detector over what the blocks give."""

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self._detector = detector_of(basis)
        self._assembly = Assembly(sources=(SOURCE,))
        # The first block's time, once there was one.
        self._begin_ms: int | None = None
        self.again = Again()

    def take(self, batches: Iterable[Any]) -> None:
        for batch in batches:
            for closed in self._assembly.add(batch):
                self._step(closed)

    def _step(self, closed: ClosedSlot) -> None:
        if closed.slot > self._basis.alert.slot:
            return
        self._note(closed.slot, closed.swaps)
        if self._begin_ms is None:
            # What was open before goes on: the first block is no interruption of it.
            self._begin_ms = closed.event_time_ms
            self._detector.fold(closed)
            return
        for alert in self._detector.step(closed):
            if alert.id == self._basis.alert.id:
                self.again.alert = alert
                self.again.reach = reach_of(self._detector.market, alert.mint, self._begin_ms)

    def _note(self, slot: int, swaps: tuple[Swap, ...]) -> None:
        if not swaps:
            return
        mint = self._basis.alert.mint
        self.again.mint_bodies += [encode(one) for one in swaps if one.mint == mint]
        self.again.swaps[slot] = len(swaps), digest_of_bodies(encode(one) for one in swaps)

    def end(self) -> Again:
        again = self.again
        again.blocks = [
            msgspec.structs.replace(
                one, swaps=again.swaps[one.slot][0], digest=again.swaps[one.slot][1]
            )
            if one.slot in again.swaps
            else one
            for one in again.blocks
        ]
        return again


def proof_of(basis: Basis, again: Again, beyond: list[str]) -> AlertProof:
    """The proof of an alert that came out the same."""
    return AlertProof(
        alert=basis.alert,
        rule=basis.rule,
        first_slot=basis.first_slot,
        last_slot=basis.alert.slot,
        begins=basis.begins,
        parser=VERSION,
        programs=programs_of(basis.own_programs).revision,
        blocks=tuple(again.blocks),
        mint_swaps=len(again.mint_bodies),
        mint_digest=digest_of_bodies(again.mint_bodies),
        own_programs=basis.own_programs,
        own_lists=basis.own_lists,
        earlier=basis.earlier,
        beyond=tuple(beyond),
    )
