"""`pw plan` as a person runs it, and its sizes against what a broker holds."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from pw_cli.capacity import sizing
from pw_common.topology import subjects
from pw_common.wire.envelope import TxHeaders, tx_headers
from pw_common.wire.messages import encode
from support.broker import provisioned
from support.command import pw
from support.market import expected_alerts, market, write_capture
from support.records import store


async def test_the_plan_fits_eighty_columns_and_says_what_to_set_and_what_it_assumes() -> None:
    shown = await pw("plan", "--tps", "2000", "--hours", "1")
    assert shown.code == 0, shown
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "\x1b[" not in shown.out
    found = sizing.plan(2000, 1)
    limits = {one.setting: one.limit_bytes for one in found.disk if one.setting}
    for setting, limit_bytes in limits.items():
        assert f"{setting}={limit_bytes}" in shown.out
    for line in (*found.assumptions, *found.notes):
        assert line in shown.out
    as_json = await pw("plan", "--tps", "2000", "--hours", "1", "--json")
    assert msgspec.json.decode(as_json.out, type=sizing.Plan) == found


@pytest.mark.parametrize("words", [("--tps", "0", "--hours", "1"), ("--tps", "fast")])
async def test_bad_arguments_are_named_and_end_with_2(words: tuple[str, ...]) -> None:
    refused = await pw("plan", *words)
    assert (refused.code, refused.out) == (2, "")
    assert "--tps" in refused.err


async def test_without_a_rate_the_plan_is_of_the_default_subscription_on_mainnet() -> None:
    shown = await pw("plan", "--json")
    assert msgspec.json.decode(shown.out, type=sizing.Plan) == sizing.plan(
        None, sizing.TX_HOURS_SHIPPED
    )
    refused = await pw("plan", "--programs", "some")
    assert (refused.code, refused.out) == (2, "")
    assert "token-programs" in refused.err


async def test_what_a_message_costs_beside_its_body_is_what_the_broker_counts(
    tmp_path: Path,
) -> None:
    body = os.urandom(1_000)
    async with provisioned(tmp_path) as (_, bus):
        for number in range(50):
            headers = tx_headers(TxHeaders(f"tx:{number:032x}", 32, "main", 1, 361_774_429))
            await store(bus, subjects.tx("main"), body, headers)
        state = (await bus.api("STREAM.INFO.PW_TX"))["state"]
    beside_bytes = state["bytes"] / 50 - len(body)
    assert beside_bytes / 1.3 <= sizing.BYTES_PER_MESSAGE <= beside_bytes * 1.3


def test_bytes_an_alert_are_those_of_a_generated_market(tmp_path: Path) -> None:
    found = expected_alerts(
        write_capture(tmp_path / "market.pb.zst", market(seed=3, minutes=2, tps=60))
    )
    mean_bytes = sum(len(encode(one)) for one in found) / len(found)
    assert mean_bytes / 2 <= sizing.BYTES_PER_ALERT <= mean_bytes * 2
