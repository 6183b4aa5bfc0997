"""Prometheus, the collector and the alert rules ask only for what our services say."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from declared_services import declared

from pw_common.service.metrics import BY_NAME, METRICS
from support.composed import ROOT, compose

# Words of PromQL and labels that the rules use; whatever else looks like a name is a metric.
METRIC = re.compile(r"\b(pw_\w+|up)\b")


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def collector() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "deploy/otel-collector.yaml").read_text())
    return loaded


def jobs() -> list[dict[str, Any]]:
    scraped: list[dict[str, Any]] = collector()["receivers"]["prometheus"]["config"][
        "scrape_configs"
    ]
    return scraped


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_names_only_declared_metrics_and_their_labels(rule: dict[str, Any]) -> None:
    named = set(METRIC.findall(rule["expr"]))
    assert named
    assert named - {"up"} <= set(BY_NAME)
    labels = {label for name in named - {"up"} for label in BY_NAME[name].labels}
    grouped = set(re.findall(r"by \((\w+)\)", rule["expr"])) - {"job"}
    assert grouped <= labels
    assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= {
        "job", "instance", *labels
    }  # fmt: skip
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]


def test_nothing_of_ours_reads_a_name_that_goes_in_the_next_version() -> None:
    gone = [one.replaces.name for one in METRICS if one.replaces]
    patterns = [part for name in gone for part in ("-e", name)]
    done = subprocess.run(
        ["git", "grep", "--untracked", "--name-only", "--word-regexp", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # These two say what replaces it.
    allowed = {"CHANGELOG.md", "libs/common/src/pw_common/service/metrics.py"}
    assert set(done.stdout.split()) == allowed


def test_counters_are_asked_for_growth_and_gauges_for_values() -> None:
    for rule in rules():
        # What follows a bare counter is only the guard for its first count.
        grown = set(re.findall(r"(?:rate|increase)\((\w+)\[", rule["expr"]))
        for name in set(METRIC.findall(rule["expr"])) - {"up"}:
            assert (name in grown) == (BY_NAME[name].kind == "counter"), rule["alert"]


def test_every_service_with_metrics_that_compose_runs_is_scraped_by_name() -> None:
    found = {job["job_name"]: job for job in jobs() if "dns_sd_configs" in job}
    assert set(found) == {one.name for one in declared() if one.is_scraped}
    assert set(found) <= set(compose()["services"])
    for name, job in found.items():
        [dns] = job["dns_sd_configs"]
        # All A records of the name: every replica, not the first that answers.
        assert (dns["names"], dns["type"], dns["port"]) == ([name], "A", 8080)


def test_the_collector_writes_to_prometheus_as_declared() -> None:
    loaded = collector()
    for part in ("receivers", "processors", "exporters"):
        for pipeline in loaded["service"]["pipelines"].values():
            assert set(pipeline[part]) <= set(loaded[part])
    writer = loaded["exporters"]["prometheusremotewrite"]
    assert writer["endpoint"].startswith("http://prometheus:9090/")
    assert writer["add_metric_suffixes"] is False
    assert "--web.enable-remote-write-receiver" in compose()["services"]["prometheus"]["command"]


def test_prometheus_reads_the_rules_that_are_mounted() -> None:
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus.yaml").read_text())
    targets = {mount.split(":")[1] for mount in compose()["services"]["prometheus"]["volumes"]}
    assert set(prometheus["rule_files"]) <= targets


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
def test_each_alert_fires_for_its_own_failure_and_not_before() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "tests/deploy/alerts_test.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
