"""Render every overlay and refuse what a cluster would refuse, or would quietly do wrong.

kubectl renders; kubernetes-validate checks each object strictly against Kubernetes' own
schemas; what those do not cover (other kinds, words, rules across objects) is in k8s_*.py.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import yaml
from k8s_enums import enum_problems
from k8s_objects import Object, name_of
from k8s_rules_network import network_problems
from k8s_rules_pods import pod_problems
from k8s_rules_scaling import scaling_problems
from k8s_rules_settings import settings_problems
from k8s_rules_upgrade import immutable_problems, upgrade_problems
from k8s_schemas import schema_problems
from workspace import ROOT

OVERLAYS = (
    "base",
    "overlays/local",
    "overlays/prod",
    "overlays/keda",
    "examples/complete",
    "site.example",
)
RULES = (pod_problems, scaling_problems, network_problems, settings_problems, upgrade_problems)


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
    """Everything that is wrong, a line each.

    Rules across objects count on their shape, so they are asked once every object has it.
    """
    alone = [
        f"{name_of(one)}: {text}"
        for one in objects
        for text in (*schema_problems(one), *enum_problems(one))
    ]
    yield from alone
    named = {(one["kind"], one["metadata"]["name"]) for one in objects}
    if len(named) != len(objects):
        yield "two objects have the same kind and name"
    if not alone:
        for rule in RULES:
            yield from rule(objects)


def main() -> int:
    wrong = 0
    overlays = {overlay: render(overlay) for overlay in OVERLAYS}
    for line in immutable_problems(overlays):
        sys.stderr.write(f"k8s: {line}\n")
        wrong += 1
    for overlay, objects in overlays.items():
        found = list(problems(objects))
        for line in found:
            sys.stderr.write(f"k8s/{overlay}: {line}\n")
        print(f"k8s/{overlay}: {len(objects)} objects, {len(found)} problems")
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
