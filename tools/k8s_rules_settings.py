"""Rules for environment variables: what the code declares, compose passes and Kubernetes sets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import yaml
from gen_env import settings_class
from k8s_objects import Object, containers, find, name_of, workloads
from k8s_rules_pods import USERS_OWN
from workspace import ROOT, services

from pw_common.service.settings import REQUIRED, Declared, declared_settings

# Set by Kubernetes and not passed by compose.yaml: each with its reason.
NOT_IN_COMPOSE = {
    "PW_HTTP_LISTEN": "the image sets it; here it stands where it can be read",
    "PW_HTTP_ADVERTISE": "a pod is known by its address; a container by its name, the default",
    "PW_PROVISION_EVERY_S": "Compose's services wait for provision to end",
}
# Variables of which a service needs one.
ONE_OF = (("PW_INGEST_ENDPOINT", "PW_INGEST_RPC_URL"),)


def settings_problems(objects: list[Object]) -> Iterator[str]:
    """Every rule of this module, for every workload that is a service of ours."""
    declared = _declared()
    composed = _composed()
    for one in workloads(objects):
        name = one["metadata"]["name"].replace("-", "_")
        if name not in declared:
            continue
        # What compose only builds is told nothing there.
        runs = "images" not in composed[name].get("profiles", ())
        passed = set(composed[name].get("environment", {})) if runs else set(declared[name])
        found = [*_names(one, objects, declared[name], passed), *_files(one)]
        yield from (f"{name_of(one)}: {text}" for text in found)


@cache
def _composed() -> Object:
    services_of: Object = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services_of


@cache
def _declared() -> dict[str, dict[str, Declared]]:
    """Every service's variables."""
    found: dict[str, dict[str, Declared]] = {}
    for member in services():
        settings = settings_class(member)
        if settings is not None:
            found[member.folder.name] = {one.env: one for one, _type in declared_settings(settings)}
    return found


def _names(
    one: Object, objects: list[Object], declared: dict[str, Declared], passed: set[str]
) -> Iterator[str]:
    [container] = containers(one)
    given = {variable["name"] for variable in container.get("env", ())}
    twice = len(container.get("env", ())) - len(given)
    if twice:
        yield f"sets {twice} variables twice"
    for source in container.get("envFrom", ()):
        config = source.get("configMapRef", {"name": ""})
        there = find(objects, "ConfigMap", config["name"])
        given |= set(there["data"]) if there else set()
        if not config.get("optional"):
            given |= USERS_OWN.get(("ConfigMap", config["name"]), frozenset())
    for unknown in sorted(given - set(declared)):
        yield f"sets {unknown}, which it does not declare"
    for alone in sorted(given - passed - set(NOT_IN_COMPOSE)):
        yield f"sets {alone}, which compose.yaml does not pass"
    for env, setting in declared.items():
        if setting.default is REQUIRED and env not in given:
            yield f"does not set {env}, which is required"
    for either in ONE_OF:
        if either[0] in declared and given.isdisjoint(either):
            yield f"does not set {either[0]}, which is required (or {', '.join(either[1:])})"
    advertised = [
        variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        for variable in container.get("env", ())
        if variable["name"] == "PW_HTTP_ADVERTISE"
    ]
    if "PW_HTTP_ADVERTISE" in declared and advertised != ["status.podIP"]:
        yield "its heartbeats do not name the pod: PW_HTTP_ADVERTISE from status.podIP"
    own = f"{one['metadata']['name']}-settings"
    if own not in {
        source["configMapRef"]["name"]
        for source in container.get("envFrom", ())
        if "configMapRef" in source
    }:
        yield f"cannot be set: it reads no ConfigMap {own}"


def _files(one: Object) -> Iterator[str]:
    """A setting that names a file names one that is mounted."""
    for container in containers(one):
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", ())]
        for variable in container.get("env", ()):
            value = variable.get("value", "")
            if variable["name"].endswith("_FILE") and not any(
                value.startswith(f"{mount}/") for mount in mounts
            ):
                yield f"{variable['name']} is {value}, where nothing is mounted"
