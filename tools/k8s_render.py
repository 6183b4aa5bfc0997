"""Render `k8s/base` and refuse what no cluster would run; needs no kubectl.

It does what the base's kustomization asks for (resources, namespace, image tags) and no
more, and checks across objects: selectors, ports, config maps, images, hardening.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from workspace import ROOT

BASE = ROOT / "k8s" / "base"
POD_KINDS = frozenset({"Deployment", "StatefulSet", "Job"})

Object = dict[str, Any]


def render(base: Path = BASE) -> list[Object]:
    """Every object of the base, in its order, with namespace and image tags set."""
    kustomization = yaml.safe_load((base / "kustomization.yaml").read_text())
    tags = {one["name"]: one["newTag"] for one in kustomization["images"]}
    objects: list[Object] = []
    for name in kustomization["resources"]:
        for one in yaml.safe_load_all((base / name).read_text()):
            if one["kind"] != "Namespace":
                one["metadata"]["namespace"] = kustomization["namespace"]
            for container in containers(one):
                image = container["image"]
                container["image"] = f"{image}:{tags[image]}" if image in tags else image
            objects.append(one)
    return objects


def containers(one: Object) -> list[Object]:
    """The containers of an object that makes pods; none for any other."""
    if one["kind"] not in POD_KINDS:
        return []
    return list(one["spec"]["template"]["spec"]["containers"])


def problems(objects: list[Object]) -> Iterator[str]:
    """What a cluster would refuse or never get ready, a line each."""
    named = {(one["kind"], one["metadata"]["name"]) for one in objects}
    if len(named) != len(objects):
        yield "two objects have the same kind and name"
    for one in objects:
        name = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] == "Service":
            yield from service_problems(name, one, objects)
        if one["kind"] in POD_KINDS:
            yield from (f"{name}: {text}" for text in pod_problems(one, named))


def service_problems(name: str, service: Object, objects: list[Object]) -> Iterator[str]:
    """A service must select pods, and its ports must be theirs."""
    wanted = service["spec"]["selector"].items()
    chosen = [
        one
        for one in objects
        if one["kind"] in POD_KINDS
        and wanted <= one["spec"]["template"]["metadata"]["labels"].items()
    ]
    if not chosen:
        yield f"{name}: selects no pods"
    for one in chosen:
        open_ports = {p["name"] for c in containers(one) for p in c.get("ports", ())}
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in open_ports:
                yield f"{name}: port {port['targetPort']} is not one of {sorted(open_ports)}"


def pod_problems(one: Object, named: set[tuple[str, str]]) -> Iterator[str]:
    """What the restricted pod security level and a working pod need."""
    template = one["spec"]["template"]
    pod = template["spec"]
    selector = one["spec"].get("selector", {}).get("matchLabels", {})
    if not selector.items() <= template["metadata"]["labels"].items():
        yield "the selector does not match its own pods"
    if ("ServiceAccount", pod["serviceAccountName"]) not in named:
        yield f"no ServiceAccount {pod['serviceAccountName']}"
    security = pod["securityContext"]
    if not (security["runAsNonRoot"] and security["runAsUser"] > 0):
        yield "runs as root"
    volumes = {volume["name"] for volume in pod.get("volumes", ())}
    volumes |= {claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", ())}
    for container in pod["containers"]:
        own = container["securityContext"]
        if own["allowPrivilegeEscalation"] or own["capabilities"]["drop"] != ["ALL"]:
            yield "the container keeps privileges"
        if not own["readOnlyRootFilesystem"]:
            yield "the root file system can be written"
        if ":" not in container["image"]:
            yield f"image {container['image']} has no tag in kustomization.yaml"
        for source in container.get("envFrom", ()):
            if ("ConfigMap", source["configMapRef"]["name"]) not in named:
                yield f"no ConfigMap {source['configMapRef']['name']}"
        if mounted := {m["name"] for m in container.get("volumeMounts", ())} - volumes:
            yield f"mounts {sorted(mounted)}, which are not volumes"
        open_ports = {port["name"] for port in container.get("ports", ())}
        probes = [container[key]["httpGet"] for key in container if key.endswith("Probe")]
        if one["kind"] != "Job" and len(probes) != 3:
            yield "needs a startup, a readiness and a liveness probe"
        for probe in probes:
            if probe["port"] not in open_ports:
                yield f"a probe asks port {probe['port']}, which is not open"


def main() -> int:
    objects = render()
    found = list(problems(objects))
    for one in found:
        sys.stderr.write(one + "\n")
    if found:
        return 1
    print(yaml.safe_dump_all(objects, sort_keys=False), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
