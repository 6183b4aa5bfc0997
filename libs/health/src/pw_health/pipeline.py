"""What waits at the broker: for parsers, for the detector, for each channel of alerts."""

from __future__ import annotations

from collections.abc import Iterator

from pw_common.topology.subjects import STREAM_TX
from pw_common.wire.limits import PARSER_REPLICAS_MAX
from pw_health.condition import LASTS_MS, PASSING_MS, Condition
from pw_health.facts import Channel, Queue, Snapshot
from pw_health.limits import (
    CHANNEL_LAG_MAX_MS,
    FULL_SHARE,
    LAG_CRITICAL_MS,
    LAG_MAX_MS,
    NOTHING_NEW_MS,
    PENDING_MAX,
    SLOW_MS,
)
from pw_health.processes import START, live_of


def missing(snapshot: Snapshot) -> Iterator[Condition]:
    """What the broker does not have."""
    for name in sorted(snapshot.missing):
        yield Condition(
            name=f"missing_{name}",
            severity="critical",
            since_ms=snapshot.at_ms,
            why=f"{name} does not exist at the broker: run provision.",
            what_to_do="Provision makes what is missing and changes nothing else.",
            mode="blind",
        )


def slow(snapshot: Snapshot) -> Iterator[Condition]:
    """A broker that answers so slowly that its answers are out of date."""
    if snapshot.took_ms > SLOW_MS:
        yield Condition(
            name="slow_broker",
            severity="critical",
            since_ms=snapshot.at_ms,
            why=f"The broker took {seconds(snapshot.took_ms)} to report its state.",
            what_to_do="Check the network to it and its load; until then all of this comes late.",
            mode="catching_up",
        )


def nothing_new(snapshot: Snapshot) -> Iterator[Condition]:
    """No calm: processes run, sources are connected, and nothing arrives."""
    ingests = [one for one in live_of(snapshot) if one.said.service == "ingest"]
    # While ingest has to wait, old data is the consequence, not the cause.
    if not ingests or any(True for _ in backpressure(snapshot)):
        return
    # A new ingest is given as long as an ingest that fell silent.
    since_ms = [one.stored_ms - (one.said.at_ms - one.said.started_at_ms) for one in ingests]
    last_ms = max((*since_ms, *([snapshot.tx_last_ms] if snapshot.tx_last_ms else [])))
    if snapshot.at_ms - last_ms > NOTHING_NEW_MS:
        yield Condition(
            name="nothing_new",
            severity="critical",
            since_ms=last_ms,
            why=f"Nothing new arrived for {(snapshot.at_ms - last_ms) // 1_000} s.",
            what_to_do="Try another endpoint; check the subscription.",
            mode="blind",
        )


def backpressure(snapshot: Snapshot) -> Iterator[Condition]:
    """PW_TX is full or nearly, and ingest has to wait."""
    why = []
    if snapshot.tx_bytes_max > 0 and snapshot.tx_bytes >= FULL_SHARE * snapshot.tx_bytes_max:
        share = 100 * snapshot.tx_bytes // snapshot.tx_bytes_max
        why.append(f"{STREAM_TX} is at {share} % of its limit.")
    sources = [one.said.source for one in live_of(snapshot)]
    names = sorted({one.source for one in sources if one is not None and one.waiting_for_broker})
    why += [f"Ingest waits for the broker to take what {name} sends." for name in names]
    if why:
        yield Condition(
            name="backpressure",
            severity="critical",
            since_ms=snapshot.at_ms,
            why=" ".join(why),
            what_to_do="Add parsers, or see why the broker takes nothing: room, disk, leader.",
            mode="backpressure",
        )


def behind(snapshot: Snapshot) -> Iterator[Condition]:
    """Services for which more waits than they should ever leave waiting."""
    for one in sorted(snapshot.queues, key=lambda q: (q.service, q.stream, q.lag_ms, q.pending)):
        if one.lag_ms <= LAG_MAX_MS and one.pending <= PENDING_MAX:
            continue
        late = one.lag_ms > LAG_CRITICAL_MS
        yield Condition(
            name=f"{one.service}_behind",
            severity="critical" if late else "warning",
            since_ms=snapshot.at_ms - one.lag_ms,
            why=_what_waits(one),
            what_to_do="Wait; if it grows, add parsers or CPU."
            if one.service == "parser"
            else "Wait; if it grows, give it more CPU and look at its log.",
            mode="catching_up",
            patience_ms=LASTS_MS if late else PASSING_MS,
        )
    yield from _at_limit(snapshot)


def channels(snapshot: Snapshot) -> Iterator[Condition]:
    """Channels of alerts that take nothing; with no notifier, all of them."""
    if not snapshot.channels:
        return
    if not any(one.said.service == "notifier" for one in live_of(snapshot)):
        names = sorted(one.name for one in snapshot.channels)
        beats = [one for one in snapshot.beats if one.said.service == "notifier"]
        yield Condition(
            name="no_notifier",
            severity="critical",
            since_ms=max((one.stored_ms for one in beats), default=snapshot.at_ms),
            why=f"No notifier is running: alerts wait for {', '.join(names)}.",
            what_to_do=START,
            mode="catching_up",
        )
        return
    for one in sorted(snapshot.channels, key=_of_channel):
        late = one.waiting > 0 and one.lag_ms > CHANNEL_LAG_MAX_MS
        if one.trouble or late:
            yield Condition(
                name=f"channel_{one.name}",
                severity="critical",
                since_ms=snapshot.at_ms - one.lag_ms,
                why=(one.trouble and f"Channel {one.name} {one.trouble}.") or _alerts_wait(one),
                what_to_do=f"See to it, then send a test message through {one.name}.",
                mode="catching_up",
            )
        elif one.note:
            yield Condition(
                name=f"channel_{one.name}",
                severity="info",
                since_ms=snapshot.at_ms,
                why=f"Channel {one.name} {one.note}.",
                what_to_do="See to it when you can; alerts are not late for it yet.",
            )


def _at_limit(snapshot: Snapshot) -> Iterator[Condition]:
    parsers = sum(one.said.service == "parser" for one in live_of(snapshot))
    waiting = max((one.pending for one in snapshot.queues if one.service == "parser"), default=0)
    if parsers >= PARSER_REPLICAS_MAX and waiting > PENDING_MAX:
        yield Condition(
            name="parsers_at_limit",
            severity="critical",
            since_ms=snapshot.at_ms,
            why=f"All {parsers} parsers run and the queue still grows.",
            what_to_do="Subscribe to less, or give parsers more CPU.",
            mode="catching_up",
        )


def _what_waits(one: Queue) -> str:
    if one.service != "parser":
        waiting = f": {one.pending} messages of {one.stream} wait" if one.pending else ""
        return f"The {one.service} is {seconds(one.lag_ms)} behind{waiting}."
    why = []
    if one.lag_ms > LAG_MAX_MS:
        why.append(f"The oldest message of {one.stream} waits for {seconds(one.lag_ms)}.")
    if one.pending > PENDING_MAX:
        why.append(f"{one.pending} messages of {one.stream} wait for a parser.")
    return " ".join(why)


def _of_channel(one: Channel) -> tuple[str, str, str, int, int]:
    return one.name, one.trouble, one.note, one.lag_ms, one.waiting


def _alerts_wait(one: Channel) -> str:
    alerts = "1 alert waits" if one.waiting == 1 else f"{one.waiting} alerts wait"
    return f"{alerts} for channel {one.name}, the oldest for {seconds(one.lag_ms)}."


def seconds(ms: int) -> str:
    """A time as text for people."""
    return f"{ms / 1_000:.1f} s" if ms < 100_000 else f"{ms // 1_000} s"
