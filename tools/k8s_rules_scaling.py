"""Rules for what changes how many pods there are: autoscalers, budgets, the broker's cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator

from k8s_objects import (
    Object,
    containers,
    find,
    is_scaled,
    name_of,
    of_kind,
    replicas_min,
    selected,
)

from pw_common.topology.subjects import CONSUMER_PARSER, STREAM_TX
from pw_common.wire.limits import (
    PARSER_LAG_TARGET,
    PARSER_REPLICAS_FALLBACK,
    PARSER_REPLICAS_MAX,
)

TARGET_FIELDS = {
    "AverageValue": "averageValue",
    "Utilization": "averageUtilization",
    "Value": "value",
}
LABELS = {"stream": STREAM_TX, "consumer": CONSUMER_PARSER}


def scaling_problems(objects: list[Object]) -> Iterator[str]:
    """Every rule of this module."""
    for one in of_kind(objects, "HorizontalPodAutoscaler"):
        yield from (f"{name_of(one)}: {text}" for text in _autoscaler(one, objects))
    for one in of_kind(objects, "ScaledObject"):
        yield from (f"{name_of(one)}: {text}" for text in _scaled_object(one, objects))
    for one in of_kind(objects, "PodDisruptionBudget"):
        yield from (f"{name_of(one)}: {text}" for text in _budget(one, objects))
    yield from _cluster(objects)


def _autoscaler(hpa: Object, objects: list[Object]) -> Iterator[str]:
    spec = hpa["spec"]
    yield from _target(spec["scaleTargetRef"]["name"], hpa, objects)
    if not 1 <= spec.get("minReplicas", 1) <= spec["maxReplicas"]:
        yield f"minReplicas {spec.get('minReplicas')} and maxReplicas do not fit"
    for metric in spec["metrics"]:
        body = metric.get(metric["type"][:1].lower() + metric["type"][1:])
        if body is None:
            yield f"a metric of type {metric['type']!r} has no body of that name"
            continue
        target = body["target"]
        needed = TARGET_FIELDS.get(target["type"])
        if needed is None or needed not in target:
            yield f"target {target}: allowed: one of {TARGET_FIELDS}"
        if metric["type"] == "External":
            yield from _lag(spec, body, objects)


def _lag(spec: Object, body: Object, objects: list[Object]) -> Iterator[str]:
    """The numbers and names of the lag are those of the code; it rises fast and falls slowly."""
    if body["target"].get("averageValue") != str(PARSER_LAG_TARGET):
        yield f"averageValue is not PARSER_LAG_TARGET, {PARSER_LAG_TARGET}"
    if spec["maxReplicas"] != PARSER_REPLICAS_MAX:
        yield f"maxReplicas is not PARSER_REPLICAS_MAX, {PARSER_REPLICAS_MAX}"
    labels = body["metric"]["selector"]["matchLabels"]
    if labels != LABELS:
        yield f"labels {labels} name no consumer of ours"
    yield from _pace(spec.get("behavior", {}))
    for role in of_kind(objects, "ClusterRole"):
        served = {name for rule in role["rules"] for name in rule.get("resources", ())}
        if body["metric"]["name"] not in served:
            yield f"ClusterRole {role['metadata']['name']} lets nobody read the metric"


def _pace(behavior: Object) -> Iterator[str]:
    up, down = behavior.get("scaleUp", {}), behavior.get("scaleDown", {})
    if up.get("stabilizationWindowSeconds") != 0:
        yield "waits before it scales up"
    if down.get("stabilizationWindowSeconds", 300) < 300 or not down.get("policies"):
        yield "scales down at once: a pause of the source would empty the fleet"


def _scaled_object(one: Object, objects: list[Object]) -> Iterator[str]:
    """KEDA's counterpart of the same promises."""
    spec = one["spec"]
    name = spec["scaleTargetRef"]["name"]
    yield from _target(name, one, objects)
    if of_kind(objects, "APIService"):
        yield "KEDA serves external metrics itself: no APIService beside it"
    fallback = spec.get("fallback")
    if not fallback:
        yield "no fallback: a failed read would scale to the minimum"
    elif fallback["replicas"] != PARSER_REPLICAS_FALLBACK:
        yield f"fallback.replicas is not PARSER_REPLICAS_FALLBACK, {PARSER_REPLICAS_FALLBACK}"
    if not 1 <= spec.get("minReplicaCount", 0) <= spec["maxReplicaCount"]:
        yield "minReplicaCount must be 1 or more: at 0 a source that stalls stops every parser"
    if spec["maxReplicaCount"] != PARSER_REPLICAS_MAX:
        yield f"maxReplicaCount is not PARSER_REPLICAS_MAX, {PARSER_REPLICAS_MAX}"
    advanced = spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {})
    yield from _pace(advanced.get("behavior", {}))
    wanted = {**LABELS, "lagThreshold": str(PARSER_LAG_TARGET)}
    for trigger in spec["triggers"]:
        found = {key: trigger["metadata"].get(key) for key in wanted}
        if found != wanted:
            yield f"its trigger is {found}, not {wanted}"
        yield from _monitor(trigger["metadata"], objects)


def _monitor(trigger: Object, objects: list[Object]) -> Iterator[str]:
    host, _, port = trigger.get("natsServerMonitoringEndpoint", "").partition(":")
    service = find(objects, "Service", host.split(".")[0])
    if service is None or int(port or 0) not in {one["port"] for one in service["spec"]["ports"]}:
        yield f"natsServerMonitoringEndpoint {host}:{port} is no port of a Service"
    elif service["spec"].get("clusterIP") != "None":
        yield f"Service {host} is not headless: KEDA asks each node by its own name"


def _target(name: str, scaler: Object, objects: list[Object]) -> Iterator[str]:
    """A Deployment of this name is there, without a number of its own or another scaler."""
    one = find(objects, "Deployment", name)
    if one is None:
        yield f"there is no Deployment {name}"
        return
    if "replicas" in one["spec"]:
        yield f"Deployment {name} sets replicas beside its autoscaler"
    for other in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        if other is not scaler and other["spec"]["scaleTargetRef"]["name"] == name:
            yield f"{name_of(other)} stands beside it for {name}"


def _budget(one: Object, objects: list[Object]) -> Iterator[str]:
    """It selects something, and a drain can always go on."""
    spec = one["spec"]
    pods = selected(spec["selector"], objects)
    if not pods:
        yield f"selects no pods: {spec['selector']}"
    for pod in pods:
        least = replicas_min(pod, objects)
        if spec.get("maxUnavailable") in {0, "0%"}:
            yield f"blocks every drain of {pod['metadata']['name']}: maxUnavailable is 0"
        kept = spec.get("minAvailable", 0)
        if isinstance(kept, str) or kept >= least > 0:
            yield f"blocks a drain: minAvailable {kept} of {least} {pod['metadata']['name']}"
        if least == 1 and not is_scaled(pod, objects) and pod["kind"] == "Deployment":
            yield f"is of no use: {pod['metadata']['name']} runs once"


def _cluster(objects: list[Object]) -> Iterator[str]:
    """The broker's nodes name each other, and hold as many copies as provision asks for."""
    one = find(objects, "StatefulSet", "nats")
    if one is None:
        return
    nodes = one["spec"]["replicas"]
    service = one["spec"]["serviceName"]
    headless = find(objects, "Service", service)
    if headless is None or headless["spec"].get("clusterIP") != "None":
        yield f"{name_of(one)}: serviceName {service} is no headless Service"
    environ = {v["name"]: v.get("value", "") for c in containers(one) for v in c.get("env", ())}
    routes = set(re.findall(r"//([\w.-]+):6222", environ.get("NATS_ROUTES", "")))
    wanted = {f"nats-{at}.{service}" for at in range(nodes)} if nodes > 1 else set()
    if routes != wanted:
        yield f"{name_of(one)}: routes {sorted(routes)} for {nodes} nodes"
    keeper = find(objects, "Deployment", "provision")
    given = [v["value"] for c in containers(keeper or one) for v in c.get("env", ())
             if v["name"] == "PW_STREAM_REPLICAS"]  # fmt: skip
    copies = int(given[0]) if given else 1
    if copies != nodes:
        yield f"Deployment provision: PW_STREAM_REPLICAS is {copies} on {nodes} broker nodes"
