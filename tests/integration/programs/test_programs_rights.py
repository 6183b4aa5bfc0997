"""The least rights at a broker are enough for ingest and parser, and give away no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.jetstream.bus import BrokerAway
from pw_common.jetstream.consuming.log_reader import get_message
from pw_common.topology.subjects import (
    BUCKET_CONFIG,
    BUCKET_PROGRAMS,
    KEY_ACKNOWLEDGED,
    KEY_CHANNELS,
    KEY_PROGRAMS,
)
from pw_common.wire.envelope import MSG_ID
from pw_parser.again import empty_answer
from support.ingesting import ingest
from support.market import market
from support.poll import poll_until
from support.records import store
from support.restricted import as_user, log_of, login, restricted
from support.services import running_service
from support.source import FakeSource, running_source
from support.tables import PUMP, answered, put_table, queued, stored_batches, table, until_stamped


async def test_ingest_and_parser_work_with_their_least_rights_and_ask_for_no_more(
    tmp_path: Path,
) -> None:
    updates = market(seed=8, minutes=0.1, tps=40)
    source = FakeSource(updates)
    async with restricted(tmp_path) as (broker, bus), running_source(source):
        good = await put_table(bus, table((PUMP, "curve_of_mine")))
        # The history is read too.
        await bus.kv_put(BUCKET_CONFIG, KEY_PROGRAMS, b"5")
        await bus.kv_put(BUCKET_CONFIG, KEY_ACKNOWLEDGED, b'{"entries":[]}')
        async with ingest(
            broker, source, PW_INGEST_SOURCE_KIND="recorded", **login(tmp_path, "ingest")
        ):
            await until_stamped(bus, good)

            async def whole() -> bool:
                return sum(int(one.headers["Pw-Count"]) for one in await queued(bus)) >= len(
                    updates
                )

            await poll_until(whole, "everything stored", timeout_s=30)
        environ = {"PW_NATS_URL": broker.url, **login(tmp_path, "parser")}
        messages = await queued(bus)
        # The first was answered before, at another sequence: the parser looks at which.
        first = messages[0].headers[MSG_ID]
        batch = empty_answer("another queue", 7, first)
        await store(bus, batch.subject, batch.body, {**batch.headers, MSG_ID: f"swap:{first}"})
        async with running_service("pw_parser", environ):
            await answered(bus, len(messages) + 1)
        read = [one for one in await stored_batches(bus) if one.counts.updates]
        assert {one.programs for one in read} == {good}
    assert "Violation" not in log_of(broker)


@pytest.mark.parametrize("user", ["ingest", "parser"])
async def test_neither_reads_the_channels_nor_writes_the_configuration(
    tmp_path: Path, user: str
) -> None:
    async with restricted(tmp_path) as (broker, operator):
        secret = await operator.kv_put(BUCKET_CONFIG, KEY_CHANNELS, b'{"entries":[]}')
        body = table((PUMP, "curve_of_mine"))
        stamp = await put_table(operator, body)
        await operator.kv_put(BUCKET_PROGRAMS, stamp, body)
        bus = await as_user(broker, user)
        try:
            assert await bus.kv_get(BUCKET_PROGRAMS, stamp) is not None
            refused = [
                bus.kv_get(BUCKET_CONFIG, KEY_CHANNELS),
                get_message(bus, f"KV_{BUCKET_CONFIG}", secret),
                bus.kv_put(BUCKET_CONFIG, KEY_PROGRAMS, b"5"),
            ]
            if user == "parser":
                refused.append(bus.kv_put(BUCKET_PROGRAMS, stamp, b"5"))
            for one in refused:
                with pytest.raises(BrokerAway):
                    await one
        finally:
            await bus.close()
        assert log_of(broker).count("Violation") >= len(refused)
