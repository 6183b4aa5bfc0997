from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from pw_common.service.counts import Counts
from pw_common.service.metrics import ALL, METRICS, Metrics, UndeclaredMetric
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
