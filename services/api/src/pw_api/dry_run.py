"""What rules would have rung over the last hour: the detector's core over PW_SWAP."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from pw_common.alerts import Alert
from pw_common.batches import batch_of
from pw_common.bus import Bus
from pw_common.envelope import BadEnvelope
from pw_common.log_reader import LogReader
from pw_common.messages import Batch, WrongSchema
from pw_common.subjects import STREAM_SWAP
from pw_detection.assembly import Assembly, Place
from pw_detection.detector import Detector
from pw_detection.rules import Rule

HOUR_MS: Final = 3_600_000
# An hour at 5,000 tx/s is 560,000 messages: more than a page may ask of the API.
MESSAGES_MAX: Final = 100_000
ALERTS_SHOWN: Final = 200


async def dry_run(bus: Bus, rules: tuple[Rule, ...], now_ms: int) -> dict[str, Any]:
    """Alerts by kind and the first of them; raises BrokerAway, ApiRefused."""
    batches = await _last_hour(bus, now_ms - HOUR_MS)
    found = await asyncio.to_thread(_alerts, batches, rules)
    opened = [alert for alert in found if alert.kind == "opened"]
    by_rule = {rule.name: sum(one.trigger == rule.name for one in opened) for rule in rules}
    return {
        "messages": len(batches),
        "opened": len(opened),
        "opened_by_rule": by_rule,
        "alerts": [msgspec.to_builtins(alert) for alert in found[:ALERTS_SHOWN]],
    }


async def _last_hour(bus: Bus, since_ms: int) -> list[Batch]:
    state = (await bus.api(f"STREAM.INFO.{STREAM_SWAP}"))["state"]
    start = max(1, int(state["first_seq"]), int(state["last_seq"]) + 1 - MESSAGES_MAX)
    reader = LogReader(bus, STREAM_SWAP, start_seq=start)
    batches: list[Batch] = []
    try:
        await reader.open()
        while reader.pending and reader.position < int(state["last_seq"]):
            messages = await reader.fetch(256)
            for message in messages:
                if message.time_ms >= since_ms:
                    try:
                        batches.append(batch_of(message.headers, message.body))
                    except (BadEnvelope, WrongSchema):
                        continue
            if not messages:
                break
            await asyncio.sleep(0)
    finally:
        await reader.close()
    return batches


def _alerts(batches: list[Batch], rules: tuple[Rule, ...]) -> list[Alert]:
    if not batches:
        return []
    assembly = Assembly(first=Place(0, min(batch.tx_seq for batch in batches)))
    detector = Detector(rules)
    return [
        alert
        for batch in batches
        for closed in assembly.add(batch)
        for alert in detector.step(closed)
    ]
