"""Rules for what is applied over something that is there already, or taken away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8s_objects import Object, name_of, of_kind

# Not in any namespace.
CLUSTER_WIDE = frozenset({"Namespace", "APIService", "ClusterRole", "ClusterRoleBinding"})
# What an API server refuses to change, by kind.
IMMUTABLE: dict[str, tuple[str, ...]] = {
    "StatefulSet": ("serviceName", "podManagementPolicy", "selector", "volumeClaimTemplates"),
    "Deployment": ("selector",),
    "Service": ("clusterIP",),
}


def upgrade_problems(objects: list[Object]) -> Iterator[str]:
    """Every rule of this module that one overlay alone can break."""
    for one in of_kind(objects, "Namespace"):
        yield f"{name_of(one)}: deleting the overlay would take the namespace's volumes along"
    for one in of_kind(objects, "StatefulSet"):
        kept = one["spec"].get("persistentVolumeClaimRetentionPolicy", {})
        if "Delete" in kept.values():
            yield f"{name_of(one)}: deletes its volumes: persistentVolumeClaimRetentionPolicy"
    places = {
        one["metadata"].get("namespace") for one in objects if one["kind"] not in CLUSTER_WIDE
    }
    if None in places:
        without = [
            name_of(one)
            for one in objects
            if one["kind"] not in CLUSTER_WIDE and "namespace" not in one["metadata"]
        ]
        yield f"without a namespace, so in whichever is the default: {', '.join(without)}"
    if len(places - {None}) > 1:
        yield f"is spread over namespaces {sorted(places - {None})}"


def immutable_problems(overlays: Mapping[str, list[Object]]) -> Iterator[str]:
    """What differs between overlays where one must be applicable over the other."""
    seen: dict[tuple[str, str, str], tuple[str, Any]] = {}
    for overlay, objects in overlays.items():
        for one in of_kind(objects, *IMMUTABLE):
            for field in IMMUTABLE[one["kind"]]:
                key = one["kind"], one["metadata"]["name"], field
                found = one["spec"].get(field)
                where, before = seen.setdefault(key, (overlay, found))
                if found != before:
                    yield (
                        f"{name_of(one)}: {field} is {found!r} in {overlay} and {before!r} in "
                        f"{where}: it cannot be changed later"
                    )
