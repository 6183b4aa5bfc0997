"""From a snapshot of the broker to the status view."""

from __future__ import annotations

from collections.abc import Sequence

from pw_api.core.present import sum_rates
from pw_api.models.health_view import condition_view
from pw_api.models.status import (
    ConsumerView,
    EndpointView,
    InstanceView,
    RateView,
    ServiceView,
    SourceView,
    StatusView,
    StreamView,
    TotalsView,
)
from pw_api.models.unlisted import UnlistedView
from pw_common.jetstream.overview import Overview
from pw_common.text.broker_time import rfc3339_ms
from pw_common.topology.subjects import STREAM_DLQ, STREAM_GAP
from pw_common.wire.heartbeat import EndpointHealth, Heartbeat, Rate, SourceHealth
from pw_common.wire.messages import SourceState
from pw_health import Condition, mode_of
from pw_health.reading import quiet_until_ms, silent_instances

UNLISTED_SHOWN = 3
STORED_DUPLICATES = "pw_stored_duplicates_total"
REPEATED = "pw_detector_repeated_swaps_total"
TRIMMED = ("pw_detector_trimmed_total", "pw_history_trimmed_total")


def status_view(
    shot: Overview,
    conditions: Sequence[Condition],
    *,
    unlisted: UnlistedView,
    demo: bool,
    pw_command: str = "",
) -> StatusView:
    """The status at a snapshot.

    Args:
        conditions: What is wrong, the worst first.
        unlisted: Programs that trade and are in no table; the first few are shown.
        demo: What is shown is a generated market.
        pw_command: How `pw` is called where this was started.
    """
    streams = [_stream_view(name, shot) for name in sorted(shot.streams)]
    messages = {stream.stream: stream.messages for stream in streams}
    sources = source_views(shot)
    return StatusView(
        at_ms=shot.at_ms,
        mode=mode_of(conditions),
        why=[one.why for one in conditions],
        conditions=[condition_view(one) for one in conditions],
        services=_service_views(shot),
        streams=streams,
        consumers=[_consumer_view(key, shot) for key in sorted(shot.consumers)],
        sources=sources,
        totals=TotalsView(
            dead_letters=messages.get(STREAM_DLQ, 0),
            gaps=_open_gaps(shot),
            stored_duplicates=sum(_totals(shot, STORED_DUPLICATES)) + _most(shot, REPEATED),
            swaps_trimmed_unread=_most(shot, *TRIMMED),
        ),
        unlisted=unlisted.model_copy(update={"shown": unlisted.shown[:UNLISTED_SHOWN]}),
        # A live source never plays a generated market.
        demo=demo and any(one.kind == "recorded" for one in sources),
        pw_command=pw_command,
        last_swap_ms=max(
            (one.last_swap_ms for one in shot.heartbeats if one.last_swap_ms is not None),
            default=None,
        ),
    )


def _totals(shot: Overview, metric: str) -> list[int]:
    """A counter of each instance, of stale ones too: what it counted has happened."""
    return [beat.rates[metric].total for beat in shot.heartbeats if metric in beat.rates]


def _most(shot: Overview, *metrics: str) -> int:
    """The most that one instance counted, of which each reads the whole of PW_SWAP."""
    return max((one for metric in metrics for one in _totals(shot, metric)), default=0)


def _open_gaps(shot: Overview) -> int:
    """Recorded gaps that nobody has filled."""
    state = shot.streams.get(STREAM_GAP, {}).get("state", {})
    return sum((state.get("subjects") or {}).values())


def source_views(shot: Overview) -> list[SourceView]:
    """Every source that a live ingest reports or that has a checkpoint."""
    found = {state.source: _of_checkpoint(state) for state in shot.checkpoints}
    silent = silent_instances(shot)
    for beat in shot.heartbeats:
        health = beat.source
        if health is None or beat.instance in silent:
            continue
        stored = found.get(health.source)
        found[health.source] = _of_ingest(health, stored.checkpoint_slot if stored else None)
    return [found[name] for name in sorted(found)]


def _of_checkpoint(state: SourceState) -> SourceView:
    return SourceView(
        source=state.source,
        endpoint="",
        connected=False,
        slot=None,
        lag_ms=None,
        epoch=state.epoch,
        checkpoint_slot=state.checkpoint_slot,
        frontier_slot=state.frontier_slot,
        gaps=0,
        waiting_for_broker=False,
        detail="no ingest reports it",
        endpoints=[],
        kind="live",
        clock_ahead_ms=0,
        refused=0,
        refusing="",
        filter="",
        narrowed="",
        sampled="",
        seen_permille=None,
    )


def _of_ingest(health: SourceHealth, stored_slot: int | None) -> SourceView:
    """What ingest reports; until it has its own checkpoint, the stored one counts."""
    checkpoint_slot = health.checkpoint_slot
    return SourceView(
        source=health.source,
        endpoint=health.endpoint,
        connected=health.connected,
        slot=health.slot,
        lag_ms=health.lag_ms,
        epoch=health.epoch,
        checkpoint_slot=stored_slot if checkpoint_slot is None else checkpoint_slot,
        frontier_slot=health.frontier_slot,
        gaps=health.gaps,
        waiting_for_broker=health.waiting_for_broker,
        detail=health.detail,
        endpoints=[_endpoint_view(one) for one in health.endpoints],
        kind=health.kind,
        clock_ahead_ms=health.clock_ahead_ms,
        refused=health.refused,
        refusing=health.refusing,
        filter=health.filter,
        narrowed=health.narrowed,
        sampled=health.sampled,
        seen_permille=health.seen_permille,
    )


def _endpoint_view(one: EndpointHealth) -> EndpointView:
    return EndpointView(
        endpoint=one.endpoint,
        connected=one.connected,
        active=one.active,
        slot=one.slot,
        lag_ms=one.lag_ms,
        detail=one.detail,
        clock_ahead_ms=one.clock_ahead_ms,
        refused=one.refused,
        refusing=one.refusing,
        filter=one.filter,
    )


def _last_at_ms(shot: Overview, stream: str) -> int | None:
    state = shot.streams[stream]["state"]
    at_ms = rfc3339_ms(state["last_ts"])
    return at_ms if at_ms > 0 else None


def _service_views(shot: Overview) -> list[ServiceView]:
    names = sorted({beat.service for beat in shot.heartbeats})
    silent = silent_instances(shot)
    views = []
    for name in names:
        beats = [beat for beat in shot.heartbeats if beat.service == name]
        rates = sum_rates([beat.rates for beat in beats if beat.instance not in silent])
        views.append(
            ServiceView(
                service=name,
                instances=[_instance_view(beat, shot, silent) for beat in beats],
                rates={metric: _rate_view(rate) for metric, rate in rates.items()},
            )
        )
    return views


def _instance_view(beat: Heartbeat, shot: Overview, silent: frozenset[str]) -> InstanceView:
    return InstanceView(
        instance=beat.instance,
        version=beat.version,
        pid=beat.pid,
        http_url=beat.http_url,
        ready=beat.ready,
        reason=beat.reason,
        stale=beat.instance in silent,
        age_ms=max(0, shot.broker_ms - shot.stored_ms[beat.instance]),
        uptime_s=max(0, beat.at_ms - beat.started_at_ms) / 1000,
    )


def _rate_view(rate: Rate) -> RateView:
    return RateView(total=rate.total, per_s_1s=rate.per_s_1s, per_s_60s=rate.per_s_60s)


def _stream_view(name: str, shot: Overview) -> StreamView:
    state = shot.streams[name]["state"]
    return StreamView(
        stream=name,
        messages=state["messages"],
        bytes=state["bytes"],
        bytes_max=shot.streams[name]["config"]["max_bytes"],
        first_seq=state["first_seq"],
        last_seq=state["last_seq"],
        last_at_ms=_last_at_ms(shot, name),
        created_ms=rfc3339_ms(shot.streams[name]["created"]),
    )


def _consumer_view(key: tuple[str, str], shot: Overview) -> ConsumerView:
    info = shot.consumers[key]
    return ConsumerView(
        stream=key[0],
        consumer=key[1],
        pending=info["num_pending"],
        ack_pending=info["num_ack_pending"],
        redelivered=info["num_redelivered"],
        quiet_until_ms=quiet_until_ms(info, shot.at_ms),
        lag_s=round(shot.lag_s[key], 3),
    )
