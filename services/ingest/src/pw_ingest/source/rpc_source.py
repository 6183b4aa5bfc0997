"""A JSON-RPC node as a source: its blocks as the updates that a Yellowstone stream would bring."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, Final

from pw_common.process.clock import monotonic_s
from pw_common.service.run import Runtime
from pw_common.text.plain_text import ERROR_CHARS_MAX, plain_text
from pw_common.text.redact import redacted
from pw_geyser import geyser_pb2 as pb
from pw_ingest.config import Endpoint, Settings
from pw_ingest.core.rpc.follow import TOO_FAR, Break, Follow, Following, Link, Whole
from pw_ingest.core.rpc.sampling import BEHIND_BLOCKS, BEHIND_BLOCKS_MAX, Sampling, list_every_s
from pw_ingest.core.rpc.share import Share
from pw_ingest.core.rpc.wanted import keeps_unread, wanted_by
from pw_ingest.source.any_source import StreamEnded
from pw_ingest.source.handing import Handing
from pw_ingest.source.node_head import check_not_behind, first_available, head_for, newest
from pw_rpc.client import node_client
from pw_rpc.core.blocks import BadBlock, Block, read_block, unread_update
from pw_rpc.node import Asks, BadAnswer, Denied, Limited, NodeFailed, NotHad, Rpc, decode
from pw_rpc.pace import Pace, per_second

# One request and its whole answer; beyond it the next try is worth more.
DEADLINE_S: Final = 20.0
# How long one block is tried for before others are, and the list before the node counts as away:
# sooner than a stream without a word is cut.
BLOCK_PATIENCE_S: Final = 10.0
LIST_PATIENCE_S: Final = 20.0
LIST_SLOTS: Final = 5_000
# A list that ends so far before what was asked for ends at the chain's tip.
TIP_SLOTS: Final = 150
# Lists that cannot be read, one after another.
BAD_LISTS_MAX: Final = 5
# After so long without a block that goes on it is asked where the node is.
STANDS_S: Final = 10.0
WHOLE: Final = 100
# Sampling is reported for this long after blocks were last left out.
SAID_S: Final = 600.0


class RpcSource:
    """One node. `open` a stream, then `read` until it ends: what a Yellowstone `Source` does.

    Two tasks work for `read`: one asks for the list of blocks, one fetches and orders them.
    """

    # There are no pings that could lose a filter.
    pinged_at_s: float | None = None

    def __init__(
        self,
        endpoint: Endpoint,
        settings: Settings,
        runtime: Runtime,
        is_possible: Callable[[int], bool],
    ) -> None:
        self._runtime = runtime
        self._is_possible = is_possible
        self._in_flight = settings.rpc_in_flight
        self._per_s = per_second(settings.rpc_rate, settings.rpc_daily)
        # What waits for its turn is old when it gets it.
        self._in_flight = min(self._in_flight, max(1, round(self._per_s)))
        self._sampling = Sampling(self._per_s)
        self._handing = Handing()
        self._pace = Pace(self._per_s, idle=self._handing.ping)
        # Several blocks are under way at a time: their memory is doubled for one of them alone.
        self._reading = asyncio.Lock()
        self._client = node_client(
            endpoint.url, os.environ, header=endpoint.header, ca_file=settings.ca_file
        )
        self._blocks, self._lists = (
            Rpc(
                endpoint.url,
                self._client,
                patience_s=patience_s,
                deadline_s=DEADLINE_S,
                asks=Asks(settings.commitment, compressed=True),
                pace=self._pace,
                say=self._waits,
            )
            for patience_s in (BLOCK_PATIENCE_S, LIST_PATIENCE_S)
        )
        self._wanted = pb.SubscribeRequest()
        self._share = Share()
        self._follow = Follow(0, resumes=False, window=1)
        self._wake = asyncio.Event()
        self._left_out_at_s = float("-inf")

    @property
    def seen_permille(self) -> int | None:
        """Of a thousand blocks of the last ten minutes, how many were seen."""
        return self._share.permille

    @property
    def sampled(self) -> str:
        """Why not all blocks are seen, in words; empty where they are."""
        if monotonic_s() - self._left_out_at_s > SAID_S or self._share.permille is None:
            return ""
        seen = self._share.permille // 10
        what = "blocks are left out" if seen == WHOLE else f"only {seen} % of the blocks are seen"
        return f"{what}: {self._per_s:g} requests a second do not follow the chain"

    async def open(self, from_slot: int | None, wanted: pb.SubscribeRequest) -> None:
        """Begin at a slot of the past, or at the newest.

        Raises:
            StreamEnded: the node is away, denies us, or does not have what is asked for.
        """
        await self.close_stream()
        self._wanted = wanted
        self._handing.begin(self._run(from_slot), "rpc-source")

    async def read(self) -> bytes | Break:
        """The next update, or the break before it.

        Raises:
            StreamEnded: there is no next one.
        """
        return await self._handing.read()

    async def takes(self, wanted: pb.SubscribeRequest) -> StreamEnded | None:
        """A node gives whole blocks: no filter is refused."""
        del wanted
        return None

    async def first_available(self) -> int | None:
        """The oldest slot that the node has, or None when it does not say."""
        return await first_available(self._lists)

    async def slot(self) -> int | None:
        """The newest slot of the node, or None when it does not say."""
        return await newest(self._lists)

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
        await self._begin(from_slot)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._list(), name="rpc-list")
            group.create_task(self._hand_on(group), name="rpc-hand-on")

    async def _begin(self, from_slot: int | None) -> None:
        head = await head_for(self._lists, from_slot, self._is_possible)
        self._follow = Follow(
            head if from_slot is None else from_slot,
            resumes=from_slot is not None,
            window=2 * self._in_flight,
            hashes=None if from_slot is None else self._follow.hashes,
            share=self._share,
        )
        if from_slot is not None and head - from_slot > BEHIND_BLOCKS_MAX:
            self._follow.begin_later(head - BEHIND_BLOCKS, TOO_FAR)
            self._left_out_at_s = monotonic_s()
            self._runtime.log.warning(
                "slots_left_out", until_slot=head - BEHIND_BLOCKS, why=TOO_FAR
            )

    async def _list(self) -> None:
        follow, every_s, bad = self._follow, list_every_s(self._per_s), 0
        tip_slot, moved_at_s = follow.tip_slot, monotonic_s()
        while True:
            began_s = monotonic_s()
            first = follow.listed_until + 1
            try:
                found = await self._lists.produced(first, first + LIST_SLOTS - 1)
            except Limited:
                continue  # The pace rests; the stream is cut when that takes too long.
            except (NotHad, BadAnswer) as error:
                bad += 1
                self._handing.trouble = str(error)
                if bad == BAD_LISTS_MAX:
                    raise
                await self._handing.rest(every_s)
                continue
            bad, self._handing.trouble = 0, ""
            now_s = monotonic_s()
            slots = [slot for slot in found if self._is_possible(slot)]
            follow.answered()
            if follow.tip_slot != tip_slot:
                tip_slot, moved_at_s = follow.tip_slot, now_s
            elif now_s - moved_at_s > max(STANDS_S, 4 * every_s):
                # What it lists proves nothing: a list of slots that never come looks like one.
                await check_not_behind(self._lists, follow.listed_until)
                moved_at_s = now_s
            is_newest = not slots or slots[-1] < first + LIST_SLOTS - TIP_SLOTS
            self._sampling.listed(follow.listed(slots), now_s, is_newest=is_newest)
            if is_newest and self._sampling.leaves_out(follow.backlog, now_s):
                self._leave_out(now_s)
            self._wake.set()
            self._handing.ping()
            if is_newest:
                await self._handing.rest(began_s + every_s - monotonic_s())

    def _leave_out(self, now_s: float) -> None:
        blocks = self._follow.leave_out(keep=max(1, round(self._sampling.capacity_per_s)))
        if not blocks:
            return
        self._left_out_at_s = now_s
        self._runtime.metrics.count("pw_ingest_blocks_left_out_total", blocks)
        self._runtime.log.info("blocks_left_out", blocks=blocks, seen_permille=self.seen_permille)

    async def _hand_on(self, group: asyncio.TaskGroup) -> None:
        """Ask for what is next, and give it to `read` in order, a block at a time."""
        follow = self._follow
        while True:
            self._wake.clear()
            now_s = monotonic_s()
            for slot in follow.to_ask(now_s, self._in_flight):
                group.create_task(self._fetch(follow, slot), name=f"rpc-block-{slot}")
            taken = follow.take(now_s)
            for one in taken:
                await self._give(one)
            if taken:
                continue
            again_s = follow.next_try_s()
            await _within(self._wake.wait(), None if again_s is None else again_s - now_s)

    async def _give(self, one: Following) -> None:
        if await self._handing.put([one] if isinstance(one, Break) else one.updates) > 1.0:
            # The reader has waited for the broker.
            self._sampling.excuse()

    async def _fetch(self, follow: Follow, slot: int) -> None:
        try:
            raw = await self._blocks.block_json(slot)
            whole = await self._whole(slot, raw)
        except Limited as error:
            why = plain_text(redacted(str(error)), ERROR_CHARS_MAX)
            follow.limited(slot, f"the node does not give slot {slot}: {why}", monotonic_s())
        except NotHad as error:
            follow.failed(slot, f"the node does not have slot {slot}: {error}", monotonic_s())
        except (BadAnswer, BadBlock) as error:
            self._runtime.metrics.count("pw_ingest_refused_total", why="block")
            why = f"the node's answer for slot {slot} cannot be used: {error}"
            follow.failed(slot, plain_text(why, ERROR_CHARS_MAX), monotonic_s())
        except Denied:
            raise
        except NodeFailed as error:
            follow.failed(slot, plain_text(str(error), ERROR_CHARS_MAX), monotonic_s())
        else:
            follow.got(whole)
        self._wake.set()

    async def _whole(self, slot: int, raw: bytes) -> Whole:
        # Some 0.1 s of work for a block: beside the loop, which has heartbeats to send.
        async with self._reading:
            block = await asyncio.to_thread(decode, raw, Block)
            read = await asyncio.to_thread(read_block, slot, block, wanted_by(self._wanted))
        unread = [one for one in read.unread if keeps_unread(self._wanted, one)]
        # Parsers make dead letters of them, as of whatever else cannot be read.
        updates = [*read.updates[:-1], *(unread_update(slot, one) for one in unread)]
        link = Link(
            slot, block.parent_slot, block.blockhash, block.previous_blockhash, block.block_height
        )
        return Whole(link, [*updates, read.updates[-1]])

    def _waits(self, line: str) -> None:
        self._handing.trouble = plain_text(redacted(line), ERROR_CHARS_MAX)
        self._runtime.metrics.count("pw_ingest_rpc_retries_total")
        self._runtime.log.debug("rpc_waits", reason=self._handing.trouble)


async def _within(wait: Coroutine[Any, Any, Any], seconds: float | None) -> None:
    """Wait, but no longer than that."""
    try:
        async with asyncio.timeout(None if seconds is None else max(0.0, seconds)):
            await wait
    except TimeoutError:
        return
