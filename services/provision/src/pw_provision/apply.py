"""Apply the declaration over the raw JetStream API, which knows every field."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.topology.streams import (
    CONSUMER_MAY_CHANGE,
    STREAM_MAY_CHANGE,
    Consumer,
    Topology,
)
from pw_provision.core.diff import Difference, differences, refused

STREAM_NOT_FOUND = 10059
CONSUMER_NOT_FOUND = 10014


class Refused(RuntimeError):
    """Something live differs where a change would lose or re-read data."""

    def __init__(self, name: str, found: list[Difference]) -> None:
        self.name = name
        lines = "\n".join(f"    {one}" for one in found)
        is_consumer = "/" in name
        advice = (
            f"Make it again with `pw consumer reset {name}`; nothing is lost."
            if is_consumer
            else "Move its data (docs/runbook.md), or delete it if it may be lost."
        )
        super().__init__(
            f"{name} exists and differs where it must not change:\n{lines}\n  {advice}"
        )


@dataclass(frozen=True)
class Change:
    """What was done to one stream, bucket or consumer: created, updated or unchanged."""

    name: str
    done: str


@dataclass(frozen=True)
class Outcome:
    """Everything that was done, and what must not be."""

    changes: list[Change]
    refused: list[Refused]


async def apply(bus: Bus, topology: Topology) -> list[Change]:
    """Make the broker what the declaration says; idempotent.

    Raises:
        Refused: with the diff; nothing of that stream or consumer was touched, and all the
            others are as declared.
        BrokerAway, ApiRefused: from the broker.
    """
    outcome = await apply_all(bus, topology)
    if outcome.refused:
        raise outcome.refused[0]
    return outcome.changes


async def apply_all(bus: Bus, topology: Topology) -> Outcome:
    """As `apply`, with every refusal instead of the first one.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    outcome = Outcome([], [])
    bodies = [one.body() for one in topology.streams]
    bodies += [one.body() for one in topology.buckets]
    for body in bodies:
        await _into(outcome, _stream(bus, body["name"], body))
    for consumer in topology.consumers:
        await _into(outcome, _consumer(bus, consumer))
    return outcome


async def _into(outcome: Outcome, doing: Awaitable[Change]) -> None:
    try:
        outcome.changes.append(await doing)
    except Refused as refused:
        outcome.refused.append(refused)


async def _stream(bus: Bus, name: str, body: Mapping[str, Any]) -> Change:
    live = await _info(bus, f"STREAM.INFO.{name}", STREAM_NOT_FOUND)
    if live is None:
        await bus.api(f"STREAM.CREATE.{name}", body, timeout_s=15.0)
        return Change(name, "created")
    found = differences(body, live)
    if not found:
        return Change(name, "unchanged")
    if wrong := refused(found, STREAM_MAY_CHANGE):
        raise Refused(name, wrong)
    # Fields that a newer broker knows and we do not are kept as they are.
    await bus.api(f"STREAM.UPDATE.{name}", {**live, **body}, timeout_s=15.0)
    return Change(name, "updated: " + "; ".join(str(one) for one in found))


async def _consumer(bus: Bus, consumer: Consumer) -> Change:
    name = f"{consumer.stream}/{consumer.name}"
    body = consumer.body()
    subject = f"{consumer.stream}.{consumer.name}"
    live = await _info(bus, f"CONSUMER.INFO.{subject}", CONSUMER_NOT_FOUND)
    if live is not None:
        found = differences(body, live)
        if not found:
            return Change(name, "unchanged")
        if wrong := refused(found, CONSUMER_MAY_CHANGE):
            raise Refused(name, wrong)
        done = "updated: " + "; ".join(str(one) for one in found)
        action = "update"
        body = {**live, **body}
    else:
        done = "created"
        action = "create"
    request = {"stream_name": consumer.stream, "config": body, "action": action}
    await bus.api(f"CONSUMER.CREATE.{subject}", request, timeout_s=15.0)
    return Change(name, done)


async def _info(bus: Bus, subject: str, not_found: int) -> Mapping[str, Any] | None:
    try:
        answer = await bus.api(subject)
    except ApiRefused as error:
        if error.err_code == not_found:
            return None
        raise
    config: Mapping[str, Any] = answer["config"]
    return config
