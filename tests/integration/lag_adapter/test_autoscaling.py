"""The HPA in the small: its own formula on the real lag, and real parsers come and go.

The lag is asked of the real adapter; numbers and policies are read from the manifest, with
its times shortened a hundredfold.
"""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pw_cli.offline.offline import SOURCE
from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import compress, tx_headers
from pw_common.wire.framing import join
from pw_common.wire.messages import Swap
from pw_ingest.core.sequencing.outgoing import TxMessage
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_replay.market import generate
from support.lag import LAG, PARSER, Adapter, adapting
from support.poll import poll_until

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
    pytest.mark.timeout(480),
]

ROOT = Path(__file__).resolve().parents[3]
SHORTER = 100
LOOK_S = 0.3
# A real HPA leaves a value alone that is this near to its target.
TOLERANCE = 0.1


def manifest() -> dict[str, Any]:
    for one in yaml.safe_load_all((ROOT / "k8s/base/autoscaling.yaml").read_text()):
        if one["metadata"]["name"] == "parser":
            spec: dict[str, Any] = one["spec"]
            return spec
    raise AssertionError("no HPA for the parser")


@dataclass
class Scaler:
    """Kubernetes' algorithm for an AverageValue metric, and its policies."""

    spec: dict[str, Any]
    recommended: list[tuple[float, int]] = field(default_factory=list)
    changes: list[tuple[float, int]] = field(default_factory=list)

    def decide(self, replicas: int, lag: int, now_s: float) -> int:
        target = int(self.spec["metrics"][0]["external"]["target"]["averageValue"])
        wanted = replicas
        if abs(lag / (target * replicas) - 1) > TOLERANCE:
            wanted = math.ceil(lag / target)
        wanted = min(max(wanted, self.spec["minReplicas"]), self.spec["maxReplicas"])
        self.recommended.append((now_s, wanted))
        window_s = self.spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] / SHORTER
        held = max(n for at, n in self.recommended if at >= now_s - window_s)
        allowed = self._up(replicas, now_s) if wanted > replicas else self._down(replicas, now_s)
        if wanted > replicas:
            return int(min(wanted, allowed))
        return int(max(held, allowed)) if held < replicas else replicas

    def _before(self, seconds: float, now_s: float, replicas: int) -> int:
        """How many there were a period ago."""
        since = sum(change for at, change in self.changes if at >= now_s - seconds / SHORTER)
        return replicas - since

    def _up(self, replicas: int, now_s: float) -> int:
        limits = []
        for policy in self.spec["behavior"]["scaleUp"]["policies"]:
            before = self._before(policy["periodSeconds"], now_s, replicas)
            share = before * policy["value"] / 100 if policy["type"] == "Percent" else None
            limits.append(before + (policy["value"] if share is None else math.ceil(share)))
        return int(max(limits))

    def _down(self, replicas: int, now_s: float) -> int:
        [policy] = self.spec["behavior"]["scaleDown"]["policies"]
        before = self._before(policy["periodSeconds"], now_s, replicas)
        return int(before * (1 - policy["value"] / 100))


@dataclass
class Parsers:
    """Real parser processes."""

    url: str
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    ended: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def scale(self, replicas: int) -> None:
        while len(self.running) < replicas:
            environ = {**os.environ, "PW_NATS_URL": self.url, "PW_LOG_LEVEL": "error"}
            self.running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "pw_parser"], env=environ, stderr=subprocess.DEVNULL
                )
            )
        while len(self.running) > replicas:
            leaving = self.running.pop()
            leaving.send_signal(signal.SIGTERM)
            self.ended.append(leaving)


def messages() -> list[TxMessage]:
    pipeline = Pipeline(SOURCE)
    found = []
    for update in generate(seed=9, minutes=3, tps=260):
        for one in pipeline.update(update, 0.0):
            if isinstance(one, TxMessage):
                found.append(one)
            pipeline.stored(one, is_duplicate=False)
    return found


async def feed(bus: Bus, load: list[TxMessage], per_s: float) -> None:
    publisher = Publisher(bus, Log("test"), messages_max=32)
    await publisher.start()
    try:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for number, one in enumerate(load):
            await publisher.publish(
                subjects.tx(SOURCE), compress(join(one.updates)), tx_headers(one.headers)
            )
            ahead_s = began_s + number / per_s - loop.time()
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
        await publisher.drain()
    finally:
        await publisher.stop()


async def lag_of(proxy: httpx.AsyncClient) -> int:
    answer = await proxy.get(LAG, params=PARSER, timeout=10)
    return int(answer.json()["items"][0]["value"])


async def answered(bus: Bus) -> tuple[Counter[int], Counter[tuple[str, int]]]:
    seqs: Counter[int] = Counter()
    swaps: Counter[tuple[str, int]] = Counter()
    async for message in stored_messages(bus, subjects.STREAM_SWAP):
        batch = batch_of(headers_of(message), message.data)
        seqs[batch.tx_seq] += 1
        swaps.update((one.signature, one.ordinal) for one in batch.events if isinstance(one, Swap))
    return seqs, swaps


async def run(one: Adapter, proxy: httpx.AsyncClient, steps: list[int], parsers: Parsers) -> None:
    """Look, decide, scale, for ever."""
    scaler, loop = Scaler(manifest()), asyncio.get_running_loop()
    while True:
        replicas = len(parsers.running)
        decided = scaler.decide(replicas, await lag_of(proxy), loop.time())
        if decided != replicas:
            scaler.changes.append((loop.time(), decided - replicas))
            parsers.scale(decided)
            steps.append(decided)
        await asyncio.sleep(LOOK_S)


async def test_parsers_follow_the_load_up_and_down_and_nothing_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    load = messages()
    quiet, busy = load[:100], load[100:]
    assert len(busy) > 1_000
    steps: list[int] = []
    async with adapting(tmp_path) as one, one.front_proxy() as proxy:
        parsers = Parsers(one.broker.url)
        parsers.scale(1)
        scaling = asyncio.create_task(run(one, proxy, steps, parsers))
        try:
            await feed(one.bus, quiet, 40.0)
            assert steps == []  # One parser is enough for that.
            await feed(one.bus, busy, 2_000.0)
            highest = await lag_of(proxy)

            async def calm() -> bool:
                return await lag_of(proxy) == 0 and len(parsers.running) == 1

            await poll_until(calm, "no lag and one parser again", timeout_s=150)
        finally:
            scaling.cancel()
            (why,) = await asyncio.gather(scaling, return_exceptions=True)
            parsers.scale(0)
            codes = [await asyncio.to_thread(each.wait, 30) for each in parsers.ended]
        assert isinstance(why, asyncio.CancelledError), why
        seqs, swaps = await answered(one.bus)
    assert highest > 0
    # Up by at most four or double at a time, then down in steps of a quarter.
    assert steps[0] > 1
    assert max(steps) >= 3
    assert steps[-1] == 1
    peak = steps.index(max(steps))
    assert steps[: peak + 1] == sorted(steps[: peak + 1])
    assert steps[peak:] == sorted(steps[peak:], reverse=True)
    assert set(codes) == {0}
    assert set(seqs) == set(range(1, len(load) + 1))
    assert set(seqs.values()) == {1}
    assert set(swaps.values()) == {1}
