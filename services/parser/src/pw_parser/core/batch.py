"""One PW_TX message in, exactly one batch out, plus what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

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
from pw_common.wire.messages import Batch, Counts, UnparsedAt
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


_NO_HEADERS: Final = TxHeaders(msg_id="", updates=0, source="", epoch=0, frontier_slot=0)
_NONE: Final[Mapping[int, str]] = {}


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
    read: list[Parsed] = []
    letters: list[DeadLetter] = []
    envelope, updates = _NO_HEADERS, 0
    try:
        envelope = read_tx_headers(headers)
        raw = decompress(body, DECOMPRESSED_BYTES_MAX)
    except BadEnvelope as error:
        letters.append(DeadLetter(None, str(error), body))
    else:
        updates, is_whole = _read(raw, crashing, programs, read, letters)
        if is_whole and updates != envelope.updates:
            # A message of another length than announced lost or gained updates on its
            # way; what was there is parsed, and the whole of it is kept to be looked at.
            why = f"{updates} updates found, Pw-Count promised {envelope.updates}"
            letters.append(DeadLetter(None, why, body))
    batch = Batch(
        tx_stream_created=tx_stream_created,
        tx_id=headers.get(MSG_ID, "")[:TEXT_MAX],
        gap=envelope.gap,
        tx_seq=tx_seq,
        source=envelope.source,
        epoch=envelope.epoch,
        frontier_slot=envelope.frontier_slot,
        counts=_counts(read, updates, len(letters)),
        events=tuple(event for one in read for event in one.events),
        unparsed=tuple(islice(_unparsed(read), UNPARSED_PER_BATCH_MAX)),
        transfer_coverage=envelope.coverage,
        programs=envelope.programs,
        filter=envelope.filter,
    )
    return Outcome(batch, tuple(letters), _tally(read))


def _read(
    raw: bytes,
    crashing: Mapping[int, str],
    programs: Programs,
    read: list[Parsed],
    letters: list[DeadLetter],
) -> tuple[int, bool]:
    """Add each update to `read` or `letters`; how many there were, and whether those were all."""
    position = 0
    try:
        for update in split(raw):
            reason = crashing.get(position)
            if reason is None:
                try:
                    read.append(parse(update, programs))
                except Malformed as error:
                    reason = str(error)
            if reason is not None:
                letters.append(DeadLetter(position, reason, frame(update)))
            position += 1
    except BadFrame as error:
        letters.append(DeadLetter(error.position, str(error), raw[error.offset :]))
        return position, False
    return position, True


def _counts(read: Sequence[Parsed], updates: int, malformed: int) -> Counts:
    kinds = Counter(one.kind for one in read)
    return Counts(
        updates=updates,
        transactions=kinds["transaction"],
        failed=sum(one.failed for one in read),
        votes=sum(one.vote for one in read),
        malformed=malformed,
        unparsed=sum(len(one.said.unparsed) for one in read),
        slots=kinds["slot"],
        blocks_meta=kinds["block_meta"],
    )


def _unparsed(read: Iterable[Parsed]) -> Iterator[UnparsedAt]:
    for one in read:
        for unparsed in one.said.unparsed:
            yield UnparsedAt(slot=one.slot, signature=one.signature, **unparsed._asdict())


def _tally(read: Sequence[Parsed]) -> Tally:
    called: Counter[str] = Counter()
    unparsed: Counter[str] = Counter()
    disagreements: Counter[str] = Counter()
    agreements: Counter[str] = Counter()
    for one in read:
        if one.said is NOTHING:
            # That of most updates: four empty counts of each would cost a hundredth of its parsing.
            continue
        for venue, count in one.said.called:
            called[venue] += count
        unparsed.update(each.venue for each in one.said.unparsed)
        disagreements.update(one.disagreements)
        agreements.update(one.agreements)
    slot = max((one.slot for one in read), default=0)
    return Tally(slot, called, unparsed, disagreements, agreements)
