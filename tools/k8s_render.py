"""Render `k8s/base` and refuse what no cluster would run; needs no kubectl.

It does what the base's kustomization asks for (resources, namespace, image tags) and no
more, then asks the rules of k8s-check that hold for a base.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from k8s_check import problems
from k8s_objects import Object, containers
from workspace import ROOT

BASE = ROOT / "k8s" / "base"


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
