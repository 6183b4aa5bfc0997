"""A reader by position gives every message once and in order, whatever happens to its consumer."""

from pathlib import Path

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import INACTIVE_NS, LogReader, get_message
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.topology import subjects
from pw_common.topology.streams import declare
from support.broker import provisioned
from support.poll import poll_until
from support.records import store_gap


async def read_all(reader: LogReader, count: int) -> list[int]:
    seqs: list[int] = []
    for _ in range(60):
        seqs += [message.seq for message in await reader.fetch(7, timeout_s=0.2)]
        if len(seqs) >= count:
            break
    return seqs


async def consumers(bus: Bus) -> list[str]:
    answer = await bus.api("CONSUMER.NAMES.PW_GAP")
    return answer["consumers"] or []


async def test_a_reader_whose_consumer_vanishes_goes_on_where_it_was(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        for number in range(20):
            await store_gap(bus, number, number)
        reader = LogReader(bus, "PW_GAP")
        first = await read_all(reader, 7)
        for name in await consumers(bus):
            await bus.api(f"CONSUMER.DELETE.PW_GAP.{name}")
        await store_gap(bus, 99, 99)
        rest = await read_all(reader, 21 - len(first))
        await reader.close()
    assert first + rest == list(range(1, 22))
    assert reader.trimmed == 0


async def test_what_the_stream_trimmed_before_it_was_read_is_counted(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        for number in range(20):
            await store_gap(bus, number, number)
        await bus.api("STREAM.PURGE.PW_GAP", {"seq": 6})
        reader = LogReader(bus, "PW_GAP")
        seqs = await read_all(reader, 15)
        await reader.close()
    assert seqs == list(range(6, 21))
    assert reader.trimmed == 5


async def test_a_stream_that_was_made_again_is_read_from_its_start(tmp_path: Path) -> None:
    body = next(one for one in declare().streams if one.name == subjects.STREAM_GAP).body()
    async with provisioned(tmp_path) as (_, bus):
        for number in range(5):
            await store_gap(bus, number, number)
        reader = LogReader(bus, "PW_GAP")
        await read_all(reader, 5)
        await bus.api("STREAM.DELETE.PW_GAP")
        await bus.api("STREAM.CREATE.PW_GAP", body)
        await reader.close()
        await store_gap(bus, 100, 100)
        again = await read_all(reader, 1)
        await reader.close()
    assert again == [1]


async def test_a_closed_reader_leaves_no_consumer_behind(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await store_gap(bus, 1, 1)
        reader = LogReader(bus, "PW_GAP")
        await read_all(reader, 1)
        await reader.close()

        # The deletion is asked for and not waited for.
        async def gone() -> bool:
            return await consumers(bus) == []

        # Well before an abandoned one ends by itself.
        await poll_until(gone, "no consumer left", timeout_s=INACTIVE_NS / 2e9)


async def test_a_look_says_what_is_there_though_the_consumer_is_gone_or_the_end_deleted(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        reader = LogReader(bus, "PW_GAP")
        # Nothing was ever there.
        assert (await reader.look())[1:] == (1, 0, None)
        assert reader.pending == 0
        for number in (1, 2, 3):
            await store_gap(bus, number, number)
        assert await read_all(reader, 3) == [1, 2, 3]
        for name in await consumers(bus):
            await bus.api(f"CONSUMER.DELETE.PW_GAP.{name}")
        for number in (4, 5):
            await store_gap(bus, number, number)
        assert await reader.fetch(7, timeout_s=0.1) == []
        assert reader.pending == 0
        await reader.look()
        assert reader.pending == 2
        # The next fetch does not go on waiting for the consumer that is gone.
        assert [message.seq for message in await reader.fetch(7, timeout_s=2.0)] == [4, 5]
        await bus.api("STREAM.MSG.DELETE.PW_GAP", {"seq": await store_gap(bus, 6, 6)})
        await reader.look()
        assert reader.pending == 0
        await bus.api("STREAM.PURGE.PW_GAP", {})
        end = await reader.look()
        assert (end.first_seq, end.last_seq, end.first_ms) == (7, 6, None)
        assert reader.pending == 0
        await reader.close()


async def test_one_message_by_its_sequence_is_given_or_said_to_be_absent(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await store_gap(bus, 1, 1)
        found = await get_message(bus, "PW_GAP", 1)
        absent = await get_message(bus, "PW_GAP", 2)
    assert found is not None
    assert (found.seq, found.subject) == (1, "pw.gap.v1.main")
    assert set(found.headers) == {"Nats-Msg-Id", "Pw-Schema"}
    assert absent is None


async def test_everything_stored_is_given_though_the_last_messages_were_deleted(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        for number in range(5):
            await store_gap(bus, number, number)
        for seq in (2, 4, 5):
            await bus.api("STREAM.MSG.DELETE.PW_GAP", {"seq": seq})
        found = [one.metadata.sequence.stream async for one in stored_messages(bus, "PW_GAP")]
    assert found == [1, 3]
