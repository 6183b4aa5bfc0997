"""Whatever is filled in, restored and read again after a death, each swap is stored once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from typing import cast

import duckdb
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.ordering.closed_slot import WITH_POOLS
from pw_common.ordering.restart import Note
from pw_common.process.log import Log
from pw_common.service.metrics import Metrics
from pw_common.topology.queue_name import means_the_same
from pw_common.wire.messages import Batch, Event, SlotEvent, Swap
from pw_history.core.progress import Progress
from pw_history.shell.folding import Folding
from pw_history.shell.keeping import Keeping
from pw_history.shell.start import continued
from support.cut_stream import batch
from support.filled_history import opened
from support.queue_world import World, anything, history

METRICS = Metrics("history", "0")
APART = 1_000


class Broker:
    """Knows the queue as it is in the end: of those before it, nothing is proven."""

    def __init__(self, arrived: list[Batch]) -> None:
        self._arrived = arrived
        self._last = list(dict.fromkeys(one.tx_stream_created for one in arrived))[-1]

    async def never_stored_until(self, missing: range, read_seq: int, queue: str = "") -> int:
        if not missing or queue != self._last:
            return 0
        to_come = {
            one.tx_seq
            for one in self._arrived[read_seq:]
            if means_the_same(one.tx_stream_created, queue, one.tx_seq)
        }
        return missing[-1] if to_come.isdisjoint(missing) else 0

    def is_asked(self, _missing: range, _queue: str = "") -> bool:
        return False


def with_fillings(messages: list[Batch], rng: random.Random) -> list[Batch]:
    """Some slots are missing, and are filled in later: a block's trades, and then its header."""
    hidden = {
        (one.epoch, APART * one.epoch + slot)
        for one in messages
        for slot in rng.sample(range(2, 39), 2)
    }
    hidden = set(rng.sample(sorted(hidden), min(6, len(hidden))))
    sent = [
        msgspec.structs.replace(
            one, events=tuple(it for it in one.events if (one.epoch, it.slot) not in hidden)
        )
        for one in messages
    ]
    placed = [(float(at), one) for at, one in enumerate(sent)]
    for session, slot in sorted(hidden):
        of_slot = [
            it for one in messages if one.epoch == session for it in one.events if it.slot == slot
        ]
        headers: list[Event] = [it for it in of_slot if isinstance(it, SlotEvent)]
        trades: list[Event] = [it for it in of_slot if not isinstance(it, SlotEvent)]
        begin = next(at for at, one in enumerate(sent) if one.epoch == session)
        at = rng.uniform(begin, len(sent) - 1.5)
        for number, events in enumerate((trades, headers)):
            filling = msgspec.structs.replace(
                batch(1, events, 0, epoch=session),
                tx_id=f"fill:{session}:{slot}:{number}",
                gap=f"main:{session}:{slot}",
            )
            placed.append((at + number * rng.uniform(0, 0.4), filling))
    placed.sort(key=lambda one: one[0])
    return [one for _, one in placed]


def folding(connection: duckdb.DuckDBPyConnection, arrived: list[Batch]) -> Folding:
    """As `start` makes it, from what is stored."""
    keeping = Keeping(connection, hours=24, days=30)
    position = keeping.writer.position()
    first = Note(0, 1, TxPosition(0, 1)) if position is None else position.note()
    maker, first = continued(keeping.writer, first, goes_on=position is not None)
    assembly = Assembly(
        sources=("main",), first=first.tx_position, former=first.former, placed=WITH_POOLS
    )
    gaps = cast(SequenceGaps, Broker(arrived))
    progress = Progress("then", first)
    return Folding(assembly, maker, progress, keeping, gaps, METRICS, Log("test"))


async def read(
    connection: duckdb.DuckDBPyConnection, arrived: list[Batch], stops: Iterable[int], often: float
) -> None:
    """Fold all messages, dying after each of these sequences; writes are somewhere between."""
    rng = random.Random(1)
    for stop in [*stops, len(arrived)]:
        one = folding(connection, arrived)
        for seq in range(one.progress.start_seq, stop + 1):
            one.take(arrived[seq - 1], seq, seq)
            await one.settle(caught_up=False)
            if rng.random() < often:
                await one.write(force=True)
        if stop == len(arrived):
            await one.write(force=True)


def stored(connection: duckdb.DuckDBPyConnection) -> Counter[tuple[str, int]]:
    rows = connection.execute("SELECT signature, session FROM swaps").fetchall()
    return Counter((str(signature), int(session)) for signature, session in rows)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32),
    sessions=st.integers(1, 3),
    restores=st.integers(0, 2),
    often=st.sampled_from([0.1, 0.6]),
)
def test_restarts_among_fillings_and_restores_store_each_swap_once_in_its_session(
    seed: int, sessions: int, restores: int, often: float
) -> None:
    rng = random.Random(seed)
    messages = with_fillings(history(rng, sessions, slots_apart=APART), rng)
    world = World(messages, rng)
    for _ in anything(world, restores):
        pass
    count = min(5, len(world.arrived) - 1)
    stops = sorted(rng.sample(range(1, len(world.arrived)), count))
    sent = {it.signature for one in messages for it in one.events if isinstance(it, Swap)}
    with opened() as plain, opened() as killed:
        asyncio.run(read(plain, world.arrived, [], 1.0))
        asyncio.run(read(killed, world.arrived, stops, often))
        found = stored(plain)
        assert {signature for signature, _ in found} == sent
        assert set(found.values()) <= {1}
        assert stored(killed) == found
        numbers = "SELECT number FROM sessions ORDER BY 1"
        assert killed.execute(numbers).fetchall() == plain.execute(numbers).fetchall()
