"""Tables of programs at the broker: which is in force, and every table that ever was, by its stamp.

The newest usable value of `programs` in `pw_config` is in force. Before it is named in any
message, it is copied into `pw_programs` under its stamp, since the history of `pw_config` is
shorter than a backlog can be. So a stamp always leads to its table, and to no other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from pw_common.documents.document import BadDocument
from pw_common.documents.programs import ProgramTable, stored_programs
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.consuming.ranges import read_range
from pw_common.process.log import Log
from pw_common.topology.subjects import BUCKET_CONFIG, BUCKET_PROGRAMS, KEY_PROGRAMS
from pw_common.wire.envelope import stamp_of

BUCKETS: Final = (f"KV_{BUCKET_CONFIG}", f"KV_{BUCKET_PROGRAMS}")
WRONG_LAST_SEQUENCE: Final = 10071
# As many as the bucket keeps.
HISTORY_MAX: Final = 32
# How many looks pass between two checks that the copy in force is still there.
MEND_LOOKS: Final = 10
KV_OPERATION: Final = "KV-Operation"


class NoTable(LookupError):
    """The table of a stamp cannot be had; says why."""


class ActiveProgramTable:
    """Follows which table is in force. `stamp` is empty for the shipped table alone.

    What cannot be used or stored changes nothing, and `trouble` says so.
    """

    def __init__(self, bus: Bus, log: Log) -> None:
        self._bus = bus
        self._log = log
        self._looked_at: str | None = None
        self._looks = 0
        self.stamp = ""
        self.trouble = ""

    async def look(self) -> None:
        """See what is in force now. Raises BrokerAway, ApiRefused."""
        entry = await self._bus.kv_get(BUCKET_CONFIG, KEY_PROGRAMS)
        newest = "" if entry is None else stamp_of(entry[1], entry[0])
        if newest == self._looked_at:
            await self._mend(entry)
            return
        stamp, trouble, is_settled = "", "", True
        if entry is not None:
            stamp, trouble, is_settled = await self._usable(*entry)
        if stamp != self.stamp:
            self._log.info("programs_in_force", programs=stamp or "shipped", was=self.stamp)
        if trouble and trouble != self.trouble:
            self._log.error("programs_refused", reason=trouble)
        self.stamp, self.trouble = stamp, trouble
        # What could not be stored is tried again with the next look.
        self._looked_at = newest if is_settled else None

    async def _mend(self, entry: tuple[bytes, int] | None) -> None:
        """Copy again what the history has, where the copy in force is gone: a bucket made again."""
        self._looks += 1
        if entry is None or not self.stamp or self._looks % MEND_LOOKS:
            return
        if await self._bus.kv_get(BUCKET_PROGRAMS, self.stamp) is not None:
            return
        self._log.error("programs_copy_gone", programs=self.stamp)
        async for body, revision in self._values(*entry):
            try:
                stored_programs(body)
            except BadDocument:
                continue
            await self._keep(stamp_of(revision, body), body)

    async def _usable(self, body: bytes, revision: int) -> tuple[str, str, bool]:
        """The newest usable stamp, why the newest value has none, and whether that is final."""
        trouble, is_settled = "", True
        async for body_, revision_ in self._values(body, revision):
            stamp = stamp_of(revision_, body_)
            try:
                stored_programs(body_)
                await self._keep(stamp, body_)
            except BadDocument as error:
                why = f"cannot be used ({error.errors[0][:200]})"
            except BrokerAway as error:
                why, is_settled = f"cannot be stored ({error})", False
            else:
                return stamp, trouble, is_settled
            trouble = trouble or (
                f"programs of revision {revision_} {why}: what held before goes on; set it again"
            )
        return "", trouble, is_settled

    async def _values(self, body: bytes, revision: int) -> AsyncIterator[tuple[bytes, int]]:
        """The newest value, then those before it, newest first."""
        yield body, revision
        subject = f"$KV.{BUCKET_CONFIG}.{KEY_PROGRAMS}"
        stored = read_range(
            self._bus, f"KV_{BUCKET_CONFIG}", last_seq=revision - 1, subject=subject
        )
        earlier = [(one.body, one.seq) async for one in stored if KV_OPERATION not in one.headers]
        for one in reversed(earlier):
            yield one

    async def _keep(self, stamp: str, body: bytes) -> None:
        if await self._bus.kv_get(BUCKET_PROGRAMS, stamp) is not None:
            return
        try:
            await self._bus.kv_put(BUCKET_PROGRAMS, stamp, body, revision=0)
        except ApiRefused as error:
            if error.err_code != WRONG_LAST_SEQUENCE:
                raise BrokerAway(str(error)) from error


async def table_of(bus: Bus, stamp: str) -> ProgramTable:
    """The table of a stamp.

    Raises:
        NoTable: it is not there, cannot be used, or the broker is away; says why.
    """
    try:
        entry = await bus.kv_get(BUCKET_PROGRAMS, stamp)
    except BrokerAway as error:
        raise NoTable(str(error)) from error
    if entry is None:
        raise NoTable(f"not in {BUCKET_PROGRAMS}")
    body, _ = entry
    if stamp_of(int(stamp.partition(".")[0]), body) != stamp:
        raise NoTable(f"its value in {BUCKET_PROGRAMS} is another table")
    try:
        return stored_programs(body)
    except BadDocument as error:
        raise NoTable(error.errors[0]) from error
