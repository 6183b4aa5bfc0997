"""Kubernetes objects as data: what selects what, and what a pod has inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]

POD_KINDS = frozenset({"Deployment", "StatefulSet"})


def name_of(one: Object) -> str:
    """Kind and name, as they stand before a problem."""
    return f"{one['kind']} {one['metadata']['name']}"


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    """The objects of these kinds."""
    return [one for one in objects if one["kind"] in kinds]


def find(objects: Iterable[Object], kind: str, name: str) -> Object | None:
    """The object of this kind and name, None where there is none."""
    found = (one for one in of_kind(objects, kind) if one["metadata"]["name"] == name)
    return next(found, None)


def workloads(objects: Iterable[Object]) -> list[Object]:
    """Everything that makes pods."""
    return of_kind(objects, *POD_KINDS)


def pod_of(one: Object) -> Object:
    """The pod's own spec."""
    spec: Object = one["spec"]["template"]["spec"]
    return spec


def labels_of(one: Object) -> Mapping[str, str]:
    """The labels of its pods."""
    labels: Mapping[str, str] = one["spec"]["template"]["metadata"]["labels"]
    return labels


def containers(one: Object) -> list[Object]:
    """The containers of an object that makes pods; none for any other."""
    return list(pod_of(one)["containers"]) if one["kind"] in POD_KINDS else []


def ports_of(one: Object) -> dict[str, int]:
    """The open ports of its pods by name."""
    return {p["name"]: p["containerPort"] for c in containers(one) for p in c.get("ports", ())}


def selected(selector: Object, objects: Iterable[Object]) -> list[Object]:
    """What a label selector means; an empty one selects everything."""
    return [one for one in workloads(objects) if _matches(selector, labels_of(one))]


def replicas_min(one: Object, objects: Iterable[Object]) -> int:
    """How many pods there may be at least, an autoscaler's minimum included."""
    for scaler in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        if scaler["spec"]["scaleTargetRef"]["name"] == one["metadata"]["name"]:
            spec = scaler["spec"]
            return int(spec.get("minReplicas", spec.get("minReplicaCount", 1)))
    return int(one["spec"].get("replicas", 1))


def is_scaled(one: Object, objects: Iterable[Object]) -> bool:
    """Whether an autoscaler decides how many there are."""
    return one["kind"] == "Deployment" and any(
        scaler["spec"]["scaleTargetRef"]["name"] == one["metadata"]["name"]
        for scaler in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")
    )


def _matches(selector: Object, labels: Mapping[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for wanted in selector.get("matchExpressions", ()):
        value, values = labels.get(wanted["key"]), wanted.get("values", ())
        holds = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        # An operator that nobody knows selects nothing here; k8s_enums names it.
        if not holds.get(wanted["operator"], False):
            return False
    return True
