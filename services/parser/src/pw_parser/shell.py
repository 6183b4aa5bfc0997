"""Between the broker and the core: a delivery becomes what must be stored before its ack."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.worker import (
    Delivery,
    Durable,
    Handle,
    Hooks,
    Worker,
    WorkerLimits,
)
from pw_common.jetstream.publishing.outcome import Done, Publish
from pw_common.jetstream.publishing.publisher import Publisher, Stored
from pw_common.process.clock import monotonic_s
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks
from pw_common.service.begin import begun
from pw_common.service.metrics import Metrics
from pw_common.service.run import Runtime
from pw_common.topology.queue_name import queue_name
from pw_common.topology.subjects import (
    CONSUMER_PARSER,
    STREAM_DLQ,
    STREAM_SWAP,
    STREAM_TX,
    SWAP_BATCH,
    dead_letter,
)
from pw_common.wire.envelope import (
    CONTENT_ENCODING,
    MSG_ID,
    ORIGIN_SEQ,
    ORIGIN_STREAM,
    POSITION,
    PROGRAMS,
    REASON,
    REPLAY_ID,
    SCHEMA,
    SCHEMA_BATCH,
    SCHEMA_DEAD_LETTER,
    TRACEPARENT,
    ZSTD,
    BadEnvelope,
    compress,
    read_stamp,
)
from pw_common.wire.limits import PARSER_ACK_WAIT_S, PARSER_FETCH, POISON_RUN_MAX
from pw_common.wire.messages import Swap, encode
from pw_parser.again import Again
from pw_parser.core.batch import DeadLetter, Outcome, parse_message
from pw_parser.drifting import AcknowledgedWatch, Drift
from pw_parser.isolate import PARSE, SUSPECT_DELIVERIES, NoVerdict, crashing_updates
from pw_parser.tables import SHIPPED, Tables

NEEDS = (STREAM_TX, STREAM_SWAP, STREAM_DLQ)
REASON_CHARACTERS_MAX = 300


@dataclass(frozen=True)
class Answer(Done):
    """A `Done` with what was read, which is counted once it is stored."""

    outcome: Outcome = field(kw_only=True)

    @property
    def swaps(self) -> int:
        """How many trades the message held."""
        return sum(isinstance(event, Swap) for event in self.outcome.batch.events)


LIMITS = WorkerLimits(
    fetch=PARSER_FETCH, ack_wait_s=PARSER_ACK_WAIT_S, poison_run_max=POISON_RUN_MAX
)


async def run_parser(runtime: Runtime) -> None:
    """Parse PW_TX until told to stop."""
    metrics = runtime.metrics
    queue = Queue(runtime.bus)
    await begun(runtime, queue.look, NEEDS)
    drift = Drift(runtime.log)
    runtime.drift = drift.now
    acknowledged = AcknowledgedWatch(runtime, drift)
    tables = Tables(runtime.bus, runtime.log, metrics, runtime)
    publisher = Publisher(
        runtime.bus,
        runtime.log,
        on_retry=lambda why: metrics.count("pw_publish_retries_total", why=why),
    )
    await publisher.start()
    runtime.set_ready()
    watching = asyncio.create_task(acknowledged.watch(), name="acknowledged")
    try:
        worker = Worker(
            runtime.bus,
            publisher,
            handler(queue, metrics, log=runtime.log, tables=tables, stop=runtime.stop),
            Durable(STREAM_TX, CONSUMER_PARSER),
            LIMITS,
            runtime.log,
            Parsing(runtime, queue, drift),
        )
        await worker.run(runtime.stop)
    finally:
        await end_tasks(watching)
        await publisher.stop()


class Parsing(Hooks):
    """What the parser adds to the consume loop."""

    def __init__(self, runtime: Runtime, queue: Queue, drift: Drift) -> None:
        self._runtime = runtime
        self._queue = queue
        self._drift = drift
        self._again = Again(runtime.bus, runtime.log)

    async def also(self, done: Done, stored: list[Stored]) -> tuple[Publish, ...]:
        """What an earlier answer to the same message left out."""
        if not isinstance(done, Answer):
            return ()
        return await self._again.answer(done.outcome.batch, stored)

    async def on_back(self) -> None:
        """Learn which PW_TX this is."""
        await self._queue.look()

    def on_stored(self, _delivery: Delivery, done: Done, stored: list[Stored]) -> None:
        """Count it."""
        count(self._runtime.metrics, self._drift, done, stored)

    def on_health(self, reason: str) -> None:
        """Ready, or why not."""
        self._runtime.set_ready(reason)

    def on_swept(self, count: int) -> None:
        """Count them."""
        self._runtime.metrics.count("pw_parser_swept_total", count)


class Queue:
    """The PW_TX that our messages come from: recreated or restored, it reuses sequences."""

    def __init__(self, bus: Bus | None, created: str = "") -> None:
        self._bus = bus
        self.created = created

    async def look(self) -> None:
        """Learn its name. Raises BrokerAway, ApiRefused."""
        if self._bus is not None:
            self.created = queue_name(await self._bus.api(f"STREAM.INFO.{STREAM_TX}"))


def handler(
    queue: Queue,
    metrics: Metrics,
    *,
    parse_module: str = PARSE,
    log: Log | None = None,
    tables: Tables | None = None,
    stop: asyncio.Event | None = None,
) -> Handle:
    """The worker's `handle`: parse and say what to store."""
    log = log or Log("parser")
    stop = stop or asyncio.Event()

    async def handle(delivery: Delivery) -> Done:
        table = SHIPPED
        if tables is not None:
            table = await tables.of(_stamp(delivery), stop)
        crashing: dict[int, str] = {}
        if delivery.delivered >= SUSPECT_DELIVERIES:
            try:
                crashing = await crashing_updates(
                    delivery.body, module=parse_module, table=table.own
                )
            except NoVerdict as error:
                # Suspicion alone makes no dead letter: parsed here, and if that ends us, the
                # next delivery is tried in a child again.
                log.warning("no_verdict", seq=delivery.seq, reason=str(error))
        begun_s = monotonic_s()
        outcome = parse_message(
            delivery.headers,
            delivery.body,
            delivery.seq,
            queue.created,
            crashing,
            table.programs,
        )
        metrics.observe("pw_parser_parse_duration_seconds", monotonic_s() - begun_s)
        return answer(delivery, outcome)

    return handle


def _stamp(delivery: Delivery) -> str:
    try:
        return read_stamp(delivery.headers)
    except BadEnvelope:
        return ""  # The message becomes a dead letter whole: no table reads it.


def answer(delivery: Delivery, outcome: Outcome) -> Answer:
    """What to store for a parsed message; every id is a function of the input."""
    batch = outcome.batch
    # Without a readable id of its own, a message is known by stream and sequence.
    origin = delivery.headers.get(MSG_ID) or f"{batch.tx_stream_created}:{delivery.seq}"
    headers = {
        MSG_ID: f"swap:{origin}",
        CONTENT_ENCODING: ZSTD,
        SCHEMA: SCHEMA_BATCH,
    }
    if traceparent := delivery.headers.get(TRACEPARENT):
        headers[TRACEPARENT] = traceparent
    return Answer(
        outputs=(Publish(SWAP_BATCH, compress(encode(batch)), headers),),
        dead_letters=tuple(_letter(delivery, origin, one) for one in outcome.dead_letters),
        # Dead letters that are tried again say nothing of the source, however many there are.
        poisoned=outcome.poisoned and not origin.startswith(REPLAY_ID),
        outcome=outcome,
    )


def _letter(delivery: Delivery, origin: str, letter: DeadLetter) -> Publish:
    position = "" if letter.position is None else str(letter.position)
    headers = {
        MSG_ID: f"dead:{origin}:{position or 'all'}",
        SCHEMA: SCHEMA_DEAD_LETTER,
        REASON: _header_text(letter.reason),
        ORIGIN_STREAM: STREAM_TX,
        ORIGIN_SEQ: str(delivery.seq),
    }
    if stamp := delivery.headers.get(PROGRAMS):
        # Sent back, it is to be read with the same table.
        headers[PROGRAMS] = _header_text(stamp)
    if letter.position is None:
        # The body travels as it came, whatever that was.
        if encoding := delivery.headers.get(CONTENT_ENCODING):
            headers[CONTENT_ENCODING] = encoding
        return Publish(dead_letter("parser"), letter.body, headers)
    headers[POSITION] = position
    headers[CONTENT_ENCODING] = ZSTD
    return Publish(dead_letter("parser"), compress(letter.body), headers)


def count(metrics: Metrics, drift: Drift, done: Done, stored: list[Stored]) -> None:
    """Count a message once everything of it is stored."""
    metrics.count("pw_parser_messages_total")
    for one in stored:
        if one.duplicate:
            metrics.count("pw_stored_duplicates_total", stream=one.stream)
    if not isinstance(done, Answer):
        return
    batch, letters, tally = done.outcome
    counts = batch.counts
    metrics.count("pw_parser_transactions_total", counts.transactions)
    metrics.count("pw_parser_failed_total", counts.failed)
    metrics.count("pw_parser_votes_total", counts.votes)
    metrics.count("pw_parser_swaps_total", done.swaps)
    metrics.count("pw_parser_dead_letters_total", len(letters))
    for venue, unparsed in tally.unparsed.items():
        metrics.count("pw_parser_unparsed_total", unparsed, venue=venue)
    for venue, disagreements in tally.disagreements.items():
        metrics.count("pw_parser_disagreements_total", disagreements, venue=venue)
    drift.take(tally, batch.unparsed)


def _header_text(text: str) -> str:
    """One line of printable ASCII: a header can hold nothing else."""
    plain = text.encode("ascii", "backslashreplace").decode("ascii")
    return "".join(c if c.isprintable() else " " for c in plain)[:REASON_CHARACTERS_MAX]
