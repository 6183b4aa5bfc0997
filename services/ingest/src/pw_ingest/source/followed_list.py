"""Which addresses are followed: those of the settings, or those that are watched by now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.service.run import Runtime
from pw_common.topology.subjects import BUCKET_CONFIG, KEY_WATCHLISTS
from pw_common.wire.coverage import PROGRAMS, followed
from pw_ingest.checks import WATCHED, followed_addresses
from pw_ingest.config import Settings
from pw_ingest.core.rpc.followed import ADDRESSES_MAX
from pw_ingest.core.subscription.ladder import Rung
from pw_ingest.core.subscription.programs import Program, is_address, subscription

LOOK_S: Final = 2.0


class _Entry(msgspec.Struct):
    address: str


class _List(msgspec.Struct):
    entries: list[_Entry] = []


class Followed:
    """The addresses of a source that follows some; without one everything here does nothing."""

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        self._settings = settings
        self._runtime = runtime
        self._addresses: tuple[str, ...] = ()
        if settings.rpc_follow not in {"", WATCHED}:
            self._addresses = followed_addresses(settings.rpc_follow)

    def rungs(self) -> list[Rung]:
        """The subscription to these addresses; empty where none are followed at all."""
        if not self._settings.rpc_follow:
            return []
        request = subscription(
            mode=PROGRAMS,
            programs=[Program(one, one) for one in self._addresses],
            commitment=self._settings.commitment,
            with_failed=self._settings.with_failed,
        )
        return [Rung(followed(self._addresses), request)]

    async def look(self) -> bool:
        """See what is watched now; whether it has changed. Raises BrokerAway, ApiRefused."""
        if self._settings.rpc_follow != WATCHED:
            return False
        entry = await self._runtime.bus.kv_get(BUCKET_CONFIG, KEY_WATCHLISTS)
        try:
            listed = _List() if entry is None else msgspec.json.decode(entry[0], type=_List)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._runtime.set_trouble("followed", f"The watch list cannot be read: {error}")
            return False
        watched = sorted({one.address for one in listed.entries if is_address(one.address)})
        more = len(watched) - ADDRESSES_MAX
        trouble = ""
        if not watched:
            trouble = "Nothing is followed: the watch list is empty (`pw watch add ADDRESS`)"
        elif more > 0:
            trouble = f"{more} watched addresses are not followed: {ADDRESSES_MAX} are at most"
        self._runtime.set_trouble("followed", trouble)
        before, self._addresses = self._addresses, tuple(watched[:ADDRESSES_MAX])
        return before != self._addresses

    async def watch(self, changed: Callable[[], None]) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if await self.look():
                    self._runtime.log.info("follows", addresses=len(self._addresses))
                    changed()
            except (BrokerAway, ApiRefused) as error:
                # What was watched stays; messages cannot be stored either.
                self._runtime.log.debug("watch_list_not_seen", reason=str(error))
