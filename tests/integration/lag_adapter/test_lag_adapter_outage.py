"""A broker that is away costs the metric and nothing else: Kubernetes itself asks the adapter."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pw_common.dev.local_broker import restart_broker
from support.lag import LAG, PARSER, ROOT, adapting
from support.poll import poll_until

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


async def test_while_the_broker_is_away_only_the_metric_is_a_503(tmp_path: Path) -> None:
    async with adapting(tmp_path) as one, one.front_proxy() as proxy:
        one.broker.kill()

        async def away() -> bool:
            metrics = (await proxy.get(f"{one.health}/metrics")).text
            return "pw_broker_connected 0.0" in metrics

        await poll_until(away, "an adapter that knows that the broker is away")
        ready = await proxy.get(f"{one.health}/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (200, "not connected to the broker")
        discovery = await proxy.get(ROOT)
        assert discovery.status_code == 200
        assert discovery.json()["resources"]
        assert (await proxy.get(LAG, params=PARSER, timeout=20)).status_code == 503
        await restart_broker(one.broker)

        async def back() -> bool:
            return (await proxy.get(LAG, params=PARSER, timeout=20)).status_code == 200

        await poll_until(back, "the lag again", timeout_s=60)
