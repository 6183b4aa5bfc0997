"""Rules, watch lists and mutes from the `pw_config` bucket, each in force from a recorded slot.

The first detector that sees a new revision records the slot from which it holds, a little
ahead of what it has released; every other one, and every rebuild, takes that record. A value
that cannot be used changes nothing: the value before stays in force, and `unusable` says so.
"""

from __future__ import annotations

from typing import Final

import msgspec

from pw_common.documents.document import BadDocument, decode
from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.jetstream.consuming.log_reader import get_message
from pw_common.ordering.event_time import SLOT_MS
from pw_common.process.log import Log
from pw_common.topology.subjects import (
    BUCKET_CONFIG,
    BUCKET_DETECTOR,
    KEY_MUTES,
    KEY_TRIGGERS,
    KEY_WATCHLISTS,
)
from pw_common.wire.messages import encode
from pw_detector.core.apply_config import Change, why_unusable
from pw_detector.core.restart import HORIZON_MS

WRONG_LAST_SEQUENCE: Final = 10071
KEYS: Final = (KEY_TRIGGERS, KEY_WATCHLISTS, KEY_MUTES)
# Ahead of the released slot by this, so that a second detector has not passed it yet.
AHEAD_SLOTS: Final = 10
# What a restart folds again spans no more slots, were the chain twice as fast.
FOLDED_SLOTS: Final = 2 * HORIZON_MS // SLOT_MS


class EffectiveRevision(msgspec.Struct, frozen=True, kw_only=True, tag="in_force.v1"):
    """From which slot a revision of a configuration key holds."""

    key: str
    revision: int
    from_slot: int


class Configuration:
    """Knows which revision of each key the detector applied last."""

    def __init__(self, bus: Bus, log: Log) -> None:
        self._bus = bus
        self._log = log
        self._applied: dict[str, int] = dict.fromkeys(KEYS, 0)
        # Key -> why its newest value cannot be used.
        self.unusable: dict[str, str] = {}

    async def at_start(self, released_slot: int) -> list[Change]:
        """For each key what held while the slots passed that are folded again, and what follows.

        A wallet that was muted then was left out of windows that are still open.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        records: dict[str, list[EffectiveRevision]] = {key: [] for key in KEYS}
        for name, body in (await self._bus.kv_all(BUCKET_DETECTOR)).items():
            key, _, revision = name.partition(".")
            if key in records and revision.isdigit():
                try:
                    records[key].append(decode(body, EffectiveRevision))
                except BadDocument as error:
                    self._log.error("in_force_unreadable", name=name, reason=str(error))
        changes: list[Change] = []
        for key in KEYS:
            known = sorted(records[key], key=lambda record: record.revision)
            first_slot = released_slot - FOLDED_SLOTS
            before = [record for record in known if record.from_slot <= first_slot]
            after = [record for record in known if record.from_slot > first_slot]
            changes += await self._last_usable(before)
            for record in after:
                changes += await self._last_usable([record])
        return changes

    async def _last_usable(self, records: list[EffectiveRevision]) -> list[Change]:
        """The newest of these whose value can be used: what a running detector held."""
        for record in reversed(records):
            newest = record.revision > self._applied[record.key]
            self._applied[record.key] = max(self._applied[record.key], record.revision)
            change = await self._change(record)
            if change is not None and self._is_usable(change, newest=newest):
                return [change]
        return []

    async def newer(self, released_slot: int) -> list[Change]:
        """Revisions that appeared since; each is recorded before it is returned.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        changes: list[Change] = []
        for key in KEYS:
            entry = await self._bus.kv_get(BUCKET_CONFIG, key)
            if entry is None or entry[1] <= self._applied[key]:
                continue
            body, revision = entry
            if not self._is_usable(Change(key, revision, 0, body), newest=True):
                self._applied[key] = revision
                continue
            record = await self._record(key, revision, released_slot)
            self._applied[key] = revision
            changes.append(Change(key, revision, record.from_slot, body))
            self._log.info(
                "configuration_changes", key=key, revision=revision, from_slot=record.from_slot
            )
        return changes

    def _is_usable(self, change: Change, *, newest: bool) -> bool:
        why = why_unusable(change)
        if why:
            self._log.error(
                "configuration_refused", key=change.key, revision=change.revision, reason=why
            )
        if newest:
            self.unusable.pop(change.key, None)
            if why:
                self.unusable[change.key] = (
                    f"{change.key} of revision {change.revision} cannot be used ({why[:200]}): "
                    "what held before goes on; set it again"
                )
        return not why

    async def _record(self, key: str, revision: int, released_slot: int) -> EffectiveRevision:
        # Before the first slot there is nothing that a change could come too early for.
        from_slot = released_slot + AHEAD_SLOTS if released_slot else 0
        record = EffectiveRevision(key=key, revision=revision, from_slot=from_slot)
        name = f"{key}.{revision}"
        try:
            await self._bus.kv_put(BUCKET_DETECTOR, name, encode(record), revision=0)
        except ApiRefused as error:
            if error.err_code != WRONG_LAST_SEQUENCE:
                raise
            entry = await self._bus.kv_get(BUCKET_DETECTOR, name)
            if entry is not None:
                try:
                    return decode(entry[0], EffectiveRevision)
                except BadDocument as bad:
                    self._log.error("in_force_unreadable", name=name, reason=str(bad))
        return record

    async def _change(self, record: EffectiveRevision) -> Change | None:
        message = await get_message(self._bus, f"KV_{BUCKET_CONFIG}", record.revision)
        if message is None:
            self._log.warning(
                "configuration_history_gone", key=record.key, revision=record.revision
            )
            return None
        return Change(record.key, record.revision, record.from_slot, message.body)
