"""Render every overlay and refuse what a cluster would refuse, or would quietly do wrong.

kubectl renders; kubernetes-validate checks each object strictly against Kubernetes' own
schemas; what those do not cover (custom kinds, enums, rules across objects) is checked here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import yaml
from k8s_render import POD_KINDS, containers, pod_problems, service_problems
from workspace import ROOT

from pw_common.limits import PARSER_LAG_TARGET, PARSER_REPLICAS_MAX
from pw_common.subjects import CONSUMER_PARSER, STREAM_TX

OVERLAYS = ("base", "overlays/local", "overlays/prod", "overlays/keda")
VERSION = "1.32"
# Kinds that are not Kubernetes' own, and the fields that we use of them.
CUSTOM: dict[str, dict[str, set[str]]] = {
    "ScaledObject": {
        "spec": {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "fallback", "triggers"},
    },
    "Issuer": {"spec": {"selfSigned"}},
    "Certificate": {"spec": {"secretName", "duration", "dnsNames", "issuerRef"}},
    # Known to the API server, but in no schema of kubernetes-validate.
    "APIService": {
        "spec": {"group", "version", "groupPriorityMinimum", "versionPriority", "service"},
    },
}
METRIC_TYPES = frozenset({"External", "Resource", "Pods", "Object", "ContainerResource"})
TARGET_FIELDS = {
    "AverageValue": "averageValue",
    "Utilization": "averageUtilization",
    "Value": "value",
}

Object = dict[str, Any]


def render(overlay: str) -> list[Object]:
    """An overlay as kubectl makes it."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        sys.exit("k8s-check needs kubectl (kubernetes-client in Debian)")
    done = subprocess.run(
        [kubectl, "kustomize", f"k8s/{overlay}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{overlay}: {done.stderr}")
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def problems(objects: list[Object]) -> Iterator[str]:
    """Everything that is wrong, a line each."""
    for one in objects:
        yield from (f"{name_of(one)}: {text}" for text in schema_problems(one))
    named = {(one["kind"], one["metadata"]["name"]) for one in objects}
    if len(named) != len(objects):
        yield "two objects have the same kind and name"
    for one in objects:
        name, kind = name_of(one), one["kind"]
        if kind == "Service":
            yield from service_problems(name, one, objects)
        if kind in POD_KINDS:
            yield from (f"{name}: {text}" for text in pod_problems(one, named))
            yield from (f"{name}: {text}" for text in mount_problems(one))
        if kind == "HorizontalPodAutoscaler":
            yield from (f"{name}: {text}" for text in autoscaler_problems(one, objects))
        if kind == "ScaledObject":
            yield from (f"{name}: {text}" for text in scaled_object_problems(one, objects))
        if kind in {"PodDisruptionBudget", "NetworkPolicy"}:
            yield from (f"{name}: {text}" for text in selector_problems(one, objects))


def name_of(one: Object) -> str:
    """Kind and name."""
    return f"{one['kind']} {one['metadata']['name']}"


def schema_problems(one: Object) -> Iterator[str]:
    """Against Kubernetes' schema, or ours for a kind that is not Kubernetes' own."""
    known = CUSTOM.get(one["kind"])
    if known is not None:
        for part, fields in known.items():
            if unknown := set(one[part]) - fields:
                yield f"unknown fields {sorted(unknown)} in {part}"
        return
    try:
        kubernetes_validate.validate(one, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        yield f"no schema for {one['apiVersion']} {one['kind']}: declare it in tools/k8s_check.py"


def mount_problems(one: Object) -> Iterator[str]:
    """Every mount has its volume."""
    pod = one["spec"]["template"]["spec"]
    volumes = {volume["name"] for volume in pod.get("volumes", ())}
    volumes |= {claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", ())}
    for container in containers(one):
        for mount in container.get("volumeMounts", ()):
            if mount["name"] not in volumes:
                yield f"mounts {mount['name']}, which is no volume"


def autoscaler_problems(hpa: Object, objects: list[Object]) -> Iterator[str]:
    """Its target exists and leaves the number of replicas to it; its metrics say what they mean."""
    spec = hpa["spec"]
    yield from target_problems(spec["scaleTargetRef"]["name"], objects)
    if not 1 <= spec.get("minReplicas", 1) <= spec["maxReplicas"]:
        yield "minReplicas and maxReplicas do not fit"
    for metric in spec["metrics"]:
        if metric["type"] not in METRIC_TYPES:
            yield f"metric type {metric['type']!r}: allowed: {sorted(METRIC_TYPES)}"
            continue
        body = metric[metric["type"][0].lower() + metric["type"][1:]]
        target = body["target"]
        needed = TARGET_FIELDS.get(target["type"])
        if needed is None or needed not in target:
            yield f"target {target}: allowed: one of {TARGET_FIELDS}"
        if metric["type"] == "External":
            yield from lag_problems(spec, body)


def lag_problems(spec: Object, body: Object) -> Iterator[str]:
    """The numbers and names of the lag are those of the code."""
    if body["target"].get("averageValue") != str(PARSER_LAG_TARGET):
        yield f"averageValue is not PARSER_LAG_TARGET, {PARSER_LAG_TARGET}"
    if spec["maxReplicas"] != PARSER_REPLICAS_MAX:
        yield f"maxReplicas is not PARSER_REPLICAS_MAX, {PARSER_REPLICAS_MAX}"
    labels = body["metric"]["selector"]["matchLabels"]
    if labels != {"stream": STREAM_TX, "consumer": CONSUMER_PARSER}:
        yield f"labels {labels} name no consumer of ours"


def scaled_object_problems(one: Object, objects: list[Object]) -> Iterator[str]:
    """KEDA's counterpart of the same promises."""
    spec = one["spec"]
    name = spec["scaleTargetRef"]["name"]
    yield from target_problems(name, objects)
    for other in objects:
        if (
            other["kind"] == "HorizontalPodAutoscaler"
            and other["spec"]["scaleTargetRef"]["name"] == name
        ):
            yield f"a HorizontalPodAutoscaler stands beside it for {name}"
    if not spec.get("fallback"):
        yield "no fallback: a failed read would scale to the minimum"
    [trigger] = spec["triggers"]
    found = trigger["metadata"]
    wanted = (STREAM_TX, CONSUMER_PARSER, str(PARSER_LAG_TARGET))
    if (found["stream"], found["consumer"], found["lagThreshold"]) != wanted:
        yield f"its trigger is not {wanted}"
    if spec["maxReplicaCount"] != PARSER_REPLICAS_MAX:
        yield f"maxReplicaCount is not PARSER_REPLICAS_MAX, {PARSER_REPLICAS_MAX}"


def target_problems(name: str, objects: list[Object]) -> Iterator[str]:
    """A Deployment of this name is there and has no number of replicas of its own."""
    for one in objects:
        if one["kind"] == "Deployment" and one["metadata"]["name"] == name:
            if "replicas" in one["spec"]:
                yield f"Deployment {name} sets replicas beside its autoscaler"
            return
    yield f"there is no Deployment {name}"


def selector_problems(one: Object, objects: list[Object]) -> Iterator[str]:
    """A budget or policy that selects by labels selects some pod."""
    spec = one["spec"]
    selector = spec.get("selector") or spec.get("podSelector") or {}
    wanted = selector.get("matchLabels", {}).items()
    if not any(
        wanted <= other["spec"]["template"]["metadata"]["labels"].items()
        for other in objects
        if other["kind"] in POD_KINDS
    ):
        yield f"selects no pods: {dict(wanted)}"


def main() -> int:
    wrong = 0
    for overlay in OVERLAYS:
        objects = render(overlay)
        found = list(problems(objects))
        for line in found:
            sys.stderr.write(f"k8s/{overlay}: {line}\n")
        print(f"k8s/{overlay}: {len(objects)} objects, {len(found)} problems")
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
