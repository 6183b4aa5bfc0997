"""Whether the system can see: silence must mean calm. Facts in, sentences out; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pw_common.alerts import Alert, AlertKind, alert_id, episode_id
from pw_common.limits import PARSER_REPLICAS_MAX
from pw_common.memory import FULL_SHARE as MEMORY_SHARE
from pw_common.messages import Heartbeat, MemoryHealth, SourceHealth
from pw_notifier.core.policy import about_channel

STALE_MS: Final = 5_000
LAG_MAX_MS: Final = 30_000
# A source's clock may be ahead of ours by so much before somebody should look at both.
CLOCK_AHEAD_MAX_MS: Final = 5_000
FULL_SHARE: Final = 0.8
PENDING_MAX: Final = 1_000
# A condition must last this long to be said, and be gone this long to be over.
LASTS_MS: Final = 2_000
GONE_MS: Final = 10_000
# What is counted may grow all the time: it is said so often, with all that came since.
GROWN_MS: Final = 60_000
CHANNEL: Final = about_channel("")


@dataclass(frozen=True)
class Facts:
    """What the broker knows at one moment. Counts are of stored messages."""

    now_ms: int
    heartbeats: Sequence[Heartbeat]
    gaps: int = 0
    dead_letters: int = 0
    tx_bytes: int = 0
    tx_bytes_max: int = 0
    parser_pending: int = 0
    # What each failing channel fails in.
    channels: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Sight:
    """What was true when, and what was said of it."""

    since_ms: dict[str, int] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    gone_ms: dict[str, int] = field(default_factory=dict)
    gaps: int | None = None
    dead_letters: int | None = None
    late: int = 0
    grown_ms: dict[str, int] = field(default_factory=dict)

    @property
    def is_clear(self) -> bool:
        """Nothing was said that is not over."""
        return not self.said

    def look(self, facts: Facts) -> list[Alert]:
        """Alerts that are due now."""
        alerts = self._grown(facts)
        true = conditions(facts)
        for name, sentence in true.items():
            self.gone_ms.pop(name, None)
            began_ms = self.since_ms.setdefault(name, facts.now_ms)
            if name not in self.said and facts.now_ms - began_ms >= LASTS_MS:
                self.said[name] = began_ms
                alerts.append(_alert("blind", name, began_ms, 0, sentence, facts.now_ms))
        for name in list(self.since_ms):
            if name in true:
                continue
            gone_ms = self.gone_ms.setdefault(name, facts.now_ms)
            if name not in self.said:
                del self.since_ms[name], self.gone_ms[name]
            elif facts.now_ms - gone_ms >= GONE_MS:
                began_ms = self.said.pop(name)
                del self.since_ms[name], self.gone_ms[name]
                over = f"Over after {(facts.now_ms - began_ms) // 1_000} s."
                alerts.append(_alert("sighted", name, began_ms, 1, over, facts.now_ms))
        return alerts

    def _grown(self, facts: Facts) -> list[Alert]:
        """What is counted and never goes back: its growth is said once a minute at the most."""
        late = sum(
            beat.rates["pw_detector_late_total"].total
            for beat in facts.heartbeats
            if "pw_detector_late_total" in beat.rates
        )
        self.gaps, gaps = self._growth("gap", self.gaps, facts.gaps, facts.now_ms)
        self.dead_letters, letters = self._growth(
            "dead_letter", self.dead_letters, facts.dead_letters, facts.now_ms
        )
        # A detector that starts again counts from 0.
        self.late, lates = self._growth("late", self.late, max(self.late, late), facts.now_ms)
        grown = (
            ("gap", gaps, "gap(s) recorded: slots that the source did not give"),
            ("dead_letter", letters, "update(s) could not be read"),
            ("late", lates, "event(s) came after their slot had closed"),
        )
        return [
            _alert("blind", name, facts.now_ms, 0, f"{count} {what}.", facts.now_ms)
            for name, count, what in grown
            if count
        ]

    def _growth(self, name: str, before: int | None, now: int, now_ms: int) -> tuple[int, int]:
        """The count from which the next growth is taken, and what is said now of this one."""
        if before is None or now <= before:
            return now, 0
        if now_ms - self.grown_ms.get(name, now_ms - GROWN_MS) < GROWN_MS:
            return before, 0
        self.grown_ms[name] = now_ms
        return now, now - before


def conditions(facts: Facts) -> dict[str, str]:
    """What is wrong now, by name, each in a sentence."""
    live = [beat for beat in facts.heartbeats if facts.now_ms - beat.at_ms <= STALE_MS]
    found: dict[str, str] = {}
    for service in ("ingest", "parser", "detector"):
        if not any(beat.service == service for beat in live):
            found[f"no_{service}"] = f"No {service} is running."
    for beat in live:
        source = beat.source
        if source is not None:
            if not source.connected:
                why = f" ({source.detail})" if source.detail else ""
                found[f"source_{source.source}"] = f"Source {source.source} is away{why}."
            elif _is_behind(source):
                seconds = (source.lag_ms or 0) // 1_000
                found[f"source_{source.source}"] = f"Source {source.source} is {seconds} s behind."
            found |= _claims(source)
            if source.waiting_for_broker:
                found["backpressure"] = "PW_TX is full and ingest waits."
        if beat.service == "detector" and not beat.ready:
            found["detector_behind"] = f"The detector is not up to date: {beat.reason}."
        if beat.memory is not None:
            found |= _memory(beat.service, beat.memory)
        found |= {
            f"layout_{drift.venue}": f"{drift.venue} has changed since slot {drift.first_slot}."
            for drift in beat.drift
            # What was only added is shown by status: nothing is misread for it.
            if drift.kind == "changed"
        }
    if facts.tx_bytes_max and facts.tx_bytes >= FULL_SHARE * facts.tx_bytes_max:
        share = 100 * facts.tx_bytes // facts.tx_bytes_max
        found["backpressure"] = f"PW_TX is at {share} % of its limit."
    parsers = sum(beat.service == "parser" for beat in live)
    if parsers >= PARSER_REPLICAS_MAX and facts.parser_pending > PENDING_MAX:
        found["parsers_at_limit"] = f"All {parsers} parsers run and the queue still grows."
    return found | {
        about_channel(name): f"Channel {name} {what}." for name, what in facts.channels.items()
    }


def _is_behind(source: SourceHealth) -> bool:
    """The lag of a recording means nothing."""
    return source.kind == "live" and source.lag_ms is not None and source.lag_ms > LAG_MAX_MS


def _claims(source: SourceHealth) -> dict[str, str]:
    """What a source claims that cannot be, and where it shows less than was asked for."""
    found: dict[str, str] = {}
    if source.refusing:
        found[f"refused_{source.source}"] = f"Source {source.source}: {source.refusing}."
    if source.narrowed:
        found[f"narrow_{source.source}"] = f"Source {source.source}: {source.narrowed}."
    if source.kind == "live" and source.clock_ahead_ms > CLOCK_AHEAD_MAX_MS:
        seconds = source.clock_ahead_ms // 1_000
        found[f"clock_{source.source}"] = (
            f"Source {source.source}'s clock is {seconds} s ahead of this machine's."
        )
    return found


def _memory(service: str, held: MemoryHealth) -> dict[str, str]:
    if held.cut_ms:
        sentence = f"The {service} is at its memory limit and holds less than an hour of trades."
        return {f"{service}_cut": sentence}
    if held.resident_bytes >= MEMORY_SHARE * held.limit_bytes:
        share = 100 * held.resident_bytes // held.limit_bytes
        return {f"{service}_memory": f"The {service} holds {share} % of its memory limit."}
    return {}


def _alert(kind: AlertKind, name: str, began_ms: int, n: int, sentence: str, now_ms: int) -> Alert:
    episode = episode_id("", name, began_ms)
    if name.startswith(CHANNEL):
        title = "Alerts are not delivered" if kind == "blind" else "Alerts are delivered again"
    else:
        title = "You are blind" if kind == "blind" else "You see again"
    return Alert(
        id=alert_id(episode, n),
        episode=episode,
        n=n,
        kind=kind,
        trigger=name,
        severity="critical" if kind == "blind" else "info",
        slot=0,
        opened_slot=0,
        event_time_ms=now_ms,
        title=f"{title}: {name.replace('_', ' ')}",
        detail=sentence,
    )
