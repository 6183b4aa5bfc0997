"""What the processes report about themselves, and which of them are silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pw_common.wire.limits import MEMORY_FULL_SHARE
from pw_common.wire.messages import encode
from pw_health.condition import PASSING_MS, Condition
from pw_health.facts import Beat, Snapshot
from pw_health.limits import CLOCK_MAX_MS, SILENT_MS

# Without a process of each, nothing is seen.
PATH: Final = ("ingest", "parser", "detector")
# What others wait for. Readiness of the rest says nothing of trades and alerts.
WAITED_FOR: Final = frozenset(PATH)
START: Final = "Start it; its last log line says why it stopped."


def is_silent(stored_ms: int, at_ms: int) -> bool:
    """Whether a process has been silent for too long; both by the broker's clock."""
    return at_ms - stored_ms > SILENT_MS


def live_of(snapshot: Snapshot) -> list[Beat]:
    """The processes that are not silent, in a fixed order."""
    return [one for one in _ordered(snapshot) if not is_silent(one.stored_ms, snapshot.at_ms)]


def absent(snapshot: Snapshot, service: str) -> Iterator[Condition]:
    """A service whose processes are all silent, and without which nothing is seen."""
    beats = [one for one in snapshot.beats if one.said.service == service]
    if not all(is_silent(one.stored_ms, snapshot.at_ms) for one in beats):
        return
    last = max(beats, key=lambda one: one.stored_ms, default=None)
    why, what_to_do = f"No {service} is running.", START
    if last is not None:
        # It did not say that it ends: only its machine knows whether it is there at all.
        seconds = (snapshot.at_ms - last.stored_ms) // 1_000
        why = f"No {service} answers: {last.said.instance} has said nothing for {seconds} s."
        what_to_do = "Look at its log: it was killed, or it hangs. Start it again."
    yield Condition(
        name=f"no_{service}",
        severity="critical",
        since_ms=snapshot.at_ms if last is None else last.stored_ms,
        why=why,
        what_to_do=what_to_do,
        mode="blind",
    )


def silent(snapshot: Snapshot) -> Iterator[Condition]:
    """Processes that stopped or hang while others of their service go on.

    An orderly end takes the heartbeat with it. An instance that was started since takes the place
    of a silent one.
    """
    live = live_of(snapshot)
    services = {one.said.service for one in live}
    for service in sorted({one.said.service for one in snapshot.beats}):
        if service in PATH and service not in services:
            continue  # `absent` says so.
        quiet = [one for one in _ordered(snapshot) if one.said.service == service]
        quiet = [one for one in quiet if is_silent(one.stored_ms, snapshot.at_ms)]
        if not quiet:
            continue
        last_ms = max(one.stored_ms for one in quiet)
        started = [_started_ms(one) for one in live if one.said.service == service]
        if sum(one >= last_ms - SILENT_MS for one in started) >= len(quiet):
            continue
        first = quiet[0]
        more = f", nor {len(quiet) - 1} others" if len(quiet) > 1 else ""
        seconds = (snapshot.at_ms - first.stored_ms) // 1_000
        yield Condition(
            name=f"silent_{service}",
            severity="warning",
            since_ms=first.stored_ms,
            why=f"{first.said.instance} has said nothing for {seconds} s{more}.",
            what_to_do="Look at its log; restart it if it hangs.",
        )


def unready(snapshot: Snapshot) -> Iterator[Condition]:
    """Processes that say that they are not ready."""
    live = live_of(snapshot)
    ready = {one.said.service for one in live if one.said.ready}
    for one in live:
        said = one.said
        source = said.source
        if said.ready or (source is not None and not source.connected):
            continue  # What is wrong with a source is reported under its name.
        covered = said.service in ready or said.service not in WAITED_FOR
        reason = said.reason or "no reason given"
        what = "is not up to date" if said.service == "detector" else "is not ready"
        yield Condition(
            name="detector_behind" if said.service == "detector" else f"not_ready_{said.service}",
            severity="warning" if covered else "critical",
            since_ms=snapshot.at_ms,
            why=f"The {said.service} {what}: {reason}.",
            what_to_do="Wait while it catches up; otherwise see to what it says.",
            mode="catching_up" if said.service in WAITED_FOR else "running",
            patience_ms=PASSING_MS if covered else Condition.patience_ms,
        )


def troubled(snapshot: Snapshot) -> Iterator[Condition]:
    """What a working service asks a person to see to."""
    for one in live_of(snapshot):
        if not one.said.ready:
            continue
        for what in _troubles(one):
            yield Condition(
                name=f"trouble_{one.said.service}",
                severity="warning",
                since_ms=snapshot.at_ms,
                why=f"{one.said.service}: {what}.",
                what_to_do="See to what it says; it goes on with what it had.",
            )


def clocks(snapshot: Snapshot) -> Iterator[Condition]:
    """Machines whose clock differs from the broker's."""
    for one in live_of(snapshot):
        ahead_ms = one.said.at_ms - one.stored_ms
        if abs(ahead_ms) > CLOCK_MAX_MS:
            which = "ahead of" if ahead_ms > 0 else "behind"
            yield Condition(
                name=f"skew_{one.said.service}",
                severity="warning",
                since_ms=snapshot.at_ms,
                why=f"The clock of {one.said.instance} is {abs(ahead_ms) // 1_000} s {which} "
                f"the broker's.",
                what_to_do="Compare both machines' clocks with a time server.",
                # A heartbeat that was held up on its way looks the same.
                patience_ms=PASSING_MS,
            )


def memory(snapshot: Snapshot) -> Iterator[Condition]:
    """Services that near their memory limit, or had to drop something to stay within."""
    for one in live_of(snapshot):
        held, service = one.said.memory, one.said.service
        if held is None:
            continue
        if held.cut_ms:
            yield Condition(
                name=f"{service}_cut",
                severity="warning",
                since_ms=snapshot.at_ms,
                why=f"The {service} is at its memory limit and holds less than an hour: metrics "
                f"over what it dropped are unknown.",
                what_to_do="Raise its limit; an hour later everything is known again.",
            )
        elif held.resident_bytes >= MEMORY_FULL_SHARE * held.limit_bytes:
            share = 100 * held.resident_bytes // held.limit_bytes
            yield Condition(
                name=f"{service}_memory",
                severity="warning",
                since_ms=snapshot.at_ms,
                why=f"The {service} holds {share} % of its memory limit.",
                what_to_do="Raise its limit before it has to drop what it holds.",
            )


def _ordered(snapshot: Snapshot) -> list[Beat]:
    return sorted(
        snapshot.beats,
        key=lambda one: (one.said.service, one.said.instance, one.stored_ms, encode(one.said)),
    )


def _troubles(one: Beat) -> list[str]:
    """What it asks for, except of channels: each of those is a separate condition."""
    if one.said.troubles:
        return [each.what for each in one.said.troubles if not each.channel]
    return [one.said.reason] if one.said.reason else []  # Of a version that says no more.


def _started_ms(one: Beat) -> int:
    """When a process was started, by the broker's clock."""
    return one.stored_ms - (one.said.at_ms - one.said.started_at_ms)
