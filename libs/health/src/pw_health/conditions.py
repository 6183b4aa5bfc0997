"""A snapshot in, conditions out: the one place where health is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from pw_health import pipeline, processes, sources
from pw_health.condition import Condition, badness
from pw_health.facts import Snapshot
from pw_health.limits import CONDITIONS_MAX

Rule: TypeAlias = Callable[[Snapshot], Iterator[Condition]]

# In the order in which data flows, which is the order among equally bad conditions.
RULES: Final[tuple[Rule, ...]] = (
    pipeline.missing,
    pipeline.slow,
    partial(processes.absent, service="ingest"),
    sources.away,
    partial(processes.absent, service="parser"),
    partial(processes.absent, service="detector"),
    pipeline.nothing_new,
    pipeline.backpressure,
    pipeline.behind,
    processes.unready,
    sources.late,
    pipeline.channels,
    processes.silent,
    processes.clocks,
    sources.claims,
    processes.memory,
    sources.layouts,
    processes.troubled,
)
# Sentences of one condition.
WHYS_MAX: Final = 3


def conditions(snapshot: Snapshot) -> tuple[Condition, ...]:
    """Everything that is wrong, the worst first; each name once.

    `since_ms` is when it began as far as the broker knows, otherwise the snapshot's own time:
    who looks again and again knows more (`Since`).
    """
    found: dict[str, list[Condition]] = {}
    for rule in RULES:
        for one in rule(snapshot):
            found.setdefault(one.name, []).append(one)
    return _bounded(sorted(map(_together, found.values()), key=badness))


def _together(same: list[Condition]) -> Condition:
    """Merges what several rules or processes say about the same thing."""
    worst = min(same, key=badness)
    whys = list(dict.fromkeys(one.why for one in same))
    if len(whys) > WHYS_MAX:
        whys = [*whys[:WHYS_MAX], f"{len(whys) - WHYS_MAX} more say so."]
    return replace(
        worst,
        since_ms=min(one.since_ms for one in same),
        why=" ".join(whys),
        patience_ms=min(one.patience_ms for one in same),
    )


def _bounded(found: Iterable[Condition]) -> tuple[Condition, ...]:
    every = tuple(found)
    if len(every) <= CONDITIONS_MAX:
        return every
    left_out = every[CONDITIONS_MAX - 1 :]
    rest = replace(
        left_out[0],
        name="more",
        why=f"{len(left_out)} more conditions are left out.",
        what_to_do="See to the others first.",
    )
    return (*every[: CONDITIONS_MAX - 1], rest)
