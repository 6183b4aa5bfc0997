"""From updates to messages: session, batches, gaps and the frontier, in one place.

The shell feeds updates, the time and acknowledgements; it gets back what to
publish. The order of the returned messages is the order to send them in.

    event                      | messages                              | state
    an update                  | batches that are full                 | it is counted and held
    a block_meta               | the batch with it, a gap that it      | slots close; the frontier
                               | shows                                 | follows what is stored
    a declared discontinuity   | what was held, under the old session  | the next session, unless
                               |                                       | this one is empty
    an update of an older time | as for a discontinuity                | the next session
    256 old blocks in a row    | -                                     | the next session
    time                       | a lingering batch, or a frontier      | -
                               | that nothing has carried              |
    stored                     | -                                     | the frontier, at most
    resumed                    | -                                     | the session goes on after
                               |                                       | what is complete
    live                       | with its first block: the gap before  | the next session

Every update goes into exactly one message, in the order received. A message's
frontier claims only what was stored, or recorded as a gap, before it was built.
The stages of a session are in `session.py`, what a block_meta closes is in `chain.py`.
"""

from __future__ import annotations

from pw_common.wire.coverage import UNKNOWN, transfer_coverage
from pw_common.wire.envelope import TxHeaders, tx_msg_id
from pw_common.wire.messages import Gap, SourceState
from pw_ingest.core.sequencing.batcher import Batcher, Cut
from pw_ingest.core.sequencing.chain import Chain, Missing
from pw_ingest.core.sequencing.frontier import Frontier
from pw_ingest.core.sequencing.identity import META, PING, TX, Seen, read_update
from pw_ingest.core.sequencing.outgoing import GapMessage, Outgoing, Totals, TxMessage
from pw_ingest.core.sequencing.session import Loss, Session

# The frontier travels alone when no message has carried it for this long.
FRONTIER_LINGER_S = 0.1
# Updates of a slot can come after its block_meta: a restart asks for these again.
CHECKPOINT_BEHIND_SLOTS = 2

# After a resume a source may send from this far before what was asked: another
# node behind the same name. From further back, it has started over.
BEHIND_SLOTS_MAX = 32

CHAIN_BROKEN = "parent chain broken"


class Pipeline:
    """The state of one source."""

    def __init__(self, source: str, filter_: str = UNKNOWN) -> None:
        self._source = source
        # What the streams that are open let us see; what is held is flushed before it widens.
        self.filter = filter_
        self._batcher = Batcher()
        self._chain = Chain()
        self._session = Session()
        self.totals = Totals()
        self._discontinuity_slot: int | None = None
        # The frontier that the last message claimed, and when that was.
        self._carried_slot = 0
        self._sent_at_s = 0.0
        self.frontier = Frontier()

    @property
    def session(self) -> int:
        """The number of the session."""
        return self._session.number

    def restore(self, state: SourceState | None) -> None:
        """Continue from what an earlier run wrote; before anything else."""
        if state is None:
            return
        self._session.restore(state.epoch, state.checkpoint_slot)
        # Sent before the restart; it need not travel again.
        self._carried_slot = state.checkpoint_slot
        self.frontier.restart(state.checkpoint_slot)
        self.resumed()

    def abandon(self, state: SourceState) -> None:
        """Another session than that of a checkpoint that cannot be true; before anything else."""
        self._session.abandon(state.epoch)
        self._begin_again()

    @property
    def checkpoint_slot(self) -> int | None:
        """Where a restart may continue: everything up to here is stored, late updates included."""
        behind = self.frontier.slot - CHECKPOINT_BEHIND_SLOTS
        if behind <= 0:
            return self._session.checkpoint_slot
        return max(behind, self._session.checkpoint_slot or 0)

    def went_back(self, slot: int) -> None:
        """The queue was restored from an older copy: what came after `slot` is asked for again."""
        slot = max(0, slot - CHECKPOINT_BEHIND_SLOTS)
        slot = min(slot, self._session.checkpoint_slot or slot)
        self._session.checkpoint_slot = self._carried_slot = slot
        self.frontier.restart(slot)
        self._chain.restart()
        self.resumed()

    def state(self) -> SourceState | None:
        """The checkpoint to write, or None while this session has nothing to claim.

        A new source counts everything before its first slot as stored, so a restart resumes there.
        """
        checkpoint_slot = self.checkpoint_slot
        first_slot = self._session.first_slot
        if checkpoint_slot is None and self._session.is_origin and first_slot:
            checkpoint_slot = first_slot - 1
        if checkpoint_slot is None:
            return None
        return SourceState(
            source=self._source,
            epoch=self.session,
            checkpoint_slot=checkpoint_slot,
            frontier_slot=max(self.frontier.slot, checkpoint_slot),
        )

    def update(self, update: bytes, now_s: float) -> list[Outgoing]:
        """Take one update as received."""
        return self.take(update, read_update(update), now_s)

    def take(
        self,
        update: bytes,
        seen: Seen,
        now_s: float,
        *,
        declared: bool = True,
        behind_slot: int | None = None,
    ) -> list[Outgoing]:
        """As `update`, for an update that was read already.

        Args:
            update: The bytes.
            seen: What was read of it.
            now_s: The time, monotonic.
            declared: Whether it may declare a discontinuity.
            behind_slot: Where the slowest of several endpoints is; None for one alone.
        """
        identity = seen.identity
        kind = identity.kind
        if kind == PING:
            return []
        out: list[Outgoing] = []
        if seen.is_discontinuity and declared:
            self._discontinuity(identity.slot, out)
        elif 0 < identity.slot < self._session.floor_slot and kind in {TX, META}:
            out.extend(self.flush(now_s))
            self._start_session()
        self.totals.count(seen, len(update))
        self._session.received(identity.slot)
        cuts = self._batcher.add(update, identity, now_s, ends_slot=kind == META)
        if cuts:
            out.extend([self._message(cut, now_s) for cut in cuts])
        if kind == META:
            self._block(identity.slot, seen.parent_slot, behind_slot, out)
        return out

    def tick(self, now_s: float) -> list[Outgoing]:
        """What time alone makes due: a lingering batch, or the frontier alone."""
        cut = self._batcher.due(now_s)
        if cut is not None:
            return [self._message(cut, now_s)]
        slot = self.frontier.slot
        if slot > self._carried_slot and now_s - self._sent_at_s >= FRONTIER_LINGER_S:
            return [self._frontier_message(now_s)]
        return []

    def flush(self, now_s: float) -> list[Outgoing]:
        """Everything held, for a stop or before another stream."""
        cut = self._batcher.flush()
        return [] if cut is None else [self._message(cut, now_s)]

    def stored(self, message: Outgoing, *, is_duplicate: bool) -> None:
        """The broker has said that a message is stored."""
        self.frontier.stored(message.number)
        if is_duplicate and isinstance(message, TxMessage) and message.updates:
            # What the broker already had carries an older frontier: say it again.
            headers = message.headers
            if headers.epoch == self.session and headers.frontier_slot == self._carried_slot:
                self._carried_slot = 0

    def resume_from(self) -> int | None:
        """The first slot to ask the source for, or None when there is nothing to resume."""
        checkpoint_slot = self.checkpoint_slot
        return self._session.first_slot if checkpoint_slot is None else checkpoint_slot + 1

    @property
    def complete_slot(self) -> int | None:
        """Up to here everything of this session was received, stored or not yet."""
        if self._chain.closed_slot is not None:
            return self._chain.closed_slot
        resume_from = self.resume_from()
        return None if resume_from is None else resume_from - 1

    def resumed(self, from_slot: int | None = None, *, break_why: str = "") -> None:
        """A new stream begins that continues this session.

        Args:
            from_slot: What it is asked for; None for `resume_from` as it is now.
            break_why: Why the source cannot give all of it; empty when it can.
        """
        complete_slot = self.complete_slot
        if complete_slot is None:
            self._chain.restart()
            return
        self._session.lose(break_why)
        asked_slot = from_slot or self.resume_from() or 0
        self._session.floor_slot = max(0, asked_slot - BEHIND_SLOTS_MAX)
        self._chain.resume(complete_slot, is_break=bool(break_why), asked_slot=asked_slot)

    def left_out(self, why: str, *, is_whole: bool) -> None:
        """The next block does not follow the last one; what lies between becomes a gap.

        Args:
            why: For the gap.
            is_whole: Whether the last block is beyond doubt; else the gap begins with it.
        """
        if not is_whole:
            self.resumed(break_why=why)
            return
        self._chain.skip()
        self._session.lose(why)

    def live(self, why: str) -> None:
        """A new stream begins that does not continue: another session, and a gap before it."""
        complete_slot = self.complete_slot
        self._start_session()
        if complete_slot is not None:
            self._session.loss = Loss(why, complete_slot)

    def too_large(self, message: TxMessage, why: str) -> GapMessage:
        """A message that the broker can never take: its slot is recorded as a gap instead."""
        missing = Missing(message.slot, message.slot)
        return GapMessage(message.number, self._gap(missing, why))

    def _discontinuity(self, slot: int, out: list[Outgoing]) -> None:
        if slot == self._discontinuity_slot:
            return  # Declared once a slot, however many of its updates say so.
        self._discontinuity_slot = slot
        if self._session.is_empty:
            self._session.loss = None  # The source says that nothing belongs between.
            return
        out.extend(self.flush(self._sent_at_s))
        self._start_session()

    def _start_session(self) -> None:
        self._session.next()
        self._begin_again()

    def _begin_again(self) -> None:
        self._carried_slot = 0
        self.frontier.restart()
        self._chain.restart()

    def _block(
        self, slot: int, parent_slot: int, behind_slot: int | None, out: list[Outgoing]
    ) -> None:
        self._record_start(slot, out)
        step = self._chain.block(slot, parent_slot, behind_slot=behind_slot)
        if step.went_back:
            # Its updates so far are stored under the old session: there, but not windowed.
            self._start_session()
            self._chain.block(slot, parent_slot)
            return
        if step.missing is not None:
            loss = self._session.take_loss()
            self._record(step.missing, loss.why if loss else CHAIN_BROKEN, out)
        elif not self._chain.is_broken:
            self._session.loss = None  # The block follows: nothing was lost.
        if step.closed_slot is not None:
            self._session.floor_slot = 0
            self.frontier.closed(step.closed_slot)

    def _record_start(self, slot: int, out: list[Outgoing]) -> None:
        """What a live start lost ends with the slot of its first block."""
        if not self._session.waits_for_start:
            return
        loss = self._session.take_loss()
        if loss is not None and loss.after_slot is not None and loss.after_slot < slot:
            # The stream may have begun in the middle of this slot; a backfill drops what came.
            self._record(Missing(loss.after_slot + 1, slot), loss.why, out)

    def _record(self, missing: Missing, why: str, out: list[Outgoing]) -> None:
        if missing.first_slot <= missing.last_slot:
            gap = self._gap(missing, why)
            out.append(GapMessage(self.frontier.sent(), gap))

    def _gap(self, missing: Missing, why: str) -> Gap:
        self.totals.gaps += 1
        return Gap(
            source=self._source,
            epoch=self.session,
            first_missing_slot=missing.first_slot,
            last_missing_slot=missing.last_slot,
            why=why,
        )

    def _message(self, cut: Cut, now_s: float) -> TxMessage:
        headers = self._headers(tx_msg_id(cut.identities), len(cut.updates), now_s)
        slot = max(identity.slot for identity in cut.identities)
        return TxMessage(self.frontier.sent(), headers, cut.updates, slot)

    def _frontier_message(self, now_s: float) -> TxMessage:
        slot = self.frontier.slot
        msg_id = f"tx:frontier:{self._source}:{self.session}:{slot}"
        return TxMessage(self.frontier.sent(), self._headers(msg_id, 0, now_s), [], slot)

    def _headers(self, msg_id: str, updates: int, now_s: float) -> TxHeaders:
        self._sent_at_s = now_s
        self._carried_slot = self.frontier.slot
        return TxHeaders(
            msg_id,
            updates,
            self._source,
            self.session,
            self.frontier.slot,
            coverage=transfer_coverage(self.filter),
            filter=self.filter,
        )
