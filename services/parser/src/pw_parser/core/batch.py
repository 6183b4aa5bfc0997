"""One PW_TX message in, exactly one batch out, plus what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from pw_common.wire.envelope import (
    MSG_ID,
    TEXT_MAX,
    BadEnvelope,
    TxHeaders,
    decompress,
    read_tx_headers,
)
from pw_common.wire.framing import BadFrame, frame, split
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX, UNPARSED_PER_BATCH_MAX
from pw_common.wire.messages import Batch, Counts, Event, UnparsedAt
from pw_parser.core.calls.statements import NOTHING
from pw_parser.core.decode.programs import BUILT_IN, Programs
from pw_parser.core.parse import Malformed, Parsed, parse


class DeadLetter(NamedTuple):
    """What could not be read, and why.

    `position` counts the updates before it; None means the whole message, `body`
    then being the message's body as received. Otherwise `body` is the update with
    its length, or, where the frames broke off, the rest of the sequence.
    """

    position: int | None
    reason: str
    body: bytes


class Tally(NamedTuple):
    """What the venues said, by venue: instructions, unexplained ones, swaps by their verdict.

    `slot` is the newest slot of the message, 0 where it held no transaction.
    """

    slot: int
    called: Mapping[str, int]
    unparsed: Mapping[str, int]
    disagreements: Mapping[str, int]
    agreements: Mapping[str, int] = {}


class Outcome(NamedTuple):
    """The answer to one message. `poisoned` says that nothing in it could be read."""

    batch: Batch
    dead_letters: tuple[DeadLetter, ...]
    tally: Tally

    @property
    def poisoned(self) -> bool:
        """Whether there were dead letters and no readable update."""
        counts = self.batch.counts
        readable = counts.transactions + counts.slots + counts.blocks_meta
        return bool(self.dead_letters) and readable == 0


_NO_HEADERS = TxHeaders(msg_id="", updates=0, source="", epoch=0, frontier_slot=0)


_NONE: Mapping[int, str] = {}


def parse_message(
    headers: Mapping[str, str],
    body: bytes,
    tx_seq: int,
    tx_stream_created: str,
    crashing: Mapping[int, str] = _NONE,
    programs: Programs = BUILT_IN,
) -> Outcome:
    """Parse every update of a message; a bad one costs only itself.

    Args:
        headers: The message's headers.
        body: Its zstd body.
        tx_seq: Its sequence in PW_TX.
        tx_stream_created: When that stream was created, RFC 3339.
        crashing: Position -> reason of updates that are known to end a parser.
        programs: The table that names programs.
    """
    fold = _Fold(tx_seq, tx_stream_created, headers.get(MSG_ID, "")[:TEXT_MAX], programs)
    try:
        envelope = read_tx_headers(headers)
    except BadEnvelope as error:
        return fold.whole(_NO_HEADERS, str(error), body)
    try:
        raw = decompress(body, DECOMPRESSED_BYTES_MAX)
    except BadEnvelope as error:
        return fold.whole(envelope, str(error), body)
    position = 0
    try:
        for update in split(raw):
            if position in crashing:
                fold.skip(position, crashing[position], update)
            else:
                fold.update(position, update)
            position += 1
    except BadFrame as error:
        fold.dead(error.position, str(error), raw[error.offset :])
        return fold.outcome(envelope)
    if position != envelope.updates:
        # A message of another length than announced lost or gained updates on its
        # way; what was there is parsed, and the whole of it is kept to be looked at.
        fold.dead(None, f"{position} updates found, Pw-Count promised {envelope.updates}", body)
    return fold.outcome(envelope)


class _Fold:
    """Counts and events of one message, as they add up."""

    def __init__(self, tx_seq: int, tx_stream_created: str, tx_id: str, programs: Programs) -> None:
        self.programs = programs
        self.tx_seq = tx_seq
        self.tx_id = tx_id
        self.tx_stream_created = tx_stream_created
        self.events: list[Event] = []
        self.letters: list[DeadLetter] = []
        self.updates = 0
        self.kinds = {"transaction": 0, "slot": 0, "block_meta": 0}
        self.failed = 0
        self.votes = 0
        self.slot = 0
        self.called: Counter[str] = Counter()
        self.unparsed: Counter[str] = Counter()
        self.disagreements: Counter[str] = Counter()
        self.agreements: Counter[str] = Counter()
        self.described: list[UnparsedAt] = []

    def update(self, position: int, update: bytes) -> None:
        self.updates += 1
        try:
            parsed = parse(update, self.programs)
        except Malformed as error:
            self.dead(position, str(error), frame(update))
            return
        self.kinds[parsed.kind] += 1
        self.failed += parsed.failed
        self.votes += parsed.vote
        self.events.extend(parsed.events)
        self.slot = max(self.slot, parsed.slot)
        if parsed.said is not NOTHING:
            self.statements(parsed)

    def statements(self, parsed: Parsed) -> None:
        said = parsed.said
        for venue, count in said.called:
            self.called[venue] += count
        self.disagreements.update(parsed.disagreements)
        self.agreements.update(parsed.agreements)
        for one in said.unparsed:
            self.unparsed[one.venue] += 1
            if len(self.described) < UNPARSED_PER_BATCH_MAX:
                self.described.append(
                    UnparsedAt(
                        venue=one.venue,
                        slot=parsed.slot,
                        signature=parsed.signature,
                        what=one.what,
                        tag=one.tag,
                    )
                )

    def skip(self, position: int, reason: str, update: bytes) -> None:
        self.updates += 1
        self.dead(position, reason, frame(update))

    def dead(self, position: int | None, reason: str, body: bytes) -> None:
        self.letters.append(DeadLetter(position, reason, body))

    def whole(self, envelope: TxHeaders, reason: str, body: bytes) -> Outcome:
        self.dead(None, reason, body)
        return self.outcome(envelope)

    def outcome(self, envelope: TxHeaders) -> Outcome:
        batch = Batch(
            tx_stream_created=self.tx_stream_created,
            tx_id=self.tx_id,
            gap=envelope.gap,
            tx_seq=self.tx_seq,
            source=envelope.source,
            epoch=envelope.epoch,
            frontier_slot=envelope.frontier_slot,
            counts=Counts(
                updates=self.updates,
                transactions=self.kinds["transaction"],
                failed=self.failed,
                votes=self.votes,
                malformed=len(self.letters),
                unparsed=self.unparsed.total(),
                slots=self.kinds["slot"],
                blocks_meta=self.kinds["block_meta"],
            ),
            events=tuple(self.events),
            unparsed=tuple(self.described),
            transfer_coverage=envelope.coverage,
            programs=envelope.programs,
            filter=envelope.filter,
        )
        tally = Tally(self.slot, self.called, self.unparsed, self.disagreements, self.agreements)
        return Outcome(batch, tuple(self.letters), tally)
