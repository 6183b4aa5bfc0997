"""Facts of mints: those that the broker keeps, else asked of a node and kept there.

The node is asked at a rate, by few at a time, about each mint once in a while, whether it answers
or not. A question over these bounds is not queued: the answer says so, and who shows it asks
again. No answer depends on the broker taking what the node said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from pw_api.core.facts import Found, done_of, is_due
from pw_common.documents.mint_facts import KeptFacts
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.process.clock import now_ms
from pw_common.process.tasks import end_tasks
from pw_common.service.run import Runtime
from pw_common.text.plain_text import ERROR_CHARS_MAX, plain_text
from pw_common.text.redact import redacted
from pw_common.topology.subjects import BUCKET_FACTS, facts_key
from pw_rpc.accounts import AccountsNode
from pw_rpc.core.mint_facts import facts_of
from pw_rpc.node import BadAnswer, NodeFailed, NotHad
from pw_rpc.pace import Pace

# Mints that are asked about at a time.
ASKED_MAX: Final = 4
# A turn that would come later is not waited for.
WAIT_MAX_S: Final = 2.0
# For the turns of those before, and one answer.
DEADLINE_S: Final = 10.0
STOPS: Final = "This API stops: ask again."


class NodeFacts:
    """One node, whose answers all replicas share."""

    def __init__(self, rpc: AccountsNode, pace: Pace, *, host: str, runtime: Runtime) -> None:
        self._rpc = rpc
        self._pace = pace
        self._host = host
        self._metrics = runtime.metrics
        self._log = runtime.log
        self._stop = runtime.stop
        self._under_way: dict[str, asyncio.Future[KeptFacts | None]] = {}

    async def of(self, bus: Bus, mint: str) -> Found:
        """The facts of a mint, an address. Raises BrokerAway, ApiRefused."""
        kept = await _kept(bus, mint)
        if not is_due(kept, now_ms()):
            return _found(kept)
        if (other := self._under_way.get(mint)) is not None:
            return _found(await asyncio.shield(other))
        if (why := self._held_back()) is not None:
            self._metrics.count("pw_api_facts_asked_total", done="held_back")
            return Found(kept, why)
        under_way = self._under_way[mint] = asyncio.get_running_loop().create_future()
        try:
            asked = await self._unless_stopped(self._ask(mint, kept))
            if asked is None:
                return Found(kept, STOPS)
            kept = asked
            self._metrics.count("pw_api_facts_asked_total", done=done_of(kept))
            await self._keep(bus, kept)
        finally:
            # Those who wait have what there is, also where this one was ended.
            del self._under_way[mint]
            under_way.set_result(kept)
        return _found(kept)

    async def close(self) -> None:
        """Let go of the node; nobody may ask afterwards."""
        await self._rpc.close()

    async def _unless_stopped(self, asking: Coroutine[Any, Any, KeptFacts]) -> KeptFacts | None:
        """What is asked for; None where the service stops first, which waits for no node."""
        answer = asyncio.ensure_future(asking)
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({answer, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return answer.result() if answer.done() else None
        finally:
            await end_tasks(answer, stopping)

    def _held_back(self) -> str | None:
        wait_s = self._pace.wait_s()
        if wait_s > WAIT_MAX_S:
            return f"The node is not asked for {wait_s:.0f} s: that is its rate, or its wish."
        if len(self._under_way) >= ASKED_MAX:
            return f"{ASKED_MAX} other tokens are asked about: ask again in a moment."
        return None

    async def _ask(self, mint: str, before: KeptFacts | None) -> KeptFacts:
        asked_ms = now_ms()
        try:
            async with asyncio.timeout(DEADLINE_S):
                found = await self._rpc.accounts(mint)
            facts = facts_of(mint, found, asked_ms=asked_ms, host=self._host)
        except (NotHad, BadAnswer, NodeFailed, TimeoutError) as error:
            said = str(error) or f"no answer within {DEADLINE_S:g} s"
            why = plain_text(redacted(said), ERROR_CHARS_MAX)
            self._log.info("facts_not_given", reason=why)
            older = before.facts if before is not None else None
            return KeptFacts(mint=mint, tried_ms=asked_ms, facts=older, why=why)
        return KeptFacts(mint=mint, tried_ms=asked_ms, facts=facts)

    async def _keep(self, bus: Bus, kept: KeptFacts) -> None:
        body = msgspec.json.encode(kept)
        try:
            await bus.kv_put(BUCKET_FACTS, facts_key(kept.mint), body)
        except (BrokerAway, ApiRefused) as error:
            self._metrics.count("pw_api_facts_not_kept_total")
            self._log.warning("facts_not_kept", reason=str(error))


async def _kept(bus: Bus, mint: str) -> KeptFacts | None:
    """What is kept under the mint's key, if it is this mint's and of this version."""
    entry = await bus.kv_get(BUCKET_FACTS, facts_key(mint))
    if entry is None:
        return None
    try:
        kept = msgspec.json.decode(entry[0], type=KeptFacts)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return kept if kept.mint == mint else None


def _found(kept: KeptFacts | None) -> Found:
    if kept is None:
        return Found(None, "Asking was broken off: ask again.")
    return Found(kept, f"The node did not answer: {kept.why}." if kept.why else "")
