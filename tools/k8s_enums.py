"""Words of closed sets, which Kubernetes' published schemas call plain strings.

A cluster refuses most misspelt ones, but only when somebody applies them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8s_objects import Object

# By the field's name, wherever it stands.
BY_FIELD: dict[str, frozenset[str]] = {
    "imagePullPolicy": frozenset({"Always", "IfNotPresent", "Never"}),
    "whenUnsatisfiable": frozenset({"DoNotSchedule", "ScheduleAnyway"}),
    "restartPolicy": frozenset({"Always", "OnFailure", "Never"}),
    "protocol": frozenset({"TCP", "UDP", "SCTP"}),
    "policyTypes": frozenset({"Ingress", "Egress"}),
    "accessModes": frozenset(
        {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"}
    ),
    "selectPolicy": frozenset({"Max", "Min", "Disabled"}),
    "podManagementPolicy": frozenset({"OrderedReady", "Parallel"}),
    "unhealthyPodEvictionPolicy": frozenset({"IfHealthyBudget", "AlwaysAllow"}),
    "pathType": frozenset({"Exact", "Prefix", "ImplementationSpecific"}),
    "operator": frozenset({"In", "NotIn", "Exists", "DoesNotExist"}),
    "scheme": frozenset({"HTTP", "HTTPS"}),
}
# `type` means something else in each place: by the field that holds it.
TYPE_WITHIN: dict[str, frozenset[str]] = {
    "strategy": frozenset({"Recreate", "RollingUpdate"}),
    "updateStrategy": frozenset({"OnDelete", "RollingUpdate"}),
    "seccompProfile": frozenset({"RuntimeDefault", "Localhost"}),
    "metrics": frozenset({"External", "Resource", "Pods", "Object", "ContainerResource"}),
    "target": frozenset({"AverageValue", "Utilization", "Value"}),
    "policies": frozenset({"Pods", "Percent"}),
}


def enum_problems(one: Object) -> Iterator[str]:
    """Every word that is not one of its set, with what is allowed."""
    yield from _walk(one, "", "")


def _walk(value: Any, path: str, within: str) -> Iterator[str]:
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from _walk(item, f"{path}.{at}", within)
    elif isinstance(value, dict):
        for key, item in value.items():
            allowed = TYPE_WITHIN.get(within) if key == "type" else BY_FIELD.get(key)
            if allowed is not None:
                words = item if isinstance(item, list) else [item]
                for word in words:
                    if word not in allowed:
                        where = f"{path}.{key}".lstrip(".")
                        yield f"{where}: {word!r}; allowed: {sorted(allowed)}"
            else:
                yield from _walk(item, f"{path}.{key}", key)
