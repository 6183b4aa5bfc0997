"""Something new in a venue's layout is said once, and shown until somebody acknowledges it."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import tx
from pw_common.wire.envelope import TxHeaders, compress, tx_headers
from pw_common.wire.framing import join
from pw_geyser import geyser_pb2
from pw_parser.core.decode.programs import EXCHANGES
from support.apis import running_api
from support.command import pw
from support.market import market
from support.poll import poll_until
from support.records import store
from support.services import running_service
from support.tables import answered
from support.tokens import token_file

VENUE = "pumpfun"
TAGS = ("00112233445566aa", "00112233445566bb")


def drifted(update: bytes, tag: str) -> bytes | None:
    """The same trade with an instruction that no table explains."""
    message = geyser_pb2.SubscribeUpdate.FromString(update)
    info = message.transaction.transaction
    if info.is_vote or info.meta.HasField("err"):
        return None
    touched = False
    for instruction in info.transaction.message.instructions:
        program = info.transaction.message.account_keys[instruction.program_id_index]
        if program in EXCHANGES and EXCHANGES[program].name == VENUE:
            instruction.data = bytes.fromhex(tag) + instruction.data[8:]
            touched = True
    return message.SerializeToString() if touched else None


def with_tag(tag: str) -> list[bytes]:
    found = [drifted(one, tag) for one in market(seed=6, minutes=0.2, tps=40)]
    return [one for one in found if one is not None][:24]


async def send(bus: Bus, tag: str, number: int) -> None:
    updates = with_tag(tag)
    headers = tx_headers(TxHeaders(f"tx:{number}", len(updates), "main", 1, 0))
    await store(bus, tx("main"), compress(join(updates)), headers)


def said(process: subprocess.Popen[bytes]) -> list[bytes]:
    """The log lines about something new, once the process has ended."""
    assert process.stderr is not None
    return [line for line in process.stderr.read().splitlines() if b'"layout_new"' in line]


async def test_what_is_new_is_said_once_shown_until_acknowledged_and_stays_so(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (broker, bus, client):
        door = ("--api", str(client.base_url), "--token-file", str(token_file(tmp_path)))
        environ = {"PW_NATS_URL": broker.url}

        async def why() -> str:
            found = (await client.get("/api/v1/status")).json()["why"]
            return "".join(one for one in found if "has something new" in one)

        async def shown(*tags: str) -> bool:
            new = (await client.get("/api/v1/programs/acknowledged")).json()["new"]
            return sorted(tag for one in new for tag in one["tags"]) == sorted(tags)

        async with running_service("pw_parser", environ) as (process, _):
            await send(bus, TAGS[0], 1)
            await poll_until(lambda: shown(TAGS[0]), "the new tag")
            assert f"pw programs acknowledge {VENUE}" in await poll_until(why, "the status says it")
            ended = await pw("programs", "acknowledge", VENUE, *door)
            assert ended.code == 0, ended.err
            await poll_until(shown, "nothing new any more")
            # The same again is nothing new; another tag is.
            await send(bus, TAGS[0], 2)
            await send(bus, TAGS[1], 3)
            await poll_until(lambda: shown(TAGS[1]), "the other tag alone")
            process.terminate()
            lines = await asyncio.to_thread(said, process)
        assert [TAGS[0].encode() in line for line in lines] == [True, False]
        async with running_service("pw_parser", environ):
            await send(bus, TAGS[0], 4)
            await answered(bus, 4)
            await send(bus, TAGS[1], 5)
            await poll_until(
                lambda: shown(TAGS[1]), "what was acknowledged is known after a restart"
            )
            ended = await pw("programs", "acknowledge", VENUE, TAGS[0], "--remove", *door)
            assert ended.code == 0, ended.err
            await send(bus, TAGS[0], 6)
            await poll_until(lambda: shown(*TAGS), "what was taken back is shown again")
