"""Captures through the whole pipeline without a broker: the same cores, one after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pw_common.alerts import Alert
from pw_common.captures import read_capture
from pw_common.envelope import compress, tx_headers
from pw_common.framing import join
from pw_common.messages import Batch
from pw_detection.assembly import Assembly, ClosedSlot
from pw_detection.detector import Detector
from pw_ingest.core.identity import DISCONTINUITY
from pw_ingest.core.pipeline import Outgoing, Pipeline, TxMessage
from pw_parser.core.batch import parse_message

SOURCE = "main"
STREAM_CREATED = "offline"
# A filter name, field 1 of an update; repeated fields may stand anywhere.
_DECLARED = b"\x0a" + bytes([len(DISCONTINUITY)]) + DISCONTINUITY.encode()


def batches(captures: Iterable[Path]) -> Iterator[Batch]:
    """What PW_SWAP would hold; each capture but the first begins a new epoch.

    Raises:
        BadCapture: a file that cannot be read.
    """
    pipeline = Pipeline(SOURCE)
    numbers = iter(range(1, 2**62))
    for at, capture in enumerate(captures):
        for position, update in enumerate(read_capture(capture)):
            declared = update + _DECLARED if at and position == 0 else update
            yield from _answers(pipeline, pipeline.update(declared, 0.0), numbers)
    yield from _answers(pipeline, pipeline.flush(0.0), numbers)
    yield from _answers(pipeline, pipeline.tick(3_600.0), numbers)


def closed_slots(captures: Iterable[Path]) -> Iterator[ClosedSlot]:
    """Every slot that is proven complete, in chain order."""
    assembly = Assembly(sources=(SOURCE,))
    for batch in batches(captures):
        yield from assembly.add(batch)


def alerts(captures: Iterable[Path], detector: Detector) -> Iterator[Alert]:
    """What a detector with this configuration gives out."""
    for closed in closed_slots(captures):
        yield from detector.step(closed)


def _answers(
    pipeline: Pipeline, messages: Iterable[Outgoing], numbers: Iterator[int]
) -> Iterator[Batch]:
    for message in messages:
        if isinstance(message, TxMessage):
            body = compress(join(message.updates))
            headers = tx_headers(message.headers)
            yield parse_message(headers, body, next(numbers), STREAM_CREATED).batch
        pipeline.stored(message, is_duplicate=False)
