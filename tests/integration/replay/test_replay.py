"""The replay server over real gRPC."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from pw_common.dev.sent_record import read_sent_record
from pw_common.wire.captures import read_capture
from pw_geyser import geyser_pb2 as pb
from pw_replay.core.items import DISCONTINUITY, read_item
from pw_replay.market import generate
from pw_replay.sources import capture_runs, passes
from support.poll import poll_until
from support.replaying import replaying

UPDATES = list(generate(seed=4, minutes=0.1, tps=60.0))
WAIT_S = 10.0


def everything(**fields: Any) -> pb.SubscribeRequest:
    request = pb.SubscribeRequest(**fields)
    request.transactions["tx"].SetInParent()
    request.slots["slots"].SetInParent()
    request.blocks_meta["metas"].SetInParent()
    return request


@asynccontextmanager
async def subscribed(
    target: str, *requests: pb.SubscribeRequest, token: str | None = None
) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(target) as channel:
        call = channel.stream_stream(
            "/geyser.Geyser/Subscribe",
            request_serializer=pb.SubscribeRequest.SerializeToString,
            response_deserializer=pb.SubscribeUpdate.FromString,
        )(metadata=(("x-token", token),) if token else ())  # type: ignore[call-arg]
        for request in requests:
            await call.write(request)
        yield call
        call.cancel()


async def take(call: Any, count: int) -> list[pb.SubscribeUpdate]:
    return [await asyncio.wait_for(call.read(), WAIT_S) for _ in range(count)]


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        while await asyncio.wait_for(call.read(), WAIT_S) is not grpc.aio.EOF:  # type: ignore[attr-defined]
            pass
    return error.value.code(), str(error.value.details())


def bare(update: pb.SubscribeUpdate) -> bytes:
    copy = pb.SubscribeUpdate.FromString(update.SerializeToString())
    copy.ClearField("filters")
    return copy.SerializeToString(deterministic=True)


def originals(updates: list[bytes]) -> list[bytes]:
    return [bare(pb.SubscribeUpdate.FromString(update)) for update in updates]


async def test_everything_arrives_in_order_untouched_and_begins_with_a_discontinuity() -> None:
    async with replaying(UPDATES) as source, subscribed(source.target, everything()) as call:
        found = await take(call, len(UPDATES))

        async def done() -> bool:
            return source.player.done

        await poll_until(done, "the end of playback")
        assert source.player.sent_updates == len(UPDATES)
    assert [bare(one) for one in found] == originals(UPDATES)
    assert [DISCONTINUITY in one.filters for one in found] == [True, *[False] * (len(found) - 1)]


async def test_a_client_that_says_later_what_it_wants_misses_nothing() -> None:
    async with (
        replaying(UPDATES) as source,
        subscribed(source.target, pb.SubscribeRequest()) as call,
    ):
        await call.write(everything())
        found = await take(call, len(UPDATES))
    assert [bare(one) for one in found] == originals(UPDATES)


async def test_a_ping_is_answered_and_leaves_the_filter_while_a_request_replaces_it() -> None:
    async with (
        replaying(UPDATES, rate="200") as source,
        subscribed(source.target, everything()) as call,
    ):
        await take(call, 5)
        await call.write(pb.SubscribeRequest(ping=pb.SubscribeRequestPing(id=41)))
        kinds: list[str | None] = []
        while "pong" not in kinds:
            kinds += [one.WhichOneof("update_oneof") for one in await take(call, 1)]
        assert (await take(call, 1))[0].WhichOneof("update_oneof") in {
            "transaction",
            "slot",
            "block_meta",
        }
        only_metas = pb.SubscribeRequest()
        only_metas.blocks_meta["m"].SetInParent()
        await call.write(only_metas)
        seen = 0
        while seen < 3:
            (one,) = await take(call, 1)
            seen = seen + 1 if list(one.filters) == ["m"] else 0


async def test_a_wrong_token_is_unauthenticated() -> None:
    async with replaying(UPDATES, token="right") as source:  # noqa: S106 - a test's own
        # Nothing is written: it is refused by its token, maybe before it could write.
        async with subscribed(source.target, token="wrong") as call:
            code, _ = await refusal(call)
        assert code == grpc.StatusCode.UNAUTHENTICATED
        async with subscribed(source.target, everything(), token="right") as call:
            assert await take(call, 3)


async def test_a_bad_filter_is_an_invalid_argument() -> None:
    request = everything()
    request.transactions["tx"].account_include.append("nonsense")
    async with replaying(UPDATES) as source, subscribed(source.target, request) as call:
        code, details = await refusal(call)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "'nonsense' in account_include is not an address" in details


async def test_a_cut_stream_is_continued_from_a_slot_without_a_gap() -> None:
    async with replaying(UPDATES, faults="drop_after=150") as source:
        found: list[pb.SubscribeUpdate] = []
        async with subscribed(source.target, everything()) as call:
            with pytest.raises(grpc.aio.AioRpcError) as error:
                while True:
                    found += await take(call, 1)
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE
        slot = read_item(found[-1].SerializeToString()).slot
        again = everything(from_slot=slot)
        async with subscribed(source.target, again) as call:
            rest = [u for u in UPDATES if read_item(u).slot >= slot]
            found += await take(call, len(rest))
    assert {bare(one) for one in found} == set(originals(UPDATES))


async def test_a_slot_that_is_gone_is_out_of_range_in_the_public_words() -> None:
    async with replaying(UPDATES, window_slots=5) as source:
        async with subscribed(source.target, everything()) as call:
            await take(call, len(UPDATES))
        first = read_item(UPDATES[0]).slot
        async with subscribed(source.target, everything(from_slot=first)) as call:
            code, details = await refusal(call)
        available = source.player.first_available
        async with grpc.aio.insecure_channel(source.target) as channel:
            info = await channel.unary_unary(
                "/geyser.Geyser/SubscribeReplayInfo",
                request_serializer=pb.SubscribeReplayInfoRequest.SerializeToString,
                response_deserializer=pb.SubscribeReplayInfoResponse.FromString,
            )(pb.SubscribeReplayInfoRequest())
    assert code == grpc.StatusCode.OUT_OF_RANGE
    assert details == f"broadcast from {first} is not available, last available: {available}"
    assert info.first_available == available


async def test_two_subscribers_each_get_everything_and_a_slow_one_loses_nothing() -> None:
    async with (
        replaying(UPDATES) as source,
        subscribed(source.target, pb.SubscribeRequest()) as slow,
        subscribed(source.target, pb.SubscribeRequest()) as quick,
    ):
        await slow.write(everything())
        (first,) = await take(slow, 1)
        await quick.write(everything(from_slot=read_item(UPDATES[0]).slot))
        seen = await take(quick, 40)
        late = [first, *await take(slow, len(UPDATES) - 1)]
    assert [bare(one) for one in late] == originals(UPDATES)
    assert len(seen) == 40


async def test_a_slow_client_is_cut_where_the_server_is_told_to() -> None:
    many = UPDATES * 40
    async with (
        replaying(many, cut=True) as source,
        subscribed(source.target, everything()) as call,
    ):
        code, details = await refusal(call)
    assert (code, details) == (grpc.StatusCode.INTERNAL, "lagged to send an update")


async def test_a_fixed_rate_stamps_its_schedule_and_records_each_signature_once(
    tmp_path: Path,
) -> None:
    record = tmp_path / "sent.bin"
    async with (
        replaying(UPDATES[:60], rate="500", sent_record=record) as source,
        subscribed(source.target, everything()) as call,
    ):
        found = await take(call, 60)
    sent = list(read_sent_record(record.read_bytes()))
    transactions = [one for one in found if one.HasField("transaction")]
    assert [s for s, _ in sent] == [t.transaction.transaction.signature for t in transactions]
    stamps = [t.created_at.seconds * 10**9 + t.created_at.nanos for t in transactions]
    assert stamps == [at for _, at in sent]
    assert [b - a for a, b in zip(stamps, stamps[1:], strict=False)] == [2_000_000] * (
        len(stamps) - 1
    )


async def test_a_loop_goes_on_at_later_slots_and_declares_each_pass() -> None:
    async with (
        replaying(UPDATES, loop=True) as source,
        subscribed(source.target, everything()) as call,
    ):
        found = await take(call, 2 * len(UPDATES))
    declared = [at for at, one in enumerate(found) if DISCONTINUITY in one.filters]
    assert declared == [0, len(UPDATES)]
    slots = [read_item(one.SerializeToString()).slot for one in found]
    assert min(slots[len(UPDATES) :]) > max(slots[: len(UPDATES)])


async def test_a_taken_port_and_bad_settings_are_said_in_clear_lines() -> None:
    async def replay(**environ: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pw_replay",
            env={**os.environ, **environ},
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, err.decode()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = await replay(PW_REPLAY_LISTEN=f"127.0.0.1:{port}")
    assert code == 78
    assert f"replay: cannot listen on 127.0.0.1:{port}" in said
    code, said = await replay(
        PW_REPLAY_RATE="fast", PW_REPLAY_FAULTS="x", PW_REPLAY_CAPTURES="nowhere.pb"
    )
    assert code == 78
    assert all(name in said for name in ("PW_REPLAY_RATE", "PW_REPLAY_FAULTS", "nowhere.pb"))


@pytest.mark.corpus
async def test_captures_play_in_the_order_of_their_first_slot(corpus_dir: Path) -> None:
    paths = sorted(corpus_dir.glob("*.pb.gz"), reverse=True)
    items = list(passes(capture_runs(paths), loop=False))
    assert sum(item.kind == "tx" for item in items) == 3_023
    firsts = [
        next(slot for slot in (read_item(u).slot for u in read_capture(path)) if slot)
        for path in paths
    ]
    begun = [at for at, item in enumerate(items) if item.discontinuity]
    starts = [next(i.slot for i in items[at:] if i.slot) for at in begun]
    assert starts == sorted(firsts)
