"""Captures through the whole pipeline without a broker: the same cores, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.zstd_end import check_whole
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.closed_slot import PLACED, ClosedSlot, Kinds
from pw_common.wire.alerts import Alert
from pw_common.wire.captures import BadCapture, read_capture
from pw_common.wire.envelope import compress, tx_headers
from pw_common.wire.framing import join
from pw_common.wire.messages import Batch
from pw_detection.detector import Detector
from pw_ingest.core.sequencing.identity import DISCONTINUITY
from pw_ingest.core.sequencing.outgoing import Outgoing, TxMessage
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_parser.core.batch import parse_message
from pw_parser.core.decode.programs import BUILT_IN, Programs

SOURCE = "main"
STREAM_CREATED = "offline"
# A filter name, field 1 of an update; repeated fields may stand anywhere.
_DECLARED = b"\x0a" + bytes([len(DISCONTINUITY)]) + DISCONTINUITY.encode()

# Which table of programs the messages of a slot are read with.
At: TypeAlias = Callable[[int], Programs]


def shipped(_slot: int) -> Programs:
    """The shipped table, at every slot."""
    return BUILT_IN


class Flow:
    """The pipeline, fed update by update: what PW_SWAP would hold comes out."""

    def __init__(self, programs: At = shipped) -> None:
        self._pipeline = Pipeline(SOURCE)
        self._numbers = iter(range(1, 2**62))
        self._programs = programs

    def add(self, update: bytes) -> Iterator[Batch]:
        """Take the next update."""
        yield from self._answers(self._pipeline.update(update, 0.0))

    def end(self) -> Iterator[Batch]:
        """Nothing follows."""
        yield from self._answers(self._pipeline.flush(0.0))
        yield from self._answers(self._pipeline.tick(3_600.0))

    def _answers(self, messages: Iterable[Outgoing]) -> Iterator[Batch]:
        for message in messages:
            if isinstance(message, TxMessage):
                body = compress(join(message.updates))
                headers = tx_headers(message.headers)
                seq = next(self._numbers)
                yield parse_message(
                    headers, body, seq, STREAM_CREATED, programs=self._programs(message.slot)
                ).batch
            self._pipeline.stored(message, is_duplicate=False)


def batches(captures: Iterable[Path], programs: At = shipped) -> Iterator[Batch]:
    """What PW_SWAP would hold; each capture but the first begins a new session.

    Raises:
        BadCapture: a file that cannot be read.
    """
    flow = Flow(programs)
    for at, capture in enumerate(captures):
        for position, update in enumerate(read_capture(_whole(capture))):
            yield from flow.add(update + _DECLARED if at and position == 0 else update)
    yield from flow.end()


def _whole(capture: Path) -> Path:
    """The same capture. Raises BadCapture where its archive breaks off, which no reader notices."""
    if capture.name.endswith(".zst") and capture.is_file():
        try:
            check_whole(capture)
        except (BadInput, OSError) as error:
            raise BadCapture(str(error)) from error
    return capture


def closed_slots(
    captures: Iterable[Path], programs: At = shipped, *, placed: Kinds = PLACED
) -> Iterator[ClosedSlot]:
    """Every slot that is proven complete, in chain order, with what it may hold."""
    assembly = Assembly(sources=(SOURCE,), placed=placed)
    for batch in batches(captures, programs):
        yield from assembly.add(batch)


def alerts(captures: Iterable[Path], detector: Detector, programs: At = shipped) -> Iterator[Alert]:
    """What a detector with this configuration gives out."""
    for closed in closed_slots(captures, programs):
        yield from detector.step(closed)
