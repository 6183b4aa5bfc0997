"""The replay server refuses what a plan forbids, as public servers do; ingest goes on with less."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from pw_common.wire.envelope import COVERAGE, FILTER, compress, tx_headers
from pw_common.wire.framing import join
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.subscription.programs import Program, subscription
from pw_parser.core.batch import parse_message
from pw_replay.core.faults import BadPlan, parse_plan
from pw_replay.market import generate
from support.broker import provisioned
from support.ingesting import heartbeat, ingest, stored
from support.poll import poll_until
from support.replaying import replaying
from support.source import FakeSource

UPDATES = list(generate(seed=4, minutes=0.1, tps=60.0))
PUMP = Program("pumpfun", "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P")
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


async def answer(target: str, mode: str) -> tuple[str, str]:
    """The code and words that a subscription is refused with; empty where it gives data."""
    request = subscription(mode=mode, programs=[PUMP], commitment="confirmed")
    async with grpc.aio.insecure_channel(target) as channel:
        call = channel.stream_stream(
            "/geyser.Geyser/Subscribe",
            request_serializer=pb.SubscribeRequest.SerializeToString,
            response_deserializer=pb.SubscribeUpdate.FromString,
        )()  # type: ignore[call-arg]
        try:
            await call.write(request)
            await call.read()
        except grpc.aio.AioRpcError as error:
            return error.code().name, error.details() or ""
        call.cancel()
        return "", ""


@pytest.mark.parametrize(
    ("refuse", "mode", "words"),
    [
        ("any", "successful", "Subscribe on full stream with `any` is not allowed"),
        ("any", "all", "Subscribe on full stream with `any` is not allowed"),
        ("any", "token-programs", ""),
        ("token-program", "token-programs", f"Pubkey {TOKEN} in filters is not allowed"),
        ("token-program", "successful", ""),
        ("accounts-1", "token-programs", "Max amount of Pubkeys reached, only 1 allowed"),
        ("accounts-1", "programs", ""),
        ("any+token-program", "programs", ""),
    ],
)
async def test_it_refuses_in_the_words_of_public_servers(
    refuse: str, mode: str, words: str
) -> None:
    async with replaying(UPDATES, faults=f"refuse={refuse}", loop=True) as server:
        code, details = await answer(server.target, mode)
    assert code == ("INVALID_ARGUMENT" if words else "")
    assert words in details
    assert details.startswith("failed to create filter: ") or not words


@pytest.mark.parametrize("plan", ["refuse=", "refuse=all", "refuse=any+", "refuse=accounts-x"])
def test_a_refusal_that_is_none_is_named(plan: str) -> None:
    with pytest.raises(BadPlan, match="token-program"):
        parse_plan(plan)


async def test_ingest_goes_on_with_the_list_and_every_batch_says_so(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path) as (broker, bus),
        replaying(UPDATES, faults="refuse=any+token-program", loop=True, rate="200") as server,
        ingest(
            broker,
            FakeSource([], endpoint=f"http://{server.target}"),
            PW_INGEST_PROGRAMS="successful",
            PW_INGEST_SOURCE_KIND="recorded",
        ),
    ):

        async def narrowed() -> bool:
            beat = await heartbeat(bus)
            return bool(beat and beat.source and beat.source.filter == "programs")

        await poll_until(narrowed, "the list to be in use")

        async def some() -> bool:
            return len(await stored(bus)) >= 3

        await poll_until(some, "messages")
        found = await stored(bus)
    assert found
    for headers, updates in found:
        sent = tx_headers(headers)
        assert (sent[FILTER], sent[COVERAGE]) == ("programs", "partial")
        batch = parse_message(sent, compress(join(updates)), 1, "x").batch
        assert (batch.filter, batch.transfer_coverage) == ("programs", "partial")
