"""A JSON-RPC node as a source of what some addresses do: their transactions, one by one.

Far fewer requests than whole blocks take. What is seen is what names the addresses, and a pool may
trade a token without naming its mint.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

from pw_common.ordering.backoff import Backoff
from pw_common.process.clock import monotonic_s
from pw_common.service.run import Runtime
from pw_common.text.plain_text import ERROR_CHARS_MAX, plain_text
from pw_common.text.redact import redacted
from pw_geyser import geyser_pb2 as pb
from pw_ingest.config import Endpoint, Settings
from pw_ingest.core.rpc.follow import PAUSE_FIRST_S, PAUSE_MAX_S, TOO_FAR, TRIES_MAX, Break
from pw_ingest.core.rpc.followed import Block, Found, Span, blocks, concerns
from pw_ingest.source.any_source import StreamEnded
from pw_ingest.source.handing import Handing
from pw_ingest.source.node_head import BEHIND_SLOTS_MAX as TAKEN_BACK_SLOTS
from pw_ingest.source.node_head import first_available, head_for, newest
from pw_ingest.source.rpc_source import DEADLINE_S, LIST_PATIENCE_S, SAID_S
from pw_rpc.client import node_client
from pw_rpc.core.blocks import BadBlock
from pw_rpc.core.single import Single, read_single
from pw_rpc.history import History
from pw_rpc.node import Asks, BadAnswer, Denied, Limited, NodeFailed, NotHad
from pw_rpc.pace import Pace, per_second

# A node indexes a block's transactions by address a moment after it has the block.
DISTANCE_SLOTS: Final = 16
# Slots of one round, so that no round takes for ever.
ROUND_SLOTS_MAX: Final = 2_000
# Some hour of slots: to catch up with more would take too long to be of use.
BEHIND_SLOTS_MAX: Final = 9_000
# Where the block before the first is looked for.
BEFORE_SLOTS: Final = 64
ROUND_EVERY_S: Final = 2.0
# Of the requests allowed, what the lists may take; the rest is for transactions.
LIST_SHARE: Final = 0.5
# Beside one for each address: the newest slot, the list of slots, and a block's time.
FAILED_COUNTS: Final = 2
LISTS_BESIDE: Final = 3


class FollowedSource:
    """One node. What is followed are the accounts of the subscription that `open` is given."""

    # There are no pings that could lose a filter.
    pinged_at_s: float | None = None
    # Blocks are not what is seen.
    seen_permille: int | None = None

    def __init__(
        self,
        endpoint: Endpoint,
        settings: Settings,
        runtime: Runtime,
        is_possible: Callable[[int], bool],
    ) -> None:
        self._runtime = runtime
        self._is_possible = is_possible
        self._per_s = per_second(settings.rpc_rate, settings.rpc_daily)
        self._in_flight = asyncio.Semaphore(settings.rpc_in_flight)
        self._client = node_client(
            endpoint.url, os.environ, header=endpoint.header, ca_file=settings.ca_file
        )
        self._handing = Handing()
        self._node = History(
            endpoint.url,
            self._client,
            patience_s=LIST_PATIENCE_S,
            deadline_s=DEADLINE_S,
            asks=Asks(settings.commitment, compressed=True),
            pace=Pace(self._per_s, idle=self._handing.ping),
            say=self._waits,
        )
        self._addresses: list[str] = []
        self._with_failed = False
        # Everything up to here went on, and the last block that did.
        self._done_slot = 0
        self._before_slot = 0
        self._left_out_at_s = float("-inf")
        self._left_out_why = ""

    @property
    def sampled(self) -> str:
        """Why not everything followed is seen, in words; empty where it is."""
        return self._left_out_why if monotonic_s() - self._left_out_at_s <= SAID_S else ""

    async def open(self, from_slot: int | None, wanted: pb.SubscribeRequest) -> None:
        """Begin at a slot of the past, or at the newest.

        Raises:
            StreamEnded: the node is away, denies us, or does not have what is asked for.
        """
        await self.close_stream()
        filters = wanted.transactions.values()
        self._addresses = sorted({key for one in filters for key in one.account_include})
        self._with_failed = any(not one.HasField("failed") for one in filters)
        self._handing.begin(self._run(from_slot), "rpc-followed")

    async def read(self) -> bytes | Break:
        """The next update, or the break before it.

        Raises:
            StreamEnded: there is no next one.
        """
        return await self._handing.read()

    async def takes(self, wanted: pb.SubscribeRequest) -> StreamEnded | None:
        """A node refuses no address."""
        del wanted
        return None

    async def first_available(self) -> int | None:
        """The oldest slot that the node has, or None when it does not say."""
        return await first_available(self._node)

    async def slot(self) -> int | None:
        """The newest slot of the node, or None when it does not say."""
        return await newest(self._node)

    def send_filter(self) -> None:
        """There is no filter to lose."""

    def cancel(self) -> None:
        """End the stream from our side; a pending `read` then raises `StreamEnded`."""
        self._handing.cut()

    async def close_stream(self) -> None:
        """End the stream and what works for it."""
        await self._handing.close()

    async def close(self) -> None:
        """End everything."""
        await self.close_stream()
        await self._client.aclose()

    async def _run(self, from_slot: int | None) -> None:
        head = await head_for(self._node, from_slot, self._is_possible)
        await self._begin_after(head - DISTANCE_SLOTS if from_slot is None else from_slot - 1)
        every_s = max(
            ROUND_EVERY_S, (LISTS_BESIDE + len(self._addresses)) / (self._per_s * LIST_SHARE)
        )
        while True:
            began_s = monotonic_s()
            head = await self._node.head()
            if not self._is_possible(head):
                raise StreamEnded("UNAVAILABLE", f"the node claims slot {head}, which cannot be")
            if head < self._done_slot - TAKEN_BACK_SLOTS:
                why = f"the node is at slot {head}, and spoke of slot {self._done_slot} before"
                raise StreamEnded("UNAVAILABLE", why)
            self._handing.trouble = ""
            if head - self._done_slot > BEHIND_SLOTS_MAX:
                await self._leave_out(head - DISTANCE_SLOTS - 1, TOO_FAR)
            newest_slot = head - DISTANCE_SLOTS
            until_slot = min(newest_slot, self._done_slot + ROUND_SLOTS_MAX)
            if until_slot > self._done_slot:
                await self._round(Span(self._done_slot, until_slot))
            self._handing.ping()
            if until_slot == newest_slot:
                await self._handing.rest(began_s + every_s - monotonic_s())

    async def _begin_after(self, slot: int) -> None:
        """Everything up to here is done; the next block's parent is the last one listed."""
        slot = max(0, slot)
        listed = await self._node.produced(max(0, slot - BEFORE_SLOTS), slot)
        self._done_slot, self._before_slot = slot, max(listed, default=slot)

    async def _leave_out(self, until_slot: int, why: str) -> None:
        self._left_out_at_s, self._left_out_why = monotonic_s(), why
        self._runtime.log.warning("slots_left_out", until_slot=until_slot, why=why)
        await self._handing.put([Break(why)])
        await self._begin_after(until_slot)

    async def _round(self, span: Span) -> None:
        """Hand on what happened in a span of slots."""
        found = await self._found(span)
        if found.why:
            await self._leave_out(found.floor_slot, found.why)
            span = Span(found.floor_slot, span.until_slot)
        named = found.by_slot()
        listed = await self._node.produced(span.after_slot + 1, span.until_slot)
        # A list may be behind what the same node says of an address.
        slots = sorted({*listed, *named})
        of: dict[int, Block] = {}
        for slot, signatures in named.items():
            of[slot] = await self._block(slot, signatures)
        if slots and slots[-1] not in of:
            of[slots[-1]] = Block([], await self._time_s(slots[-1]))
        for some in blocks(slots, self._before_slot, of):
            await self._handing.put(some)
        self._done_slot = span.until_slot
        self._before_slot = max(slots, default=self._before_slot)

    async def _found(self, span: Span) -> Found:
        found = Found(span, with_failed=self._with_failed)
        for address in self._addresses:
            before, pages = "", 0
            while pages == 0 or before:
                pages += 1
                page = await self._node.named(address, before=before, min_slot=span.until_slot)
                before = found.page(address, page, pages)
                self._handing.ping()
        return found

    async def _block(self, slot: int, signatures: list[str]) -> Block:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._single(slot, one)) for one in signatures]
        singles = [task.result() for task in tasks]
        lost = next((one for one in singles if isinstance(one, str)), "")
        if lost:
            return Block([], None, lost)
        read = [one for one in singles if not isinstance(one, str)]
        times = [single.block_time for single, _ in read if single.block_time is not None]
        return Block([update for _, update in read], min(times, default=None))

    async def _single(self, slot: int, signature: str) -> tuple[Single, bytes] | str:
        """A transaction and its update, or why it could not be had after several tries."""
        why, tries = "", 0
        while tries < TRIES_MAX:
            try:
                async with self._in_flight:
                    single = await self._node.transaction(signature)
                if single.slot != slot:
                    raise BadBlock(f"it is of slot {single.slot}, not {slot}")
                self._handing.ping()
                update = await asyncio.to_thread(read_single, signature, single)
                if why := concerns(update, self._addresses, with_failed=self._with_failed):
                    raise BadBlock(why)
                return single, update
            except Denied:
                raise
            except NodeFailed as error:
                # It was asked for many times: given up sooner, if the node gives anything at all.
                why = f"the node does not give transaction {signature}: {error}"
                if not await self._gives_else():
                    continue
                tries += FAILED_COUNTS
            except NotHad as error:
                why = f"the node does not have transaction {signature}: {error}"
            except (BadAnswer, BadBlock) as error:
                self._runtime.metrics.count("pw_ingest_refused_total", why="block")
                why = f"the node's answer for transaction {signature} cannot be used: {error}"
            tries += 1
            # A block that it never gives is given up in the end: the stream is not cut before.
            self._handing.ping()
            await asyncio.sleep(Backoff(PAUSE_FIRST_S, PAUSE_MAX_S).longest_s(tries - 1))
        return plain_text(why, ERROR_CHARS_MAX)

    async def _gives_else(self) -> bool:
        """Whether the node answers anything; not where it limits us. Raises NodeFailed."""
        try:
            await self._node.head()
        except Limited:
            return False  # The pace rests.
        return True

    async def _time_s(self, slot: int) -> int | None:
        """Of the newest block, so that time goes on where nothing followed happens."""
        try:
            return await self._node.block_time_s(slot)
        except (NotHad, BadAnswer):
            return None  # Its clock then goes on by the number of slots.

    def _waits(self, line: str) -> None:
        self._handing.trouble = plain_text(redacted(line), ERROR_CHARS_MAX)
        self._runtime.metrics.count("pw_ingest_rpc_retries_total")
        self._runtime.log.debug("rpc_waits", reason=self._handing.trouble)
