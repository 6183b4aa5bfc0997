"""The stored configuration, which may be anything: what of it can be used, and why not.

Where the newest value cannot be used, the last good value is shown, which is what the services
hold, with a note that it is not the newest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pw_common.documents.channels import CHANNELS_BYTES_MAX, Channels, stored_channels
from pw_common.documents.document import BadDocument, decode
from pw_common.documents.programs import (
    ACKNOWLEDGED_BYTES_MAX,
    PROGRAMS_BYTES_MAX,
    AcknowledgedList,
    ProgramTable,
    stored_acknowledged,
    stored_programs,
)
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import get_message
from pw_common.jetstream.consuming.ranges import read_range
from pw_common.topology.subjects import (
    BUCKET_CONFIG,
    KEY_ACKNOWLEDGED,
    KEY_CHANNELS,
    KEY_CHANNELS_FILE,
    KEY_MUTES,
    KEY_PROGRAMS,
    KEY_TRIGGERS,
    KEY_WATCHLISTS,
)
from pw_detection.rules.lists import (
    MUTES_BYTES_MAX,
    WATCHLISTS_BYTES_MAX,
    Mutes,
    WatchLists,
    stored_mutes,
    stored_watchlists,
)
from pw_detection.rules.rules import BYTES_MAX, shipped_rules, stored_rules

HISTORY_MAX: Final = 32
STREAM: Final = f"KV_{BUCKET_CONFIG}"
KV_OPERATION: Final = "KV-Operation"
# As stored, with who and why: 32 of each fit into the bucket.
BYTES_MAX_OF: Final = {
    KEY_TRIGGERS: BYTES_MAX,
    KEY_WATCHLISTS: WATCHLISTS_BYTES_MAX,
    KEY_MUTES: MUTES_BYTES_MAX,
    KEY_CHANNELS: CHANNELS_BYTES_MAX,
    KEY_PROGRAMS: PROGRAMS_BYTES_MAX,
    KEY_ACKNOWLEDGED: ACKNOWLEDGED_BYTES_MAX,
}
READ: Final[dict[str, Callable[[bytes], Any]]] = {
    KEY_TRIGGERS: stored_rules,
    KEY_WATCHLISTS: stored_watchlists,
    KEY_MUTES: stored_mutes,
    KEY_CHANNELS: stored_channels,
    KEY_PROGRAMS: stored_programs,
    KEY_ACKNOWLEDGED: stored_acknowledged,
}
SHIPPED: Final[dict[str, Callable[[], Any]]] = {
    KEY_TRIGGERS: shipped_rules,
    KEY_WATCHLISTS: WatchLists,
    # The shipped ones lie below, and are nobody's entries.
    KEY_MUTES: Mutes,
    KEY_CHANNELS: Channels,
    KEY_PROGRAMS: ProgramTable,
    KEY_ACKNOWLEDGED: AcknowledgedList,
}


# What holds the entries of a document.
FIELD: Final = dict.fromkeys(READ, "entries") | {KEY_TRIGGERS: "rules"}


@dataclass(frozen=True)
class Kept:
    """What holds, the newest revision, and why that cannot be used (empty where it can)."""

    value: Any
    revision: int
    unusable: str = ""
    # Of channels: `stored`, of the notifier's `file`, or none, so that its `output` has alerts.
    origin: str = "stored"

    @property
    def said(self) -> dict[str, Any]:
        """The revision, and what is wrong with it."""
        fields: dict[str, Any] = {"revision": self.revision}
        return {**fields, "unusable": self.unusable} if self.unusable else fields


async def kept(bus: Bus, key: str) -> Kept:
    """What holds of a key. Raises BrokerAway, ApiRefused."""
    entry = await bus.kv_get(BUCKET_CONFIG, key)
    if entry is None:
        return await _channels_below(bus) if key == KEY_CHANNELS else Kept(SHIPPED[key](), 0)
    body, revision = entry
    try:
        return Kept(READ[key](body), revision)
    except BadDocument as error:
        why = f"revision {revision} cannot be used: {error.errors[0]}"
    for seq in (await revisions(bus, key)).seqs:
        body = await body_of(bus, seq)
        try:
            return Kept(READ[key](body), revision, f"{why}; revision {seq} holds")
        except BadDocument:
            continue
    return Kept(SHIPPED[key](), revision, f"{why}; what is shipped holds")


async def stored_lists(bus: Bus) -> tuple[WatchLists, Mutes]:
    """Whom rules look for and leave out at present. Raises BrokerAway, ApiRefused."""
    watched, mutes = await kept(bus, KEY_WATCHLISTS), await kept(bus, KEY_MUTES)
    return watched.value, mutes.value


async def _channels_below(bus: Bus) -> Kept:
    """What the notifier has from its file: a first change starts from these."""
    entry = await bus.kv_get(BUCKET_CONFIG, KEY_CHANNELS_FILE)
    if entry is None:
        return Kept(Channels(), 0, origin="output")
    try:
        return Kept(stored_channels(entry[0]), 0, origin="file")
    except BadDocument as error:
        why = f"the channels of the notifier's file cannot be read here: {error.errors[0]}"
        return Kept(Channels(), 0, why, origin="file")


@dataclass(frozen=True)
class Revisions:
    """The kept revisions of a key, newest first.

    Unless `is_all`, there were earlier ones: nobody knows what was before the oldest.
    """

    seqs: list[int]
    is_all: bool


async def revisions(bus: Bus, key: str) -> Revisions:
    """Which revisions of a key are kept. Raises BrokerAway, ApiRefused."""
    subject = f"$KV.{BUCKET_CONFIG}.{key}"
    stored = [one async for one in read_range(bus, STREAM, subject=subject, headers_only=True)]
    found = [one.seq for one in stored if KV_OPERATION not in one.headers]
    # A full bucket lets the oldest go for each new one, and what was deleted was there before.
    is_all = len(found) == len(stored) < HISTORY_MAX
    return Revisions(found[::-1][:HISTORY_MAX], is_all)


async def body_of(bus: Bus, seq: int) -> bytes:
    """One revision as it is stored; read one at a time, since all of them may be 32 MB."""
    message = await get_message(bus, STREAM, seq)
    return b"" if message is None else message.body


def read_revision(key: str, seq: int, body: bytes) -> dict[str, Any]:
    """A stored revision; one that cannot be used has no entries and says why. Slow where large."""
    try:
        READ[key](body)
        value = decode(body, dict[str, Any])
    except BadDocument as error:
        return {"revision": seq, FIELD[key]: [], "unusable": error.errors[0]}
    return {FIELD[key]: [], **value, "revision": seq}
