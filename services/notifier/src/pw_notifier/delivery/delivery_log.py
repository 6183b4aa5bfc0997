"""What each channel sent, by compare-and-set: `sending` before, `sent` after.

A crash in between leaves `sending`: then nobody knows whether it went out, and the channel's
choice decides. `unsent` is what surely did not go out, or what an orderly end hands over: it
may be sent. Entries live longer than any alert may be late.
"""

from __future__ import annotations

import asyncio
from typing import Final, Literal, TypeAlias

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.topology.subjects import BUCKET_OUTBOX

SENDING: Final = b"sending"
SENT: Final = b"sent"
# It waits: whoever has the channel next may send it.
UNSENT: Final = b"unsent"
WRONG_LAST_SEQUENCE: Final = 10071
# A digest is noted in the time of a few answers, however far away the broker is.
AT_ONCE: Final = 32

Claim: TypeAlias = Literal["ours", "sent", "unsure"]


class DeliveryLog:
    """One channel's entries."""

    def __init__(self, bus: Bus, channel: str) -> None:
        self._bus = bus
        self._channel = channel
        # Revisions of what is claimed and not decided.
        self._revisions: dict[str, int] = {}
        # What went out while the broker was away: it must not go out again meanwhile.
        self._unnoted: set[str] = set()

    @property
    def kept(self) -> int:
        """How many alerts it has in hand."""
        return len(self._revisions) + len(self._unnoted)

    async def claim(self, alert_id: str, *, again: bool) -> Claim:
        """Say that we are about to send; only with `ours` may it be sent.

        `unsure` means that an earlier process was cut off while it sent.

        Args:
            again: Whether to send what is unsure.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        if alert_id in self._unnoted:
            await self._note_sent(alert_id)
            return "sent"
        if alert_id in self._revisions:
            return "ours"
        entry = await self._bus.kv_get(BUCKET_OUTBOX, self._key(alert_id))
        if entry is not None and entry[0] != UNSENT:
            return self._known(alert_id, entry, again=again)
        try:
            self._revisions[alert_id] = await self._bus.kv_put(
                BUCKET_OUTBOX,
                self._key(alert_id),
                SENDING,
                revision=entry[1] if entry is not None else 0,
            )
        except ApiRefused as error:
            if error.err_code != WRONG_LAST_SEQUENCE:
                raise
            # It was claimed before: a replica did not know, or the answer to our own was lost.
            entry = await self._bus.kv_last(BUCKET_OUTBOX, self._key(alert_id))
            if entry is None:
                raise
            return self._known(alert_id, entry, again=again)
        return "ours"

    def _known(self, alert_id: str, entry: tuple[bytes, int], *, again: bool) -> Claim:
        # Remembered only to send it: what is not sent now must not be ours the next time.
        if entry[0] == SENT:
            return "sent"
        if not again:
            return "unsure"
        self._revisions[alert_id] = entry[1]
        return "ours"

    async def sent(self, *alert_ids: str) -> None:
        """Say that these went out; all are remembered, whichever can be noted.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        self._unnoted.update(alert_ids)
        for at in range(0, len(alert_ids), AT_ONCE):
            some = alert_ids[at : at + AT_ONCE]
            for error in await asyncio.gather(*map(self._failing_to_note, some)):
                if error is not None:
                    raise error

    async def unsent(self, alert_id: str) -> None:
        """Say that a claimed alert may be sent after all. Raises BrokerAway, ApiRefused."""
        if alert_id in self._unnoted:
            await self._note_sent(alert_id)
            return
        if (revision := self._revisions.get(alert_id)) is None:
            return
        try:
            await self._bus.kv_put(BUCKET_OUTBOX, self._key(alert_id), UNSENT, revision=revision)
        except ApiRefused as error:
            if error.err_code != WRONG_LAST_SEQUENCE:
                raise
            # The answer to an earlier write was lost, or somebody else has claimed it since.
        self.forget(alert_id)

    def forget(self, alert_id: str) -> None:
        """It is not ours any more: it became a dead letter, or somebody else decides."""
        self._revisions.pop(alert_id, None)

    async def _failing_to_note(self, alert_id: str) -> BrokerAway | ApiRefused | None:
        try:
            await self._note_sent(alert_id)
        except (BrokerAway, ApiRefused) as error:
            # The others are noted all the same.
            return error
        return None

    async def _note_sent(self, alert_id: str) -> None:
        # Whatever is stored there, it went out.
        await self._bus.kv_put(BUCKET_OUTBOX, self._key(alert_id), SENT)
        self._unnoted.discard(alert_id)
        self.forget(alert_id)

    def _key(self, alert_id: str) -> str:
        return f"{self._channel}.{alert_id}"
