"""Making the report: read what is stored, add what the processes cost."""

from __future__ import annotations

from pathlib import Path

from solders.signature import Signature

from pw_cli.up.processes.processes import usage
from pw_cli.up.processes.system import System
from pw_cli.up.report.report import Report, Tally, per_transaction
from pw_common.dev.sent_record import read_sent_record
from pw_common.jetstream.consuming.stored import stored_messages, stream_state
from pw_common.topology.subjects import STREAM_ALERT, STREAM_DLQ, STREAM_GAP, STREAM_SWAP
from pw_common.wire.alerts import Alert, alert_digest, decode_alert
from pw_common.wire.envelope import decompress
from pw_common.wire.limits import BATCH_BYTES_MAX
from pw_common.wire.messages import decode_batch


async def make_report(system: System, *, drained: bool) -> Report:
    """Fold PW_SWAP and measure the children; they still run, so that their cost is readable."""
    cpu_s, rss_mb, restarts = _costs(system)
    sent_ns = _sent_times(system.sent_record)
    tally = Tally(first_seq=system.first_tx_seq)
    async for message in stored_messages(system.bus, STREAM_SWAP):
        batch = decode_batch(decompress(message.data, BATCH_BYTES_MAX))
        stored_ns = int(message.metadata.timestamp.timestamp() * 1e9)
        tally.add(batch, stored_ns, sent_ns)
    alerts, alerts_stored = await _alerts(system)
    began_ns = min(sent_ns.values(), default=tally.first_stored_ns)
    elapsed_s = max(0.0, (tally.last_stored_ns - began_ns) / 1e9)
    counters = system.ingest_counters
    return Report(
        updates_sent=int(system.source_status.get("sent_updates", 0)),
        transactions_sent=int(system.source_status.get("sent_transactions", 0)),
        transactions_in=int(counters.get("pw_ingest_transactions_total", 0)),
        transactions_parsed=tally.transactions,
        failed=tally.failed,
        votes=tally.votes,
        swaps=tally.swaps,
        dead_letters=(await stream_state(system.bus, STREAM_DLQ))["messages"],
        gaps=(await stream_state(system.bus, STREAM_GAP))["messages"],
        stored_duplicates=tally.stored_duplicates,
        late=tally.late,
        elapsed_s=round(elapsed_s, 3),
        throughput_tx_s=round(tally.transactions / elapsed_s, 1) if elapsed_s else 0.0,
        latency_ms={"swap": tally.latency(), "alert": tally.alert_latency(alerts_stored)},
        cpu_us_per_tx=per_transaction(cpu_s, tally.transactions),
        rss_mb=rss_mb,
        swap_digest=tally.digest(),
        alerts=len(alerts),
        alert_digest=alert_digest(alerts),
        hold_ms=round(
            1000
            * max(
                (
                    one.get("pw_detector_hold_max_seconds", 0)
                    for one in system.detector_counters.values()
                ),
                default=0,
            )
        ),
        drained=drained,
        restarts=restarts,
    )


async def _alerts(system: System) -> tuple[list[Alert], list[tuple[int, int]]]:
    """The tokens' alerts, and (slot, when it was stored) of each."""
    alerts: list[Alert] = []
    stored: list[tuple[int, int]] = []
    async for message in stored_messages(system.bus, STREAM_ALERT):
        alert = decode_alert(message.data)
        if alert.mint:
            alerts.append(alert)
            stored.append((alert.slot, int(message.metadata.timestamp.timestamp() * 1e9)))
    return alerts, stored


def _costs(system: System) -> tuple[dict[str, float], dict[str, float], dict[str, int]]:
    cpu_s: dict[str, float] = {}
    rss_mb: dict[str, float] = {}
    restarts: dict[str, int] = {}
    for child in system.children:
        service = child.spec.service
        child.measure()
        cpu_s[service] = cpu_s.get(service, 0.0) + child.cost.cpu_s
        rss_mb[service] = max(rss_mb.get(service, 0.0), child.cost.rss_mb)
        if child.restarts:
            restarts[child.spec.name] = child.restarts
    if system.broker is not None:
        total_s, rss = usage(system.broker.process.pid)
        cpu_s["broker"] = total_s - system.broker_cpu_mark_s
        rss_mb["broker"] = rss
    return cpu_s, rss_mb, restarts


def _sent_times(path: Path) -> dict[str, int]:
    """When the source sent each transaction first, by base58 signature."""
    if not path.is_file():
        return {}
    found: dict[str, int] = {}
    for signature, sent_ns in read_sent_record(path.read_bytes()):
        found.setdefault(str(Signature(signature)), sent_ns)
    return found
