"""From a snapshot of the broker to the status view."""

from __future__ import annotations

from pw_api.core import mode
from pw_api.core.present import sum_rates
from pw_api.snapshot import Snapshot
from pw_api.unlisted import UnlistedView
from pw_api.views import (
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
from pw_common.log_reader import rfc3339_ms
from pw_common.messages import Heartbeat, Rate
from pw_common.subjects import CONSUMER_PARSER, STREAM_DLQ, STREAM_GAP, STREAM_TX

UNLISTED_SHOWN = 3
STORED_DUPLICATES = "pw_stored_duplicates_total"


def status_view(
    shot: Snapshot, *, repeats: int, swaps_trimmed: int, unlisted: UnlistedView
) -> StatusView:
    """The status at a snapshot.

    Args:
        repeats: Swaps that this API's own reader dropped as already read.
        swaps_trimmed: Messages that PW_SWAP lost before this reader came to them.
        unlisted: Programs that trade and are in no table; the first few are shown.
    """
    sources = source_views(shot)
    verdict = mode.decide(_facts(shot, sources))
    streams = [_stream_view(name, shot) for name in sorted(shot.streams)]
    messages = {stream.stream: stream.messages for stream in streams}
    duplicates = sum(
        beat.rates[STORED_DUPLICATES].total
        for beat in shot.heartbeats
        if STORED_DUPLICATES in beat.rates
    )
    return StatusView(
        at_ms=shot.at_ms,
        mode=verdict.mode,
        why=list(verdict.why),
        services=_service_views(shot),
        streams=streams,
        consumers=[_consumer_view(key, shot) for key in sorted(shot.consumers)],
        sources=sources,
        totals=TotalsView(
            dead_letters=messages.get(STREAM_DLQ, 0),
            gaps=_open_gaps(shot),
            stored_duplicates=duplicates + repeats,
            swaps_trimmed_unread=swaps_trimmed,
        ),
        unlisted=unlisted.model_copy(update={"shown": unlisted.shown[:UNLISTED_SHOWN]}),
    )


def _open_gaps(shot: Snapshot) -> int:
    """Recorded gaps that nobody has filled."""
    state = shot.streams.get(STREAM_GAP, {}).get("state", {})
    return sum((state.get("subjects") or {}).values())


def source_views(shot: Snapshot) -> list[SourceView]:
    """Every source that a live ingest reports or that has a checkpoint."""
    found: dict[str, SourceView] = {}
    for state in shot.checkpoints:
        found[state.source] = SourceView(
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
        )
    for beat in shot.heartbeats:
        health = beat.source
        if health is None or shot.is_stale(beat):
            continue
        stored = found.get(health.source)
        checkpoint = health.checkpoint_slot
        if checkpoint is None and stored is not None:
            checkpoint = stored.checkpoint_slot
        found[health.source] = SourceView(
            source=health.source,
            endpoint=health.endpoint,
            connected=health.connected,
            slot=health.slot,
            lag_ms=health.lag_ms,
            epoch=health.epoch,
            checkpoint_slot=checkpoint,
            frontier_slot=health.frontier_slot,
            gaps=health.gaps,
            waiting_for_broker=health.waiting_for_broker,
            detail=health.detail,
            endpoints=[
                EndpointView(
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
                for one in health.endpoints
            ],
            kind=health.kind,
            clock_ahead_ms=health.clock_ahead_ms,
            refused=health.refused,
            refusing=health.refusing,
            filter=health.filter,
            narrowed=health.narrowed,
        )
    return [found[name] for name in sorted(found)]


def _facts(shot: Snapshot, sources: list[SourceView]) -> mode.Facts:
    live = [beat for beat in shot.heartbeats if not shot.is_stale(beat)]
    ingests = [beat for beat in live if beat.service == "ingest"]
    tx = shot.streams.get(STREAM_TX)
    consumer = shot.consumers.get((STREAM_TX, CONSUMER_PARSER))
    return mode.Facts(
        ingests=len(ingests),
        parsers=sum(1 for beat in live if beat.service == "parser"),
        detectors=sum(1 for beat in live if beat.service == "detector"),
        sources=tuple(
            mode.SourceFacts(
                name=one.source,
                connected=one.connected,
                waiting_for_broker=one.waiting_for_broker,
                lag_s=None if one.lag_ms is None else one.lag_ms / 1000,
                detail=one.detail,
                is_live=one.kind == "live",
                clock_ahead_s=one.clock_ahead_ms / 1000,
                refusing=one.refusing,
                narrowed=one.narrowed,
            )
            for one in sources
        ),
        tx_bytes=tx["state"]["bytes"] if tx else 0,
        tx_bytes_max=tx["config"]["max_bytes"] if tx else 0,
        parser_pending=consumer["num_pending"] if consumer else 0,
        parser_lag_s=shot.lag_s.get((STREAM_TX, CONSUMER_PARSER), 0.0),
        tx_age_s=_tx_age_s(shot, ingests),
        missing=tuple(sorted(shot.missing)),
        troubles=tuple(
            dict.fromkeys(
                f"{one.service}: {one.reason}." for one in live if one.ready and one.reason
            )
        ),
        drift=mode.merged(drift for beat in live for drift in beat.drift),
        memory=tuple((beat.service, beat.memory) for beat in live if beat.memory is not None),
    )


def _tx_age_s(shot: Snapshot, ingests: list[Heartbeat]) -> float | None:
    # An ingest that just started is given as long as one that fell silent.
    since_ms = [beat.started_at_ms for beat in ingests]
    if STREAM_TX in shot.streams:
        last_ms = _last_at_ms(shot, STREAM_TX)
        since_ms += [] if last_ms is None else [last_ms]
    return max(0, shot.at_ms - max(since_ms)) / 1000 if since_ms else None


def _last_at_ms(shot: Snapshot, stream: str) -> int | None:
    state = shot.streams[stream]["state"]
    at_ms = rfc3339_ms(state["last_ts"])
    return at_ms if at_ms > 0 else None


def _service_views(shot: Snapshot) -> list[ServiceView]:
    names = sorted({beat.service for beat in shot.heartbeats})
    views = []
    for name in names:
        beats = [beat for beat in shot.heartbeats if beat.service == name]
        rates = sum_rates([beat.rates for beat in beats if not shot.is_stale(beat)])
        views.append(
            ServiceView(
                service=name,
                instances=[_instance_view(beat, shot) for beat in beats],
                rates={metric: _rate_view(rate) for metric, rate in rates.items()},
            )
        )
    return views


def _instance_view(beat: Heartbeat, shot: Snapshot) -> InstanceView:
    return InstanceView(
        instance=beat.instance,
        version=beat.version,
        pid=beat.pid,
        http_url=beat.http_url,
        ready=beat.ready,
        reason=beat.reason,
        stale=shot.is_stale(beat),
        age_ms=max(0, shot.at_ms - beat.at_ms),
        uptime_s=max(0, beat.at_ms - beat.started_at_ms) / 1000,
    )


def _rate_view(rate: Rate) -> RateView:
    return RateView(total=rate.total, per_s_1s=rate.per_s_1s, per_s_60s=rate.per_s_60s)


def _stream_view(name: str, shot: Snapshot) -> StreamView:
    state = shot.streams[name]["state"]
    return StreamView(
        stream=name,
        messages=state["messages"],
        bytes=state["bytes"],
        bytes_max=shot.streams[name]["config"]["max_bytes"],
        first_seq=state["first_seq"],
        last_seq=state["last_seq"],
        last_at_ms=_last_at_ms(shot, name),
    )


def _consumer_view(key: tuple[str, str], shot: Snapshot) -> ConsumerView:
    info = shot.consumers[key]
    return ConsumerView(
        stream=key[0],
        consumer=key[1],
        pending=info["num_pending"],
        ack_pending=info["num_ack_pending"],
        redelivered=info["num_redelivered"],
        lag_s=round(shot.lag_s[key], 3),
    )
