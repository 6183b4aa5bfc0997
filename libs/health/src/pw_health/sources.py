"""What the sources give, what they claim that cannot be, and what they leave out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from pw_common.wire.coverage import FOLLOWED, base, is_known, sees_every_venue
from pw_common.wire.heartbeat import LayoutDrift, SourceHealth
from pw_common.wire.messages import encode
from pw_health.condition import LASTS_MS, PASSING_MS, Condition, Mode
from pw_health.facts import Snapshot
from pw_health.limits import CLOCK_MAX_MS, FOLLOWED_LAG_MAX_MS, LAG_CRITICAL_MS, LAG_MAX_MS
from pw_health.pipeline import seconds
from pw_health.processes import live_of

SIGNATURES: Final = 3
LOOK: Final = "Look at its endpoint and token; another endpoint can stand by."


def away(snapshot: Snapshot) -> Iterator[Condition]:
    """Sources that are not connected. With none connected nothing is seen."""
    live = live_of(snapshot)
    if not any(one.said.service == "ingest" for one in live):
        return  # The condition that no ingest runs covers it.
    reported = _reported(snapshot)
    sees = any(one.connected for one in reported)
    mode: Mode = "catching_up" if sees else "blind"
    for one in reported:
        if not one.connected:
            why = f" ({one.detail})" if one.detail else ""
            yield _away(snapshot, one.source, f"Source {one.source} is away{why}.", mode)
    known = {one.source for one in reported}
    expected = {name for one in live for name in one.said.expects}
    # A source that was given up keeps its checkpoint: alone it asks for nothing.
    for name in sorted((expected or (set() if sees else set(snapshot.checkpoints))) - known):
        yield _away(snapshot, name, f"No ingest reports source {name}.", mode)
    if not sees and not known and not expected and not snapshot.checkpoints:
        yield Condition(
            name="no_source",
            severity="critical",
            since_ms=snapshot.at_ms,
            why="No source is connected.",
            what_to_do=LOOK,
            mode="blind",
        )


def late(snapshot: Snapshot) -> Iterator[Condition]:
    """Sources whose newest message is old. The lag of a recording means nothing."""
    for one in _reported(snapshot):
        lag_ms = one.lag_ms or 0
        allowed_ms = FOLLOWED_LAG_MAX_MS if base(one.filter) == FOLLOWED else LAG_MAX_MS
        if one.kind != "live" or not one.connected or lag_ms <= allowed_ms:
            continue
        critical = lag_ms > LAG_CRITICAL_MS
        if one.sampled and not critical:
            continue  # A run of blocks is kept whole, so that its end is a while old.
        yield Condition(
            name=f"source_{one.source}",
            severity="critical" if critical else "warning",
            since_ms=snapshot.at_ms,
            why=f"Source {one.source} is {seconds(lag_ms)} behind.",
            what_to_do="Wait while it catches up; if it does not, use another endpoint or node.",
            mode="catching_up",
            patience_ms=LASTS_MS if critical else PASSING_MS,
        )


def claims(snapshot: Snapshot) -> Iterator[Condition]:
    """What a source claims that cannot be, and where it shows less than was asked for."""
    for one in _reported(snapshot):
        if one.refusing:
            yield _of_source(
                snapshot,
                f"refused_{one.source}",
                f"Source {one.source}: {one.refusing}.",
                "None of it was stored. Ask its operator, or use another endpoint.",
            )
        if one.kind == "live" and one.clock_ahead_ms > CLOCK_MAX_MS:
            ahead = one.clock_ahead_ms // 1_000
            yield _of_source(
                snapshot,
                f"clock_{one.source}",
                f"Source {one.source}'s clock is {ahead} s ahead of this machine's.",
                "Compare both clocks with a time server.",
            )
        if one.sampled:
            yield _of_source(
                snapshot,
                f"sampled_{one.source}",
                f"Source {one.source}: {one.sampled}. What lies between is recorded as gaps.",
                "Raise PW_INGEST_RPC_RATE (--rpc-rate) to what the node's plan allows, or use a "
                "gRPC endpoint.",
            )
        if one.narrowed:
            yield _of_source(
                snapshot,
                f"narrow_{one.source}",
                f"Source {one.source}: {one.narrowed}.",
                "Get another plan or endpoint, or ask for what it gives: PW_INGEST_PROGRAMS.",
            )
        elif base(one.filter) == FOLLOWED:
            yield Condition(
                name=f"followed_{one.source}",
                severity="info",
                since_ms=snapshot.at_ms,
                why=f"Source {one.source} follows some addresses alone: what does not name one of "
                "them is not seen.",
                what_to_do="Leave out PW_INGEST_RPC_FOLLOW (--rpc-follow) to see whole blocks.",
            )
        elif is_known(one.filter) and not sees_every_venue(one.filter):
            yield Condition(
                name=f"unseen_{one.source}",
                severity="info",
                since_ms=snapshot.at_ms,
                why=f"Source {one.source} is asked for listed programs alone: what trades "
                f"elsewhere is not seen.",
                what_to_do="Set PW_INGEST_PROGRAMS=successful to see every venue.",
            )


def layouts(snapshot: Snapshot) -> Iterator[Condition]:
    """Venues that write what their table does not explain."""
    for one in merged(drift for beat in live_of(snapshot) for drift in beat.said.drift):
        names = ", ".join(one.signatures)
        if one.kind == "new":
            yield Condition(
                name=f"layout_new_{one.venue}",
                severity="info",
                since_ms=snapshot.at_ms,
                why=f"{one.venue} has something new since slot {one.first_slot}, such as in "
                f"{names}; what it states of its trades still agrees with the balances. "
                f"Seen it? pw programs acknowledge {one.venue}",
                what_to_do=f"pw programs acknowledge {one.venue}",
            )
        else:
            yield Condition(
                name=f"layout_{one.venue}",
                severity="warning",
                since_ms=snapshot.at_ms,
                why=f"{one.venue} has changed: since slot {one.first_slot}, {one.unparsed} of "
                f"{one.called} instructions are not understood, such as {names}. "
                f"Trades are still read from balances; see pw parse --fixture.",
                what_to_do="See docs/runbook.md, Layout drift.",
            )


def merged(drifts: Iterable[LayoutDrift]) -> tuple[LayoutDrift, ...]:
    """Merges what several parsers say about the same venue: by venue and kind, earliest first."""
    found: dict[tuple[str, str], LayoutDrift] = {}
    order = sorted(drifts, key=lambda one: (one.venue, one.first_slot, encode(one)))
    for one in order:
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


def _reported(snapshot: Snapshot) -> list[SourceHealth]:
    """Each source once, as the newest process that reports it says."""
    found: dict[str, SourceHealth] = {}
    for one in sorted(live_of(snapshot), key=lambda beat: beat.stored_ms):
        if one.said.source is not None:
            found[one.said.source.source] = one.said.source
    return [found[name] for name in sorted(found)]


def _away(snapshot: Snapshot, source: str, why: str, mode: Mode) -> Condition:
    return Condition(
        name=f"source_{source}",
        severity="critical",
        since_ms=snapshot.at_ms,
        why=why,
        what_to_do=LOOK,
        mode=mode,
    )


def _of_source(snapshot: Snapshot, name: str, why: str, what_to_do: str) -> Condition:
    return Condition(
        name=name, severity="warning", since_ms=snapshot.at_ms, why=why, what_to_do=what_to_do
    )
