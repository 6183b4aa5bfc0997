"""Programs that trade and are in no table, as the detector counted them last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter

from pw_api.models.unlisted import UnlistedProgramView, UnlistedView
from pw_common.documents.document import BadDocument, decode
from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.text.base58 import is_address
from pw_common.topology.subjects import BUCKET_TOKENS, KEY_UNLISTED
from pw_common.wire.envelope import BadEnvelope, decompress
from pw_common.wire.limits import BATCH_BYTES_MAX
from pw_detection.unlisted import UnlistedPrograms

# Stream not found: provision has not run, and status says so.
NO_BUCKET: Final = 10059


def router(bus: Callable[[], Bus]) -> APIRouter:
    """The route below `/api/v1`. It stands before any `/programs/{id}`."""
    routes = APIRouter()

    @routes.get("/programs/unlisted")
    async def unlisted() -> UnlistedView:
        """Programs that trade and are in no table: how much, since when, three signatures."""
        return await unlisted_view(bus())

    return routes


async def unlisted_view(bus: Bus) -> UnlistedView:
    """What the detector wrote last; empty where it wrote nothing yet.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    found = await _stored(bus)
    return UnlistedView(
        since_ms=found.since_ms,
        event_time_ms=found.event_time_ms,
        swaps=found.swaps,
        unlisted_swaps=found.unlisted_swaps,
        share=round(found.unlisted_swaps / found.swaps, 6) if found.swaps > 0 else None,
        left_out=found.left_out,
        programs=found.programs,
        shown=[
            UnlistedProgramView(
                program=one.program,
                swaps=one.swaps,
                share=one.share,
                first_slot=one.first_slot,
                signatures=list(one.signatures),
                noticed_slot=one.noticed_slot,
            )
            for one in found.shown
            if is_address(one.program)
        ],
    )


async def _stored(bus: Bus) -> UnlistedPrograms:
    try:
        entry = await bus.kv_last(BUCKET_TOKENS, KEY_UNLISTED)
    except ApiRefused as error:
        if error.err_code != NO_BUCKET:
            raise
        entry = None
    if entry is None:
        return UnlistedPrograms()
    try:
        return decode(decompress(entry[0], BATCH_BYTES_MAX), UnlistedPrograms)
    except (BadEnvelope, BadDocument):
        return UnlistedPrograms()  # Of another version; it is written again within a second.
