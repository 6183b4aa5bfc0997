"""Where a run stood when it failed: what a log of the test must hold to be understood later."""

from __future__ import annotations

from typing import Final

from chaos.fleet import Fleet
from chaos.outcome import Outcome
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.topology import subjects

LOG_LINES: Final = 12
STREAMS: Final = ("PW_TX", "PW_SWAP", "PW_ALERT")
CONSUMERS: Final = ("PW_TX.parser", "PW_SWAP.detector")


async def state(fleet: Fleet, bus: Bus, outcome: Outcome) -> str:
    """Faults so far, the source, the broker's streams, heartbeats, and each log's last lines."""
    landed = enumerate(outcome.landed, start=1)
    lines = [f"{number:4}  {kind:28} {pending}" for number, (kind, pending) in landed]
    player = fleet.source.player
    ends = "played out" if player.done else "plays"
    lines.append(f"source: {ends}, at slot {player.slot}, waiting by stream {player.waiting}")
    try:
        lines += await _broker(bus)
    except (ApiRefused, BrokerAway) as error:
        lines.append(f"broker: {error}")
    for member in fleet.members:
        code = member.process.poll()
        stands = "runs" if code is None else f"ended with {code}"
        lines.append(f"{member.name}: {stands}, {member.restarts} restarts")
        lines += [
            f"    {line}"
            for line in member.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        ]
    return "\n".join(lines)


async def _broker(bus: Bus) -> list[str]:
    lines = []
    for name in STREAMS:
        of = (await bus.api(f"STREAM.INFO.{name}"))["state"]
        lines.append(
            f"{name}: {of['messages']} messages, {of['bytes']} bytes, last {of['last_seq']}"
        )
    for name in CONSUMERS:
        of = await bus.api(f"CONSUMER.INFO.{name}")
        lines.append(
            f"{name}: {of['num_pending']} pending, {of['num_ack_pending']} not acknowledged"
        )
    beats = await bus.kv_all(subjects.BUCKET_INSTANCES)
    return lines + [value.decode() for value in beats.values()]
