from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from pw_common.service.counts import Counts
from pw_common.service.metrics import ALL, METRICS, Metrics, Replaced, UndeclaredMetric
from pw_common.service.rates import RateMeter

SERVICES = sorted({name for one in METRICS for name in one.services if one.services != ALL})


@pytest.mark.parametrize("service", SERVICES)
def test_every_declared_metric_is_shown_under_its_declared_name(service: str) -> None:
    metrics = Metrics(service, "1")
    declared = [metric for metric in METRICS if metric.is_of(service)]
    for metric in declared:
        labels = dict.fromkeys(metric.labels, "x")
        if metric.kind == "counter":
            metrics.count(metric.name, 2, **labels)
        elif metric.kind == "gauge":
            metrics.set(metric.name, 2, **labels)
        else:
            metrics.observe(metric.name, 0.5, **labels)
    text = metrics.render().decode()
    shown = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[0] != "#"}
    for metric in declared:
        name = f"{metric.name}_count" if metric.kind == "histogram" else metric.name
        assert name in shown
    assert not any("_total_total" in name for name in shown)
    metrics.close()


REPLACED = [(one.services[0], one.name, one.replaces) for one in METRICS if one.replaces]


@pytest.mark.parametrize(("service", "name", "old"), REPLACED, ids=str)
@given(ms=st.integers(0, 253_402_300_799_999))
@settings(max_examples=20, deadline=None)
def test_a_replaced_name_shows_what_it_always_showed(
    service: str, name: str, old: Replaced, ms: int
) -> None:
    metrics = Metrics(service, "1")
    metrics.set(name, ms / old.per_new)
    text = metrics.render().decode()
    metrics.close()
    # As the library writes the whole number that was set before.
    registry = CollectorRegistry()
    Gauge(old.name, "", registry=registry).set(ms)
    assert generate_latest(registry).decode().splitlines()[-1] in text.splitlines()
    shown = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(shown[name]) == ms / old.per_new
    assert f"# HELP {old.name} Deprecated, gone in the next version: read {name}." in text


def test_a_replaced_name_cannot_be_set() -> None:
    for service, _, old in REPLACED:
        metrics = Metrics(service, "1")
        with pytest.raises(UndeclaredMetric):
            metrics.set(old.name, 1)
        metrics.close()


def test_times_are_declared_in_seconds() -> None:
    assert [one.name for one in METRICS if re.search(r"_(ms|us|ns|minutes)(_|$)", one.name)] == []


def test_a_gauge_in_seconds_is_a_gauge() -> None:
    metrics = Metrics("ingest", "1")
    metrics.set("pw_ingest_lag_seconds", 0.25)
    assert "# TYPE pw_ingest_lag_seconds gauge" in metrics.render().decode()
    metrics.close()


COUNTED = st.tuples(st.integers(0, 5), st.sampled_from("abc"), st.sampled_from("xy"))


@given(st.lists(COUNTED, max_size=30))
@settings(max_examples=40)
def test_metrics_show_what_counters_of_the_library_would(
    counted: list[tuple[int, str, str]],
) -> None:
    shown = []
    for is_ours in (True, False):
        registry = CollectorRegistry()
        reader = PrometheusMetricReader(
            disable_target_info=True, scope_info_enabled=False, registry=registry
        )
        provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
        meter, counts = provider.get_meter("m"), Counts()
        add: Callable[[int, Mapping[str, str]], None]
        if is_ours:
            meter.create_observable_counter("pw_one", [counts.observe], description="help")
            add = counts.add
        else:
            add = meter.create_counter("pw_one", description="help").add
        for at, (amount, one, other) in enumerate(counted):
            # Labels come in whatever order.
            labels = {"one": one, "other": other}
            add(amount, labels if at % 2 else dict(reversed(labels.items())))
        # Whoever asks twice is told the same.
        shown += [generate_latest(registry), generate_latest(registry)]
        provider.shutdown()
    assert len(set(shown)) == 1


def test_an_undeclared_name_fails_at_once() -> None:
    metrics = Metrics("parser", "1")
    for call in (metrics.count, metrics.set, metrics.observe):
        with pytest.raises(UndeclaredMetric):
            call("pw_parser_swap_total", 1)
    metrics.close()


def test_rates_are_over_the_last_second_and_minute() -> None:
    meter = RateMeter()
    rate = meter.rate(-1.0)
    for second in range(120):
        meter.add(10 if second < 100 else 100)
        rate = meter.rate(float(second))
    assert rate.total == 100 * 10 + 20 * 100
    assert rate.per_s_1s == 100.0
    assert 30 < rate.per_s_60s < 50
    assert RateMeter().rate(5.0).per_s_1s == 0.0
