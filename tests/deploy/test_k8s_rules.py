"""What k8s-check refuses across objects: each rule once broken."""

from __future__ import annotations

import ast
import copy
import shutil

import pytest
import yaml
from k8s_check import OVERLAYS, problems
from k8s_objects import find
from k8s_rules_upgrade import immutable_problems

from support.broken import GONE, Broken, assert_said, names, rendered, said_of
from support.broken_network import NETWORK
from support.broken_operation import OPERATION
from support.composed import ROOT

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

KEDA, PROD = "overlays/keda", "overlays/prod"
PARSER, INGEST = ("Deployment", "parser"), ("Deployment", "ingest")
NATS, API = ("StatefulSet", "nats"), ("Deployment", "api")
HPA, SCALED = ("HorizontalPodAutoscaler", "parser"), ("ScaledObject", "parser")
ADAPTER = ("Deployment", "lag-adapter")
POD = "spec.template.spec"
FIRST = f"{POD}.containers.0"

PODS = [
    Broken(PARSER, "spec.selector.matchLabels.x", "y", "does not match its own pods"),
    Broken(("ServiceAccount", "parser"), "", GONE, "no ServiceAccount parser"),
    Broken(
        ("ServiceAccount", "api"), "automountServiceAccountToken", True, "hands its token to pods"
    ),
    Broken(API, f"{POD}.automountServiceAccountToken", GONE, "mounts a token of the API server"),
    Broken(INGEST, "spec.replicas", 2, "must say replicas: 1"),
    Broken(("Deployment", "detector"), "spec.strategy.type", "RollingUpdate", "by Recreate"),
    Broken(PARSER, f"{POD}.securityContext.runAsUser", 0, "runs as root"),
    Broken(PARSER, f"{POD}.securityContext.runAsNonRoot", GONE, "runs as root"),
    Broken(PARSER, f"{POD}.securityContext.seccompProfile", GONE, "no seccomp profile"),
    Broken(PARSER, f"{POD}.hostNetwork", True, "hostNetwork"),
    Broken(
        PARSER, f"{POD}.volumes.+", {"name": "h", "hostPath": {"path": "/"}}, "`restricted` allows"
    ),
    Broken(PARSER, f"{FIRST}.securityContext.allowPrivilegeEscalation", True, "gain privileges"),
    Broken(PARSER, f"{FIRST}.securityContext.capabilities.drop", [], "keeps capabilities"),
    Broken(PARSER, f"{FIRST}.securityContext.capabilities.add", ["NET_RAW"], "keeps capabilities"),
    Broken(PARSER, f"{FIRST}.securityContext.readOnlyRootFilesystem", False, "can be written"),
    Broken(PARSER, f"{FIRST}.image", "pocketwatcher-parser", "no fixed tag"),
    Broken(PARSER, f"{FIRST}.image", "pocketwatcher-parser:latest", "no fixed tag"),
    Broken(PARSER, f"{FIRST}.startupProbe", GONE, "needs a startup"),
    Broken(PARSER, f"{FIRST}.readinessProbe.httpGet.port", "htpp", "asks port htpp"),
    Broken(PARSER, f"{FIRST}.livenessProbe.httpGet.path", "/readyz", "more than the process"),
    Broken(PARSER, f"{POD}.terminationGracePeriodSeconds", 25, "less than stop and drain, 30"),
    Broken(API, f"{POD}.terminationGracePeriodSeconds", 34, "less than stop and drain, 35"),
    Broken(("ConfigMap", "pw-config"), "data.PW_SHUTDOWN_TIMEOUT_S", "60", "stop and drain, 70"),
    Broken(
        PARSER,
        f"{FIRST}.env",
        [{"name": "PW_SHUTDOWN_TIMEOUT_S", "value": "40"}],
        "less than stop and drain, 50",
    ),
    Broken(API, f"{POD}.terminationGracePeriodSeconds", GONE, "PeriodSeconds 30 is less"),
    Broken(
        PARSER, f"{FIRST}.volumeMounts.+", {"name": "x", "mountPath": "/x"}, "x, which is no volume"
    ),
    Broken(PARSER, f"{POD}.volumes.+", {"name": "x", "emptyDir": {}}, "x is mounted nowhere"),
    Broken(("ConfigMap", "pw-config"), "", GONE, "no ConfigMap pw-config"),
    Broken(INGEST, f"{POD}.volumes.0.secret.secretName", "tokns", "no Secret tokns", PROD),
    Broken(INGEST, f"{POD}.volumes.0.secret.items.0.key", "sauce", "has no key 'sauce'", PROD),
    Broken(("Certificate", "lag-adapter"), "", GONE, "no Secret lag-adapter-tls", PROD),
    Broken(INGEST, f"{FIRST}.envFrom.+", {"secretRef": {"name": "tokens"}}, "mount it", PROD),
    Broken(
        API,
        f"{FIRST}.env.+",
        {"name": "T", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "api"}}},
        "T is a Secret's value",
        PROD,
    ),
    Broken(
        ("Deployment", "replay"),
        f"{FIRST}.env.1.valueFrom.configMapKeyRef.key",
        "PW_LOG_LEVL",
        "no key 'PW_LOG_LEVL'",
    ),
    Broken(PARSER, f"{FIRST}.resources.requests.cpu", GONE, "requests no cpu"),
    Broken(PARSER, f"{FIRST}.resources.limits.memory", GONE, "no limit of memory"),
    Broken(PARSER, f"{FIRST}.resources.limits.cpu", "1", "a limit of cpu"),
    Broken(PARSER, f"{POD}.topologySpreadConstraints.1", GONE, "not over nodes and zones"),
    Broken(NATS, f"{POD}.topologySpreadConstraints", GONE, "not over nodes and zones", PROD),
    Broken(
        PARSER,
        f"{POD}.topologySpreadConstraints.0.labelSelector.matchLabels",
        {"app.kubernetes.io/name": "api"},
        "its own pods do not have",
    ),
    Broken(
        PARSER, f"{POD}.topologySpreadConstraints.0.whenUnsatisfiable", "DoNotSchedule", "rather"
    ),
    Broken(
        PARSER, f"{POD}.topologySpreadConstraints.0.matchLabelKeys", GONE, "pods of an old rollout"
    ),
]

SCALING = [
    Broken(PARSER, "spec.replicas", 2, "sets replicas beside its autoscaler"),
    Broken(PARSER, "spec.replicas", 2, "sets replicas beside its autoscaler", KEDA),
    Broken(HPA, "spec.scaleTargetRef.name", "nobody", "no Deployment nobody"),
    Broken(HPA, "spec.minReplicas", 17, "do not fit"),
    Broken(HPA, "spec.metrics.0.type", "Pods", "no body of that name"),
    Broken(HPA, "spec.metrics.0.external.target.averageValue", GONE, "allowed: one of"),
    Broken(HPA, "spec.metrics.0.external.target.type", "Value", "allowed: one of"),
    Broken(HPA, "spec.metrics.0.external.target.averageValue", "500", "PARSER_LAG_TARGET"),
    Broken(HPA, "spec.maxReplicas", 32, "PARSER_REPLICAS_MAX"),
    Broken(
        HPA,
        "spec.metrics.0.external.metric.selector.matchLabels.consumer",
        "detector",
        "no consumer of ours",
    ),
    Broken(HPA, "spec.behavior.scaleUp.stabilizationWindowSeconds", 60, "waits before"),
    Broken(HPA, "spec.behavior.scaleDown.stabilizationWindowSeconds", 0, "empty the fleet"),
    Broken(
        ("ClusterRole", "pocketwatcher-external-metrics"),
        "rules.0.resources.0",
        "jetstream_lag",
        "lets nobody read the metric",
        PROD,
    ),
    Broken(
        ("HorizontalPodAutoscaler", "api"),
        "spec.scaleTargetRef.name",
        "parser",
        "HorizontalPodAutoscaler api stands beside it",
        KEDA,
    ),
    Broken(SCALED, "spec.fallback", GONE, "no fallback", KEDA),
    Broken(SCALED, "spec.fallback.replicas", 1, "PARSER_REPLICAS_FALLBACK", KEDA),
    Broken(SCALED, "spec.minReplicaCount", 0, "stops every parser", KEDA),
    Broken(SCALED, "spec.maxReplicaCount", 32, "PARSER_REPLICAS_MAX", KEDA),
    Broken(SCALED, "spec.advanced", GONE, "waits before it scales up", KEDA),
    Broken(SCALED, "spec.triggers.0.metadata.lagThreshold", "500", "its trigger is", KEDA),
    Broken(SCALED, "spec.triggers.0.metadata.stream", "PW_SWAP", "its trigger is", KEDA),
    Broken(
        SCALED,
        "spec.triggers.0.metadata.natsServerMonitoringEndpoint",
        "nats.pocketwatcher.svc:8223",
        "no port of a Service",
        KEDA,
    ),
    Broken(("Service", "nats"), "spec.clusterIP", GONE, "asks each node by its own name", KEDA),
    Broken(
        ("ConfigMap", "api-hosts"),
        "data.PW_API_HOSTS",
        "api",
        "ConfigMap api-hosts must name https://pocketwatcher.example",
        "examples/complete",
    ),
    Broken(
        ("PodDisruptionBudget", "parser"), "spec.selector.matchLabels.x", "y", "selects no pods"
    ),
    Broken(("PodDisruptionBudget", "parser"), "spec.maxUnavailable", 0, "blocks every drain"),
    Broken(
        ("PodDisruptionBudget", "parser"),
        "spec",
        {
            "minAvailable": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": "parser"}},
        },
        "blocks a drain: minAvailable 1 of 1 parser",
    ),
    Broken(
        ("PodDisruptionBudget", "parser"),
        "spec.selector.matchLabels",
        {"app.kubernetes.io/name": "detector"},
        "detector runs once",
    ),
    Broken(("Service", "nats"), "spec.clusterIP", GONE, "no headless Service"),
    Broken(NATS, "spec.replicas", 5, "for 5 nodes", PROD),
    Broken(NATS, f"{FIRST}.env.1.value", "[nats://nats-0.nats:6222]", "routes ['nats-0", PROD),
    Broken(
        ("Deployment", "provision"), f"{FIRST}.env.0.value", "1", "is 1 on 3 broker nodes", PROD
    ),
]

SETTINGS = [
    Broken(PARSER, f"{FIRST}.env", [{"name": "PW_PARSERS", "value": "1"}], "does not declare"),
    Broken(INGEST, f"{FIRST}.env.+", {"name": "PW_SOURCE", "value": "b"}, "sets 1 variables twice"),
    Broken(
        ("Deployment", "notifier"),
        f"{FIRST}.env",
        [{"name": "PW_NATS_USER", "value": "n"}],
        "which compose.yaml does not pass",
    ),
    Broken(INGEST, f"{FIRST}.env.1", GONE, "PW_INGEST_ENDPOINT, which is required"),
    Broken(PARSER, f"{FIRST}.envFrom.1", GONE, "reads no ConfigMap parser-settings"),
    Broken(ADAPTER, f"{FIRST}.env.0.value", "/tsl/tls.crt", "nothing is mounted", PROD),
]

ALL = PODS + SCALING + NETWORK + SETTINGS + OPERATION


@pytest.mark.parametrize("case", ALL, ids=names(ALL))
def test_what_is_broken_is_said(case: Broken) -> None:
    assert_said(case)


def adapter_beside_keda() -> list[str]:
    adapter = find(rendered(PROD), "APIService", "v1beta1.external.metrics.k8s.io")
    assert adapter is not None
    return list(problems([*rendered(KEDA), adapter]))


def test_an_adapter_beside_keda_is_said() -> None:
    assert any("no APIService beside it" in line for line in adapter_beside_keda())


def with_a_job() -> list[str]:
    pod = copy.deepcopy(find(rendered("base"), "Deployment", "provision"))
    assert pod is not None
    template = pod["spec"]["template"]
    template["spec"]["restartPolicy"] = "OnFailure"
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "provision", "namespace": "pocketwatcher"},
        "spec": {"template": template},
    }
    return list(problems([*rendered("base"), job]))


def with_its_namespace() -> list[str]:
    own = yaml.safe_load((ROOT / "k8s/namespace.yaml").read_text())
    return list(problems([*rendered("base"), own]))


def changed_later() -> list[str]:
    """What is said when one field of each kind that cannot be changed differs between overlays."""
    lines = []
    for (kind, name), field, value in (
        (NATS, "podManagementPolicy", "OrderedReady"),
        (NATS, "serviceName", "broker"),
        (NATS, "selector", {"matchLabels": {"x": "y"}}),
        (NATS, "volumeClaimTemplates", []),
        (PARSER, "selector", {"matchLabels": {"x": "y"}}),
        (("Service", "nats"), "clusterIP", "10.0.0.1"),
    ):
        objects = copy.deepcopy(rendered(PROD))
        one = find(objects, kind, name)
        assert one is not None
        one["spec"][field] = value
        said = list(immutable_problems({"base": rendered("base"), PROD: objects}))
        assert any(f"{kind} {name}: {field} is" in line for line in said), field
        lines += said
    return lines


def test_a_job_is_said() -> None:
    assert any("a Job's template is immutable" in line for line in with_a_job())


def test_an_overlay_that_holds_its_namespace_is_said() -> None:
    assert any("take the namespace's volumes along" in line for line in with_its_namespace())


def test_what_cannot_be_changed_is_equal_in_every_overlay() -> None:
    assert list(immutable_problems({one: rendered(one) for one in OVERLAYS})) == []
    assert all("it cannot be changed later" in line for line in changed_later())


def test_no_rule_is_without_a_case_that_breaks_it() -> None:
    """Each sentence of the rules' modules is said by some case above."""
    lines = [line for case in ALL for line in said_of(case)]
    others = [*adapter_beside_keda(), *with_a_job(), *with_its_namespace(), *changed_later()]
    said = "\n".join([*lines, *others])
    unsaid = []
    for path in sorted((ROOT / "tools").glob("k8s_rules_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Yield) and node.value is not None:
                parts = [
                    one.value
                    for one in ast.walk(node.value)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
                if (sentence := max(parts, key=len)) not in said:
                    unsaid.append(f"{path.name}:{node.lineno}: {sentence}")
    assert unsaid == []
