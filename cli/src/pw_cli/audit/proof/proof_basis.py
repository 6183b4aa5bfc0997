"""What an alert rests on, by the broker's streams and configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from pw_cli.audit.rederive import is_streamed, stored_batches
from pw_common.documents.document import BadDocument
from pw_common.documents.programs import ProgramEntry
from pw_common.documents.proofs import ProvenAddress, ProvenRule
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.program_store import table_of
from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.process.log import Log
from pw_common.topology.subjects import KEY_MUTES, KEY_TRIGGERS, KEY_WATCHLISTS
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Batch
from pw_detection.rules.lists import stored_mutes, stored_watchlists
from pw_detection.rules.rules import (
    LIST_METRICS,
    BadRules,
    Rule,
    compile_rule,
    shipped_rules,
    stored_rules,
)
from pw_detection.state.market import FRESH_AFTER_MS
from pw_detection.state.windows import FIVE_MINUTES, HOUR
from pw_detector.core.apply_config import Change
from pw_detector.store.configuration import Configuration

# What SOL is worth is read from a minute of slots before; what clocks spread is over in a second.
SLACK_MS: Final = 120_000
LOOKBACK_MIN_MAX: Final = 240


class NoBasis(ValueError):
    """An alert that cannot be derived from the chain alone; says why."""


@dataclass(frozen=True)
class Basis:
    """Everything but the blocks."""

    alert: Alert
    rule: ProvenRule
    first_slot: int
    begins: Literal["stored", "lookback"]
    own_programs: tuple[ProgramEntry, ...]
    own_lists: tuple[ProvenAddress, ...]
    earlier: tuple[Alert, ...]


class Range(NamedTuple):
    """The first slot and its reason, the stamps of tables of programs, and the token's traders."""

    first_slot: int
    begins: Literal["stored", "lookback"]
    stamps: set[str]
    traders: set[str]


def lookback_ms(rule: ProvenRule) -> int:
    """How far back what a rule looks at may lie. Raises BadRules."""
    compiled = compile_rule(as_rule(rule))
    metrics = [one.metric for one in (*compiled.conditions, *compiled.gates)]
    span = HOUR if any(one.endswith(f"_{HOUR.name}") for one in metrics) else FIVE_MINUTES
    fresh_ms = FRESH_AFTER_MS if any(one.startswith("new_wallet_") for one in metrics) else 0
    # A window begins at a whole step of its span.
    return span.length_ms + span.step_ms + fresh_ms + SLACK_MS


def as_rule(rule: ProvenRule) -> Rule:
    """The rule as the detector takes it."""
    return Rule(
        name=rule.name,
        conditions=rule.conditions,
        gates=rule.gates,
        severity=rule.severity,
        cooldown_s=rule.cooldown_s,
        escalate_factor=rule.escalate_factor,
    )


async def basis_of(
    bus: Bus, alert: Alert, stored: list[Alert], lookback_min: int | None = None
) -> Basis:
    """What a stored alert of a token rests on.

    Raises:
        NoBasis: it is not an alert of one token, or what it rests on is no longer stored.
        NoTable, BadRules, Unreadable, BrokerAway, ApiRefused: from what is stored.
    """
    if not alert.mint or alert.kind not in {"opened", "escalated", "closed"}:
        raise NoBasis("only an alert of one token can be derived from the chain")
    held = await _held_at(bus, alert.slot)
    rule = _rule(alert, held.get(KEY_TRIGGERS))
    back_ms = lookback_ms(rule) if lookback_min is None else lookback_min * 60_000
    first_slot, begins, stamps, traders = await _range(bus, alert, back_ms)
    if len(stamps) > 1:
        raise NoBasis("the table of programs changed within these slots; use --archive")
    [stamp] = stamps or {""}
    table = await table_of(bus, stamp) if stamp else None
    earlier = [
        one
        for one in stored
        if (one.mint, one.trigger) == (alert.mint, alert.trigger) and one.slot < first_slot
    ]
    return Basis(
        alert,
        rule,
        first_slot,
        begins,
        table.entries if table is not None else (),
        _lists(rule, held, traders),
        tuple(earlier[-10:]),
    )


async def _held_at(bus: Bus, slot: int) -> dict[str, Change]:
    """The configuration in force at a slot, by key."""
    held: dict[str, Change] = {}
    for change in await Configuration(bus, Log("cli")).at_start(slot):
        before = held.get(change.key)
        if change.from_slot <= slot and (before is None or before.revision < change.revision):
            held[change.key] = change
    return held


def _rule(alert: Alert, change: Change | None) -> ProvenRule:
    try:
        rules = shipped_rules() if change is None else stored_rules(change.body)
    except BadDocument as error:
        raise BadRules(error.errors) from error
    for one in rules:
        if one.name == alert.trigger:
            return ProvenRule(
                name=one.name,
                revision=0 if change is None else change.revision,
                conditions=one.conditions,
                gates=one.gates,
                severity=one.severity,
                cooldown_s=one.cooldown_s,
                escalate_factor=one.escalate_factor,
            )
    raise NoBasis(f"no rule {alert.trigger!r} was in force at slot {alert.slot}")


async def _range(bus: Bus, alert: Alert, back_ms: int) -> Range:
    """What the stored batches say about the slots that an alert rests on. Raises NoBasis."""
    sources: set[str] = set()
    least: int | None = None
    async for batch in stored_batches(bus):
        if is_streamed(batch):
            sources.add(batch.source)
        least = batch.tx_seq if least is None else min(least, batch.tx_seq)
    assembly = Assembly(sources=sources, first=TxPosition(0, least or 1))
    return await range_of(stored_batches(bus), assembly, alert, back_ms)


async def range_of(
    batches: AsyncIterator[Batch], assembly: Assembly, alert: Alert, back_ms: int
) -> Range:
    """The slots that an alert rests on. Raises NoBasis: they are not there, or not whole."""
    since_ms = alert.event_time_ms - back_ms
    first = first_slot = 0
    traders: set[str] = set()
    stamps: dict[int, str] = {}
    async for batch in batches:
        stamps |= {event.slot: batch.programs for event in batch.events}
        for closed in assembly.add(batch):
            if closed.amends:
                continue
            if closed.reset:
                first = first_slot = closed.slot
                traders = set()
            if closed.event_time_ms <= since_ms:
                first_slot = closed.slot
            traders |= {swap.trader for swap in closed.swaps if swap.mint == alert.mint}
            # Another session may have a slot of that number too, at another time.
            is_its_own = (closed.slot, closed.event_time_ms) == (alert.slot, alert.event_time_ms)
            if is_its_own and first_slot:
                begins: Literal["stored", "lookback"] = (
                    "stored" if first_slot == first else "lookback"
                )
                used = {stamp for at, stamp in stamps.items() if first_slot <= at <= alert.slot}
                return Range(first_slot, begins, used, traders)
    raise NoBasis(f"slot {alert.slot} is not stored any more, or is not whole")


def _lists(
    rule: ProvenRule, held: dict[str, Change], traders: set[str]
) -> tuple[ProvenAddress, ...]:
    """What of somebody's lists the numbers depend on; the rest stays private."""
    found: list[ProvenAddress] = []
    if (mutes := held.get(KEY_MUTES)) is not None:
        for mute in stored_mutes(mutes.body).entries:
            if mute.of == "wallet" and mute.address in traders:
                what: Literal["muted", "unmuted"] = "unmuted" if mute.muted is False else "muted"
                found.append(ProvenAddress(address=mute.address, list=what))
    named = {one.metric for one in compile_rule(as_rule(rule)).conditions}
    if (watched := held.get(KEY_WATCHLISTS)) is not None and named & set(LIST_METRICS):
        entries = stored_watchlists(watched.body).entries
        found += [ProvenAddress(address=entry.address, list=entry.of) for entry in entries]
    return tuple(found)
