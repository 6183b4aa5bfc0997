"""Two chains one after the other in one folder: slots have the same numbers, and nothing is lost.

The broker remembers message ids for ten minutes, so that the second chain must share none.
"""

from __future__ import annotations

from pathlib import Path

from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from pw_common.wire.messages import SlotEvent
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import META, SLOT, TX, read_update
from pw_ingest.core.sequencing.outgoing import Outgoing, TxMessage
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_replay.market import generate
from support.broker import provisioned
from support.command import pw
from support.ingesting import checkpoint, gaps_stored, ingest, stop
from support.market import market
from support.poll import poll_until
from support.replaying import replaying
from support.services import running_service
from support.source import FakeSource
from support.tables import answered, stored_batches

SEEDS = (5, 11)


def messages(seed: int) -> list[TxMessage]:
    """A market in which every update travels alone."""
    pipeline = Pipeline("main")
    found: list[Outgoing] = []
    for now_s, update in enumerate(generate(seed=seed, minutes=0.5, tps=4)):
        found += pipeline.update(update, float(now_s)) + pipeline.flush(float(now_s))
    return [one for one in found if isinstance(one, TxMessage)]


def test_two_markets_share_no_message_but_those_that_say_only_how_far_a_slot_is() -> None:
    first, second = (messages(seed) for seed in SEEDS)
    shared = {one.headers.msg_id for one in first} & {one.headers.msg_id for one in second}
    kinds = [
        read_update(update).identity.kind
        for one in (*first, *second)
        for update in one.updates
        if one.headers.msg_id in shared
    ]
    assert set(kinds) == {SLOT}
    assert {read_update(one.updates[0]).identity.kind for one in first} == {TX, META, SLOT}


def parents(updates: list[bytes]) -> dict[int, int]:
    """Slot -> parent of a market's blocks."""
    read = map(pb.SubscribeUpdate.FromString, updates)
    metas = [one.block_meta for one in read if one.HasField("block_meta")]
    return {meta.slot: meta.parent_slot for meta in metas}


async def play(broker: LocalBroker, bus: Bus, updates: list[bytes], session: int) -> None:
    """All of a market, by an ingest of its own, which stops then."""
    last_closed = parents(updates)[max(parents(updates))]
    async with replaying(updates) as server:
        source = FakeSource([], endpoint=f"http://{server.target}")
        async with ingest(broker, source, PW_INGEST_SOURCE_KIND="recorded") as process:

            async def whole() -> bool:
                state = await checkpoint(bus)
                return state is not None and (state.epoch, state.frontier_slot) == (
                    session,
                    last_closed,
                )

            await poll_until(whole, f"market {session} stored", timeout_s=60)
            await stop(process)


async def test_a_market_that_follows_another_in_one_folder_loses_no_block(tmp_path: Path) -> None:
    # So few trades that most slots have none: their headers travel alone.
    markets = [market(seed=seed, minutes=0.5, tps=1) for seed in SEEDS]
    async with provisioned(tmp_path) as (broker, bus):
        fleet = {"PW_NATS_URL": broker.url}
        async with running_service("pw_parser", fleet), running_service("pw_detector", fleet):
            for session, updates in enumerate(markets, start=1):
                await play(broker, bus, updates, session)
            await answered(bus, 1)
            found: dict[int, dict[int, int]] = {}
            for batch in await stored_batches(bus):
                for event in batch.events:
                    if isinstance(event, SlotEvent):
                        found.setdefault(batch.epoch, {})[event.slot] = event.parent
            assert found == {at: parents(one) for at, one in enumerate(markets, start=1)}
            assert await gaps_stored(bus) == []
            verified = await pw("verify", **fleet)
            assert verified.code == 0, verified
