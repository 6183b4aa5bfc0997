"""Gaps and dead letters, read from their streams page by page, newest first."""

from __future__ import annotations

from pw_api.core.present import body_hex, whole_number
from pw_api.models.records import DeadLettersView, DeadLetterView, GapsView, GapView
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage, get_message
from pw_common.jetstream.consuming.pages import newest_first
from pw_common.topology.subjects import STREAM_DLQ, STREAM_GAP
from pw_common.wire.envelope import ORIGIN_SEQ, ORIGIN_STREAM, POSITION, REASON
from pw_common.wire.messages import WrongSchema, decode_gap

# Set by the broker when only headers are delivered.
MSG_SIZE = "Nats-Msg-Size"


async def gaps(bus: Bus, *, limit: int, before_seq: int | None) -> GapsView:
    """A page of gaps; raises BrokerAway, ApiRefused."""
    page = await newest_first(bus, STREAM_GAP, limit=limit, before_seq=before_seq)
    views: list[GapView] = []
    unreadable = 0
    for message in page.messages:
        try:
            views.append(_gap_view(message))
        except WrongSchema:
            unreadable += 1
    return GapsView(gaps=views, unreadable=unreadable, next_before_seq=page.next_before_seq)


async def dead_letters(
    bus: Bus, *, limit: int, before_seq: int | None, with_body: bool
) -> DeadLettersView:
    """A page of dead letters; raises BrokerAway, ApiRefused."""
    # Bodies are as large as what could not be read, so a page takes headers alone.
    page = await newest_first(
        bus, STREAM_DLQ, limit=limit, before_seq=before_seq, headers_only=True
    )
    views = []
    for message in page.messages:
        view = dead_letter_view(message)
        if with_body:
            whole = await get_message(bus, STREAM_DLQ, message.seq)
            if whole is not None:
                encoding, body, cut = body_hex(whole.headers, whole.body)
                view = view.model_copy(
                    update={"body_encoding": encoding, "body_hex": body, "body_cut": cut}
                )
        views.append(view)
    return DeadLettersView(dead_letters=views, next_before_seq=page.next_before_seq)


def dead_letter_view(message: StoredMessage) -> DeadLetterView:
    """A dead letter without its body."""
    headers = message.headers
    return DeadLetterView(
        seq=message.seq,
        time_ms=message.time_ms,
        service=message.subject.rpartition(".")[2],
        reason=headers.get(REASON, ""),
        origin_stream=headers.get(ORIGIN_STREAM, ""),
        origin_seq=whole_number(headers, ORIGIN_SEQ),
        position=whole_number(headers, POSITION),
        size_bytes=whole_number(headers, MSG_SIZE) or len(message.body),
    )


def _gap_view(message: StoredMessage) -> GapView:
    gap = decode_gap(message.body)
    return GapView(
        seq=message.seq,
        time_ms=message.time_ms,
        source=gap.source,
        epoch=gap.epoch,
        first_missing_slot=gap.first_missing_slot,
        last_missing_slot=gap.last_missing_slot,
        why=gap.why,
        filled=gap.filled,
    )
