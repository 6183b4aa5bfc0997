"""The least rights at a broker are enough for history, and let it change nothing there."""

from __future__ import annotations

import json
from contextlib import aclosing
from pathlib import Path

import pytest

from pw_common.jetstream.bus import BrokerAway, Bus
from pw_common.jetstream.consuming.log_reader import get_message
from pw_common.jetstream.parts import ask_for_parts
from pw_common.topology import subjects
from pw_common.topology.subjects import BACKUP_HISTORY, BUCKET_CONFIG, KEY_CHANNELS
from pw_common.wire.history import AlertsAsked, SwapsAsked
from support.asked import asked, kept_up_to
from support.kept_market import Market, all_swaps, publish, settings, wanted
from support.records import store, store_gap
from support.restricted import as_user, log_of, login, restricted
from support.services import running_service

LAST = SwapsAsked(limit=1)


async def test_history_works_with_its_least_rights_and_asks_for_no_more(tmp_path: Path) -> None:
    market = Market(tmp_path)
    half = len(market.batches) // 2
    last_slot = market.slots[-1].slot
    async with restricted(tmp_path) as (broker, operator):
        environ = settings(broker.url, tmp_path) | login(tmp_path, "history")
        async with running_service("pw_history", environ):
            for batch in market.batches[:half]:
                await publish(operator, batch)
            await store_gap(operator, last_slot + 10, last_slot + 11)
            await kept_up_to(operator, market.slots[0].slot, LAST)
        # It goes on from what it stored.
        async with running_service("pw_history", environ):
            for batch in market.batches[half:]:
                await publish(operator, batch)
            await kept_up_to(operator, last_slot, LAST)
            assert await all_swaps(operator) == wanted(market)
            assert (await asked(operator, AlertsAsked()))[1] == []
            assert await backup_bytes(operator) > 1_000
    assert "Violation" not in log_of(broker)


async def test_history_reads_no_channels_and_writes_nothing_that_others_read(
    tmp_path: Path,
) -> None:
    async with restricted(tmp_path) as (broker, operator):
        secret = await operator.kv_put(BUCKET_CONFIG, KEY_CHANNELS, b'{"entries":[]}')
        bus = await as_user(broker, "history")
        try:
            refused = [
                bus.kv_get(BUCKET_CONFIG, KEY_CHANNELS),
                get_message(bus, f"KV_{BUCKET_CONFIG}", secret),
                store(bus, subjects.alert("a1"), b"{}", {}),
                store(bus, subjects.SWAP_BATCH, b"{}", {}),
                bus.api("STREAM.PURGE.PW_SWAP"),
                # Nobody asked it anything there.
                bus.client.request("pw.config.v1.set", b"{}", timeout=0.5),
            ]
            for one in refused:
                with pytest.raises((BrokerAway, TimeoutError, OSError)):
                    await one
        finally:
            await bus.close()
        assert log_of(broker).count("Violation") >= len(refused)


async def backup_bytes(bus: Bus) -> int:
    """How large a copy of everything is, by its own account and as it came."""
    parts = ask_for_parts(bus, BACKUP_HISTORY, b"", timeout_s=30)
    async with aclosing(parts):
        said = json.loads(await anext(parts))
        came = 0
        async for part in parts:
            came += len(part)
    assert came == said["size_bytes"]
    return came
