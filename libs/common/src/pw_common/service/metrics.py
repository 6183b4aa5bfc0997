"""Every metric: name, kind, labels, meaning and what to do when it moves.

Names are what Prometheus shows; OpenTelemetry appends `_total` to counters by
itself. Labels are closed sets: never a mint, wallet, pool or signature. Times are seconds.

A metric that gets another name keeps the old one for one version: `replaces` declares both.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Histogram as OtelHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest

from pw_common.service.counts import Counts
from pw_common.service.rates import RateMeter
from pw_common.wire.heartbeat import Rate

Kind = Literal["counter", "gauge", "histogram"]


class Replaced(NamedTuple):
    """A deprecated name, still shown with the value that it always had: whole, in its own unit."""

    name: str
    per_new: int
    """How many of its unit one unit of the new name is: 1000 for milliseconds."""


class Metric(NamedTuple):
    """One declaration. `help` says what it is and what to do when it moves."""

    name: str
    kind: Kind
    services: tuple[str, ...]
    help: str
    labels: tuple[str, ...] = ()
    replaces: Replaced | None = None
    """Gauges only."""

    def is_of(self, service: str) -> bool:
        """Whether a service has it."""
        return self.services == ALL or service in self.services


# In place of names: every service has it, whichever there are.
ALL = ("*",)

METRICS: tuple[Metric, ...] = (
    Metric(
        "pw_provision_changes_total",
        "counter",
        ("provision",),
        "Streams, buckets and consumers made or changed. After the start: somebody changed them.",
        ("done",),
    ),
    Metric(
        "pw_provision_refused",
        "gauge",
        ("provision",),
        "What differs where a change would lose data: its log has the difference.",
    ),
    Metric(
        "pw_provision_failed_total",
        "counter",
        ("provision",),
        "Attempts that the broker did not answer, or answered with an error.",
    ),
    Metric(
        "pw_lag_adapter_failed_total",
        "counter",
        ("lag_adapter",),
        "Questions for a lag that the broker did not answer: each was a 503.",
    ),
    Metric("pw_lag_adapter_lag", "gauge", ("lag_adapter",), "The lag that was reported last."),
    Metric("pw_build_info", "gauge", ALL, "1, labelled with the running version.", ("version",)),
    Metric("pw_broker_connected", "gauge", ALL, "1 while connected to the broker; 0: look there."),
    Metric(
        "pw_publish_retries_total",
        "counter",
        ("ingest", "parser", "detector", "notifier"),
        "Publishes sent again: full stream, leader election, timeout. Steady growth: see status.",
        ("why",),
    ),
    Metric(
        "pw_stored_duplicates_total",
        "counter",
        ("ingest", "parser"),
        "Publishes that the broker already had. Normal after a restart or redelivery.",
        ("stream",),
    ),
    Metric("pw_ingest_updates_total", "counter", ("ingest",), "Updates received from the source."),
    Metric("pw_ingest_transactions_total", "counter", ("ingest",), "Transactions received."),
    Metric("pw_ingest_bytes_total", "counter", ("ingest",), "Raw bytes received."),
    Metric("pw_ingest_messages_total", "counter", ("ingest",), "PW_TX messages stored."),
    Metric(
        "pw_ingest_reconnects_total",
        "counter",
        ("ingest",),
        "Streams that ended and were opened again. Often: look at the endpoint.",
        ("why",),
    ),
    Metric("pw_ingest_gaps_total", "counter", ("ingest",), "Gaps recorded: slots we never got."),
    Metric(
        "pw_ingest_tx_went_back_total",
        "counter",
        ("ingest",),
        "Starts that found PW_TX restored from an older copy, and asked the source again.",
    ),
    Metric(
        "pw_parser_swept_total",
        "counter",
        ("parser",),
        "Acknowledged messages that a crash of the broker had brought back, removed.",
    ),
    Metric("pw_ingest_slot", "gauge", ("ingest",), "Newest slot received."),
    Metric("pw_ingest_frontier_slot", "gauge", ("ingest",), "Every slot up to here is stored."),
    Metric(
        "pw_ingest_backpressure",
        "gauge",
        ("ingest",),
        "1 while PW_TX is full and ingest waits: add parsers or raise its limit.",
    ),
    Metric(
        "pw_ingest_lag_seconds",
        "gauge",
        ("ingest",),
        "Now minus `created_at` of the last update.",
        replaces=Replaced("pw_ingest_lag_ms", 1000),
    ),
    Metric(
        "pw_ingest_clock_ahead_seconds",
        "gauge",
        ("ingest",),
        "How far a source's `created_at` is ahead of our clock: one of the two is wrong.",
        replaces=Replaced("pw_ingest_clock_ahead_ms", 1000),
    ),
    Metric(
        "pw_ingest_refused_total",
        "counter",
        ("ingest",),
        "Claims of a source that cannot be, not taken: see `refusing` in status.",
        ("why",),
    ),
    Metric(
        "pw_ingest_filter_refused_total",
        "counter",
        ("ingest",),
        "Subscriptions that an endpoint refused for what they ask: a narrower one is in use.",
        ("filter",),
    ),
    Metric(
        "pw_ingest_filter_narrowed",
        "gauge",
        ("ingest",),
        "1 while less is seen than was asked for: see `narrowed` in status.",
    ),
    Metric(
        "pw_ingest_blocks_seen_ratio",
        "gauge",
        ("ingest",),
        "Share of the blocks of the last ten minutes that a JSON-RPC node was asked for; else 1.",
    ),
    Metric(
        "pw_ingest_blocks_left_out_total",
        "counter",
        ("ingest",),
        "Blocks that were not asked for, since the rate allowed does not follow the chain.",
    ),
    Metric(
        "pw_ingest_rpc_retries_total",
        "counter",
        ("ingest",),
        "Requests that a JSON-RPC node limited, or did not answer, and that are sent again.",
    ),
    Metric("pw_parser_messages_total", "counter", ("parser",), "PW_TX messages answered."),
    Metric("pw_parser_transactions_total", "counter", ("parser",), "Transactions parsed."),
    Metric("pw_parser_failed_total", "counter", ("parser",), "Transactions that failed on chain."),
    Metric("pw_parser_votes_total", "counter", ("parser",), "Vote transactions."),
    Metric("pw_parser_swaps_total", "counter", ("parser",), "Swaps found."),
    Metric(
        "pw_parser_unparsed_total",
        "counter",
        ("parser",),
        "Instructions and events of known venues that no layout explains. A jump: it changed.",
        ("venue",),
    ),
    Metric(
        "pw_parser_disagreements_total",
        "counter",
        ("parser",),
        "Swaps whose venue states other amounts than the balances. See `pw parse --explain`.",
        ("venue",),
    ),
    Metric(
        "pw_parser_dead_letters_total",
        "counter",
        ("parser",),
        "Updates put into PW_DLQ: see `pw dlq list`.",
    ),
    Metric(
        "pw_parser_programs_waiting",
        "gauge",
        ("parser",),
        "1 while the table of programs that a message names is not there: see log and runbook.",
    ),
    Metric(
        "pw_parser_parse_duration_seconds",
        "histogram",
        ("parser",),
        "Time to parse one PW_TX message.",
    ),
    Metric(
        "pw_configuration_unusable",
        "gauge",
        ("ingest", "parser", "detector", "notifier"),
        "Configured documents whose newest value cannot be used. Not 0: set it again; see status.",
    ),
    Metric("pw_detector_slots_total", "counter", ("detector",), "Slots evaluated."),
    Metric("pw_detector_swaps_total", "counter", ("detector",), "Swaps folded and evaluated."),
    Metric("pw_detector_alerts_total", "counter", ("detector",), "Alerts stored.", ("kind",)),
    Metric(
        "pw_detector_alerts_cut_total",
        "counter",
        ("detector",),
        "Alerts too large for the broker, stored without a part: `truncated` says which.",
    ),
    Metric(
        "pw_detector_late_total",
        "counter",
        ("detector",),
        "Events that came after their slot or session had closed. Not 0: a sequence gap was given "
        "up, see the log, or ingest began a new session while PW_TX was full.",
    ),
    Metric(
        "pw_detector_untimed_total",
        "counter",
        ("detector",),
        "Events left out because nothing tells their slot's time: at the start of a session.",
    ),
    Metric(
        "pw_detector_too_old_total",
        "counter",
        ("detector",),
        "Events of a filled gap that nothing tells the time: neither what is remembered of the "
        "present session nor a block of the gap.",
    ),
    Metric(
        "pw_detector_before_session_total",
        "counter",
        ("detector",),
        "Events of a filled gap that lies before the present session, or before all that is "
        "remembered of it: readers get them with the time of their block, no window has them.",
    ),
    Metric(
        "pw_detector_given_up_sequences_total",
        "counter",
        ("detector",),
        "PW_TX sequences that nobody answered in time. Not 0: look at parsers and PW_DLQ.",
    ),
    Metric(
        "pw_detector_unreadable_total",
        "counter",
        ("detector",),
        "Messages of PW_SWAP that are no batch: see the log for their sequences.",
    ),
    Metric(
        "pw_detector_repeated_swaps_total",
        "counter",
        ("detector",),
        "Swaps that PW_SWAP holds more than once, each dropped. Normal after a redelivery.",
    ),
    Metric(
        "pw_detector_trimmed_total",
        "counter",
        ("detector",),
        "Messages of PW_SWAP gone before the detector read them: raise the stream's limits.",
    ),
    Metric(
        "pw_detector_void_sequences_total",
        "counter",
        ("detector",),
        "PW_TX sequences that never were a message, as a crash of the broker leaves them.",
    ),
    Metric(
        "pw_detector_reused_sequences_total",
        "counter",
        ("detector",),
        "Batches whose PW_TX sequence had meant another message: the stream was restored.",
    ),
    Metric("pw_detector_swap_seq", "gauge", ("detector",), "PW_SWAP sequence folded last."),
    Metric("pw_detector_slot", "gauge", ("detector",), "Newest slot that was evaluated."),
    Metric(
        "pw_detector_event_timestamp_seconds",
        "gauge",
        ("detector",),
        "Event time of that slot, since 1970.",
        replaces=Replaced("pw_detector_event_time_ms", 1000),
    ),
    Metric("pw_detector_held", "gauge", ("detector",), "Batches that wait for an earlier one."),
    Metric(
        "pw_detector_hold_seconds",
        "gauge",
        ("detector",),
        "How long the oldest of them has waited. A few: a parser died; more: look at parsers.",
        replaces=Replaced("pw_detector_hold_ms", 1000),
    ),
    Metric(
        "pw_detector_hold_max_seconds",
        "gauge",
        ("detector",),
        "The longest that a batch was held since the start.",
        replaces=Replaced("pw_detector_hold_max_ms", 1000),
    ),
    Metric("pw_detector_memory_bytes", "gauge", ("detector",), "Memory that the process holds."),
    Metric(
        "pw_detector_memory_bytes_max",
        "gauge",
        ("detector",),
        "What it may hold: the setting, or its container's limit where that is less.",
    ),
    Metric(
        "pw_detector_state_bytes",
        "gauge",
        ("detector",),
        "What its windows, wallets and tokens take of it, from their counts.",
    ),
    Metric(
        "pw_detector_cut_trades_total",
        "counter",
        ("detector",),
        "Trades dropped from the hour to stay within the limit, oldest first.",
    ),
    Metric(
        "pw_detector_cut_tokens_total",
        "counter",
        ("detector",),
        "Tokens dropped whole by that, since they had traded only before.",
    ),
    Metric("pw_detector_unlisted_programs", "gauge", ("detector",), "Unlisted ones that trade."),
    Metric(
        "pw_detector_unlisted_left_out_total",
        "counter",
        ("detector",),
        "Passages of swaps through more such programs than ten minutes note.",
    ),
    Metric("pw_history_swaps_total", "counter", ("history",), "Swaps stored."),
    Metric(
        "pw_history_repeats_total",
        "counter",
        ("history",),
        "Swaps read again after a restart, stored before.",
    ),
    Metric(
        "pw_history_beyond_total",
        "counter",
        ("history",),
        "Swaps of filled gaps older than PW_HISTORY_HOURS: not stored.",
    ),
    Metric(
        "pw_history_unreadable_total",
        "counter",
        ("history",),
        "Messages that are not what their stream holds: see the log.",
    ),
    Metric(
        "pw_history_trimmed_total",
        "counter",
        ("history",),
        "Messages of PW_SWAP trimmed before they were read: a hole. Raise PW_SWAP_BYTES_MAX.",
    ),
    Metric(
        "pw_history_void_sequences_total",
        "counter",
        ("history",),
        "Sequences of PW_TX that were proven never stored.",
    ),
    Metric(
        "pw_history_given_up_sequences_total",
        "counter",
        ("history",),
        "Sequences of PW_TX that no parser answered in time: a hole.",
    ),
    Metric("pw_history_pending", "gauge", ("history",), "Messages of PW_SWAP not read yet."),
    Metric("pw_history_held", "gauge", ("history",), "Batches that wait for an earlier one."),
    Metric(
        "pw_history_behind_seconds", "gauge", ("history",), "Age of what is read now; 0: all is."
    ),
    Metric("pw_history_slot", "gauge", ("history",), "Newest slot that is stored or about to be."),
    Metric("pw_history_event_timestamp_seconds", "gauge", ("history",), "Event time of that slot."),
    Metric("pw_history_memory_bytes", "gauge", ("history",), "Resident memory."),
    Metric("pw_history_file_bytes", "gauge", ("history",), "Size of the file, with its log."),
    Metric("pw_history_disk_free_bytes", "gauge", ("history",), "Free on the disk of its folder."),
    Metric(
        "pw_history_exported_hours_total", "counter", ("history",), "Hours exported as Parquet."
    ),
    Metric("pw_history_due_hours", "gauge", ("history",), "Closed hours that are not exported."),
    Metric(
        "pw_history_export_failures_total",
        "counter",
        ("history",),
        "Turns in which the store did not take what is due: see the log.",
    ),
    Metric(
        "pw_history_questions_total",
        "counter",
        ("history",),
        "Questions by outcome: answered, left, too long, busy, bad, failed.",
        ("outcome",),
    ),
    Metric("pw_history_answer_seconds", "histogram", ("history",), "Time of a whole answer."),
    Metric("pw_notifier_sent_total", "counter", ("notifier",), "Alerts delivered.", ("kind",)),
    Metric(
        "pw_notifier_failed_total",
        "counter",
        ("notifier",),
        "Attempts that failed. Growing: the channel is down, or set up wrong; see the log.",
        ("kind",),
    ),
    Metric(
        "pw_notifier_held",
        "gauge",
        ("notifier",),
        "Channels at fault that hold their alerts: readiness has each one's own words.",
    ),
    Metric(
        "pw_notifier_answers_cut_total",
        "counter",
        ("notifier",),
        "Answers that broke off or were longer than 64 kB or 10 s: no usual service answers so.",
        ("kind",),
    ),
    Metric("pw_notifier_late_total", "counter", ("notifier",), "Sent in a digest.", ("kind",)),
    Metric(
        "pw_notifier_dead_letters_total",
        "counter",
        ("notifier",),
        "Alerts that a channel never took: see `pw dlq list`.",
        ("kind",),
    ),
    Metric("pw_api_requests_total", "counter", ("api",), "HTTP requests.", ("status",)),
    Metric(
        "pw_api_connections_closed_total",
        "counter",
        ("api",),
        "Connections that the API ended, and requests that it refused, for a limit. Growing: "
        "a client that floods or is very slow; see PW_API_CONNECTIONS_PER_PEER_MAX.",
        ("why",),
    ),
    Metric(
        "pw_api_refused_total",
        "counter",
        ("api",),
        "Requests refused at the door: host, origin, site, token, type, code or method.",
        ("why",),
    ),
    Metric(
        "pw_api_facts_asked_total",
        "counter",
        ("api",),
        "Mints that the node of PW_API_FACTS_RPC_URL was asked about: given, none (no mint), "
        "failed, or held_back by our own rate. Failing: the answer says why.",
        ("done",),
    ),
    Metric(
        "pw_api_facts_not_kept_total",
        "counter",
        ("api",),
        "Facts that the broker did not take: they were shown, and the node is asked again.",
    ),
    Metric("pw_replay_updates_total", "counter", ("replay",), "Updates sent."),
    Metric("pw_replay_transactions_total", "counter", ("replay",), "Transactions sent."),
)

BY_NAME = {metric.name: metric for metric in METRICS}

# Explicit because the defaults begin at 5 ms and our work takes microseconds to milliseconds.
DURATION_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)


class UndeclaredMetric(KeyError):
    """A name that is not in METRICS, or not for this service."""


class Metrics:
    """The instruments of one service instance, plus totals and rates for its heartbeat."""

    def __init__(self, service: str, version: str) -> None:
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(
            disable_target_info=True, scope_info_enabled=False, registry=self._registry
        )
        buckets = ExplicitBucketHistogramAggregation(DURATION_BUCKETS_S)
        provider = MeterProvider(
            metric_readers=[reader],
            resource=Resource.create({"service.name": f"pw-{service}"}),
            # Of that kind only: gauges end in `_seconds` too.
            views=[View(instrument_type=OtelHistogram, aggregation=buckets)],
            shutdown_on_exit=False,
        )
        meter = provider.get_meter("pocketwatcher")
        self._provider = provider
        self._counters: dict[str, Counts] = {}
        self._gauges = {}
        self._replaced = {}
        self._histograms: dict[str, OtelHistogram] = {}
        self._meters: dict[str, RateMeter] = {}
        for metric in METRICS:
            if not metric.is_of(service):
                continue
            if metric.kind == "counter":
                bare = metric.name.removesuffix("_total")
                counts = self._counters[metric.name] = Counts()
                # Read when somebody asks: an instrument of its own costs microseconds a count.
                meter.create_observable_counter(bare, [counts.observe], description=metric.help)
                self._meters[metric.name] = RateMeter()
            elif metric.kind == "gauge":
                self._gauges[metric.name] = meter.create_gauge(metric.name, description=metric.help)
                if old := metric.replaces:
                    gone = f"Deprecated, gone in the next version: read {metric.name}."
                    gauge = meter.create_gauge(old.name, description=gone)
                    self._replaced[metric.name] = gauge, old.per_new
            else:
                self._histograms[metric.name] = meter.create_histogram(
                    metric.name, description=metric.help
                )
        self.set("pw_build_info", 1, version=version)

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add to a counter."""
        try:
            self._counters[name].add(amount, labels)
        except KeyError:
            raise UndeclaredMetric(name) from None
        self._meters[name].add(amount)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge, in the unit that ends its name, and the one that it replaces."""
        try:
            self._gauges[name].set(value, labels)
        except KeyError:
            raise UndeclaredMetric(name) from None
        if name in self._replaced:
            old, per_new = self._replaced[name]
            old.set(round(value * per_new), labels)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Record one value of a histogram."""
        try:
            self._histograms[name].record(value, labels)
        except KeyError:
            raise UndeclaredMetric(name) from None

    def total(self, name: str) -> int:
        """A counter's total over all labels."""
        return self._meters[name].total

    def rates(self, now_s: float) -> dict[str, Rate]:
        """Every counter's total and rates at a monotonic time; call it once a second."""
        return {name: meter.rate(now_s) for name, meter in self._meters.items()}

    def render(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """Stop the meter provider."""
        self._provider.shutdown()
