"""What k8s-check refuses: each rule once broken, in a copy of a rendered overlay."""

from __future__ import annotations

import shutil

import pytest
from k8s_check import OVERLAYS, problems

from support.broken import Broken, assert_said, names, rendered

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

POD = "spec.template.spec"
FIRST = f"{POD}.containers.0"
PARSER = ("Deployment", "parser")
HPA = ("HorizontalPodAutoscaler", "parser")
SCALED = ("ScaledObject", "parser")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_is_sound(overlay: str) -> None:
    assert list(problems(rendered(overlay))) == []


SHAPES = [
    Broken(PARSER, "spec.minReadySecond", 1, "minReadySecond"),
    Broken(HPA, "spec.behavior.scaleUp.selectPolicy", "Maximum", "allowed: ['Disabled', 'Max'"),
    Broken(HPA, "spec.behavior.scaleUp.policies.0.type", "Percents", "allowed: ['Percent'"),
    Broken(HPA, "spec.metrics.0.type", "Extrenal", "'Extrenal'; allowed:"),
    Broken(HPA, "spec.metrics.0.external.target.type", "Average", "allowed: ['AverageValue'"),
    Broken(("Deployment", "ingest"), "spec.strategy.type", "Recreated", "allowed: ['Recreate'"),
    Broken(PARSER, f"{FIRST}.imagePullPolicy", "Sometimes", "allowed: ['Always'"),
    Broken(
        PARSER, f"{POD}.topologySpreadConstraints.0.whenUnsatisfiable", "Anyway", "ScheduleAnyway"
    ),
    Broken(PARSER, f"{POD}.securityContext.seccompProfile.type", "Default", "RuntimeDefault"),
    Broken(("Deployment", "provision"), f"{POD}.restartPolicy", "Sometimes", "allowed: ['Always'"),
    Broken(("NetworkPolicy", "default-deny"), "spec.policyTypes.0", "In", "allowed: ['Egress'"),
    Broken(("NetworkPolicy", "http"), "spec.ingress.0.ports.0.protocol", "HTTP", "['SCTP'"),
    Broken(
        ("NetworkPolicy", "broker-clients"),
        "spec.podSelector.matchExpressions.0.operator",
        "Not",
        "allowed: ['DoesNotExist'",
    ),
    Broken(
        ("StatefulSet", "nats"),
        "spec.volumeClaimTemplates.0.spec.accessModes.0",
        "ReadWrite",
        "ReadWriteOncePod",
    ),
    Broken(
        ("PodDisruptionBudget", "parser"), "spec.unhealthyPodEvictionPolicy", "Always", "IfHealthy"
    ),
    Broken(
        ("StatefulSet", "nats"), "spec.podManagementPolicy", "Both", "OrderedReady", "overlays/prod"
    ),
    Broken(
        ("Ingress", "api"),
        "spec.rules.0.http.paths.0.pathType",
        "Begins",
        "ImplementationSpecific",
        "examples/complete",
    ),
    Broken(SCALED, "spec.pollInterval", 5, "pollInterval", "overlays/keda"),
    Broken(SCALED, "spec.fallback.replica", 5, "'replica' was unexpected", "overlays/keda"),
    Broken(SCALED, "spec.triggers.0.metadata.lagTreshold", "1", "lagTreshold", "overlays/keda"),
    Broken(SCALED, "spec.triggers.0.metadata.lagThreshold", 300, "'string'", "overlays/keda"),
    Broken(SCALED, "spec.triggers.0.type", "nats", "'nats-jetstream'", "overlays/keda"),
    Broken(SCALED, "spec.fallback.behavior", "keep", "currentReplicas", "overlays/keda"),
    Broken(SCALED, "apiVersion", "keda.sh/v1", "'keda.sh/v1alpha1' was expected", "overlays/keda"),
    Broken(
        ("Certificate", "lag-adapter"), "spec.issuerRef.kindd", "Issuer", "kindd", "overlays/prod"
    ),
    Broken(("Issuer", "lag-adapter"), "spec.selfSigned.x", 1, "'x' was unexp", "overlays/prod"),
    Broken(
        ("APIService", "v1beta1.external.metrics.k8s.io"),
        "spec.insecureSkipTLSVerify",
        True,
        "insecureSkipTLSVerify",
        "overlays/prod",
    ),
    Broken(
        ("PodMonitor", "pocketwatcher"),
        "spec.podMetricsEndpoints.0.intervall",
        "15s",
        "intervall",
        "examples/complete",
    ),
    Broken(
        ("PrometheusRule", "pocketwatcher"),
        "spec.groups.0.rules.0.labels.severity",
        "bad",
        "'warning', 'critical'",
        "examples/complete",
    ),
]


@pytest.mark.parametrize("case", SHAPES, ids=names(SHAPES))
def test_a_misspelt_field_or_word_is_said(case: Broken) -> None:
    assert_said(case)


def test_a_kind_that_nobody_declared_is_an_error() -> None:
    gadget = {"apiVersion": "x/v1", "kind": "Gadget", "metadata": {"name": "x"}}
    assert any("no schema for x/v1 Gadget" in line for line in problems([gadget]))


def test_two_objects_of_one_name_are_an_error() -> None:
    objects = [*rendered("base"), rendered("base")[0]]
    assert "two objects have the same kind and name" in problems(objects)
