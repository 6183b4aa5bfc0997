"""A program that changes is named in the status: venue, first slot, three signatures."""

from pathlib import Path

import httpx
from solders.signature import Signature

from pw_common.topology import subjects
from pw_common.wire.envelope import TxHeaders, compress, tx_headers
from pw_common.wire.framing import join
from pw_geyser import geyser_pb2
from pw_parser.core.decode.programs import EXCHANGES
from pw_parser.core.parse import parse
from pw_replay.market import generate
from support.broker import provisioned
from support.poll import poll_until
from support.records import store
from support.services import running_service
from support.tokens import bearer, token_file

CHANGED = "pumpfun"
TAG = bytes.fromhex("00112233445566ff")


def changed(update: bytes) -> bytes | None:
    """The same trade by a pump.fun that tells its instructions apart in another way."""
    message = geyser_pb2.SubscribeUpdate.FromString(update)
    info = message.transaction.transaction
    if info.is_vote or info.meta.HasField("err"):
        return None
    touched = False
    for instruction in info.transaction.message.instructions:
        program = info.transaction.message.account_keys[instruction.program_id_index]
        if program in EXCHANGES and EXCHANGES[program].name == CHANGED:
            instruction.data = TAG + instruction.data[8:]
            touched = True
    return message.SerializeToString() if touched else None


async def test_instructions_that_no_table_explains_are_named_within_seconds(
    tmp_path: Path,
) -> None:
    updates = list(generate(seed=6, minutes=0.2, tps=40))
    drifted = [one for one in map(changed, updates) if one is not None][:40]
    assert len(drifted) >= 10
    first_slot = geyser_pb2.SubscribeUpdate.FromString(drifted[0]).transaction.slot
    path = token_file(tmp_path)
    asks = {"PW_API_TOKEN_FILE": str(path)}
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_parser", {"PW_NATS_URL": broker.url}) as (_, parser_url),
        running_service("pw_api", {"PW_NATS_URL": broker.url, **asks}) as (_, api_url),
        httpx.AsyncClient(headers=bearer(path), timeout=20, trust_env=False) as client,
    ):
        for number in range(0, len(drifted), 8):
            body = join(drifted[number : number + 8])
            count = len(drifted[number : number + 8])
            headers = tx_headers(TxHeaders(f"tx:{number}", count, "main", 1, 0))
            await store(bus, subjects.tx("main"), compress(body), headers)

        async def named() -> str | None:
            answer = await client.get(f"{api_url}/api/v1/status")
            found = [why for why in answer.json()["why"] if why.startswith(f"{CHANGED} has ")]
            return found[0] if found else None

        why = await poll_until(named, "the changed venue in the status", timeout_s=20)
        metrics = (await client.get(f"{parser_url}/metrics")).text
    # Its events still state what the balances show: something new, and no alarm.
    assert "has something new" in why
    assert f"since slot {first_slot}" in why
    signatures = sorted(
        (
            (message := geyser_pb2.SubscribeUpdate.FromString(one)).transaction.slot,
            str(Signature.from_bytes(message.transaction.transaction.signature)),
        )
        for one in drifted
    )
    assert sum(signature in why for _, signature in signatures) == 3
    assert f'pw_parser_unparsed_total{{venue="{CHANGED}"}}' in metrics
    # The balances still tell the trades.
    assert all(parse(one).events for one in drifted)
