"""What the system is doing, in one word and in sentences. Pure: facts in, verdict out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from pw_common.memory import FULL_SHARE
from pw_common.messages import LayoutDrift, MemoryHealth

Mode: TypeAlias = Literal["running", "catching_up", "backpressure", "blind"]

SIGNATURES = 3
HEARTBEAT_STALE_MS = 5_000
BACKPRESSURE_SHARE = 0.8
LAG_MAX_S = 5.0
PENDING_MAX = 1_000
DATA_STALE_S = 30.0
# Clocks that differ by less are nobody's concern.
CLOCK_AHEAD_MAX_S = 5.0


@dataclass(frozen=True)
class SourceFacts:
    """One source, as its ingest said last. The lag of a recording means nothing.

    `refusing` is what it claimed lately that cannot be, endpoint by endpoint; `narrowed` where it
    shows less than was asked for.
    """

    name: str
    connected: bool
    waiting_for_broker: bool = False
    lag_s: float | None = None
    detail: str = ""
    is_live: bool = True
    clock_ahead_s: float = 0.0
    refusing: str = ""
    narrowed: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that the mode depends on.

    `tx_age_s` is the time since PW_TX last got a message, or since ingest started
    when it never did; None when neither is known. `missing` names streams and
    consumers that the broker does not have.
    """

    ingests: int
    parsers: int
    detectors: int = 1
    sources: tuple[SourceFacts, ...] = ()
    tx_bytes: int = 0
    tx_bytes_max: int = 0
    parser_pending: int = 0
    parser_lag_s: float = 0.0
    tx_age_s: float | None = None
    missing: tuple[str, ...] = field(default=())
    drift: tuple[LayoutDrift, ...] = field(default=())
    # What a service that works asks a person to see to.
    troubles: tuple[str, ...] = field(default=())
    # What each service holds that says so.
    memory: tuple[tuple[str, MemoryHealth], ...] = field(default=())


@dataclass(frozen=True)
class Verdict:
    """The mode, and why in plain sentences (none while all is well)."""

    mode: Mode
    why: tuple[str, ...]


def decide(facts: Facts) -> Verdict:
    """The worst that is true names the mode; every reason is given, the worst first."""
    waiting = _backpressure(facts)
    blind = _blind(facts, waits=bool(waiting))
    behind = _catching_up(facts)
    changed = (*_lies(facts), *_narrowed(facts), *_memory(facts), *_drift(facts), *facts.troubles)
    why = (*blind, *waiting, *behind, *changed)
    if blind:
        return Verdict("blind", why)
    if waiting:
        return Verdict("backpressure", why)
    if behind:
        return Verdict("catching_up", why)
    return Verdict("running", changed)


def _blind(facts: Facts, *, waits: bool) -> tuple[str, ...]:
    why = [f"{name} does not exist at the broker: run provision." for name in facts.missing]
    if not facts.ingests:
        why.append("No ingest is running.")
    elif not any(source.connected for source in facts.sources):
        details = "; ".join(f"{s.name}: {s.detail}" for s in facts.sources if s.detail)
        why.append(f"No source is connected{f' ({details})' if details else ''}.")
    if not facts.parsers:
        why.append("No parser is running.")
    if not facts.detectors:
        why.append("No detector is running.")
    # While ingest has to wait, old data is the consequence, not the cause.
    stale = facts.tx_age_s is not None and facts.tx_age_s > DATA_STALE_S
    if stale and not waits and facts.ingests:
        why.append(f"Nothing new arrived for {facts.tx_age_s:.0f} s.")
    return tuple(why)


def _backpressure(facts: Facts) -> tuple[str, ...]:
    why = []
    if facts.tx_bytes_max > 0 and facts.tx_bytes >= BACKPRESSURE_SHARE * facts.tx_bytes_max:
        share = 100 * facts.tx_bytes / facts.tx_bytes_max
        why.append(f"PW_TX is at {share:.0f} % of its limit.")
    why.extend(
        f"Ingest waits for the broker to take what {source.name} sends."
        for source in facts.sources
        if source.waiting_for_broker
    )
    return tuple(why)


def _catching_up(facts: Facts) -> tuple[str, ...]:
    why = []
    if facts.parser_lag_s > LAG_MAX_S:
        why.append(f"The oldest message of PW_TX waits for {facts.parser_lag_s:.1f} s.")
    if facts.parser_pending > PENDING_MAX:
        why.append(f"{facts.parser_pending} messages of PW_TX wait for a parser.")
    why.extend(
        f"Source {source.name} is {source.lag_s:.1f} s behind."
        for source in facts.sources
        if source.is_live and source.lag_s is not None and source.lag_s > LAG_MAX_S
    )
    return tuple(why)


def _lies(facts: Facts) -> tuple[str, ...]:
    """What sources claim that cannot be: refused, so it harms nothing, but somebody must look."""
    why = [f"Source {one.name}: {one.refusing}." for one in facts.sources if one.refusing]
    why.extend(
        f"Source {one.name}'s clock is {one.clock_ahead_s:.0f} s ahead of this machine's."
        for one in facts.sources
        if one.is_live and one.clock_ahead_s > CLOCK_AHEAD_MAX_S
    )
    return tuple(why)


def _narrowed(facts: Facts) -> tuple[str, ...]:
    """What an endpoint leaves out: the rest is right, and what is missing did not "not happen"."""
    return tuple(f"Source {one.name}: {one.narrowed}." for one in facts.sources if one.narrowed)


def _drift(facts: Facts) -> tuple[str, ...]:
    return tuple(_added(one) if one.kind == "new" else _changed(one) for one in facts.drift)


def _changed(one: LayoutDrift) -> str:
    return (
        f"{one.venue} has changed: since slot {one.first_slot}, {one.unparsed} of {one.called} "
        f"instructions are not understood, such as {', '.join(one.signatures)}. "
        f"Trades are still read from balances; see pw parse --fixture."
    )


def _added(one: LayoutDrift) -> str:
    return (
        f"{one.venue} has something new since slot {one.first_slot}, such as in "
        f"{', '.join(one.signatures)}; what it states of its trades still agrees with the "
        f"balances. Seen it? pw programs acknowledge {one.venue}"
    )


def _memory(facts: Facts) -> tuple[str, ...]:
    why = []
    for service, held in facts.memory:
        if held.cut_ms:
            why.append(
                f"The {service} is at its memory limit and holds less than an hour: metrics over "
                f"what it dropped are unknown. Raise its limit."
            )
        elif held.resident_bytes >= FULL_SHARE * held.limit_bytes:
            share = 100 * held.resident_bytes // held.limit_bytes
            why.append(f"The {service} holds {share} % of its memory limit.")
    return tuple(why)


def merged(drifts: Iterable[LayoutDrift]) -> tuple[LayoutDrift, ...]:
    """What several parsers say of the same venue, as one: by venue and kind, earliest first."""
    found: dict[tuple[str, str], LayoutDrift] = {}
    for one in sorted(drifts, key=lambda drift: (drift.venue, drift.first_slot, drift.signatures)):
        key = (one.venue, one.kind)
        known = found.get(key)
        if known is None:
            found[key] = one
            continue
        names = tuple(dict.fromkeys((*known.signatures, *one.signatures)))[:SIGNATURES]
        found[key] = msgspec.structs.replace(
            known,
            signatures=names,
            unparsed=known.unparsed + one.unparsed,
            called=known.called + one.called,
            tags=tuple(dict.fromkeys((*known.tags, *one.tags))),
        )
    return tuple(found.values())
