"""What services.toml says of a service is what every other file says of it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml
from declared_services import Service, declared
from gen_services import WRITTEN, permissions
from workspace import services

from pw_common.process.version import VERSION
from pw_common.service.metrics import ALL, METRICS
from pw_common.topology import subjects
from pw_common.topology.streams import declare
from support.composed import DECLARED, ROOT, compose

# What Compose runs that is no service of ours.
OTHERS = {"nats", "nats-2", "nats-3", "otel-collector", "prometheus"}
each = pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)
in_kubernetes = pytest.mark.parametrize(
    "one", [one for one in declared() if one.manifest], ids=lambda one: one.name
)


def composed(one: Service) -> dict[str, Any]:
    service: dict[str, Any] = compose()["services"][one.name]
    return service


def objects(one: Service) -> dict[str, dict[str, Any]]:
    """What its manifest makes, by kind."""
    loaded = yaml.safe_load_all((ROOT / one.manifest).read_text())
    return {found["kind"]: found for found in loaded}


def workload(one: Service) -> dict[str, Any]:
    """What makes its pods."""
    found = objects(one)
    return found.get("Deployment") or found["StatefulSet"]


def container(one: Service) -> dict[str, Any]:
    [found] = workload(one)["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_folder_of_a_service_is_declared_and_has_a_lock() -> None:
    assert {(one.folder.name, one.module, one.name) for one in services()} == {
        (one.name, one.module, f"pw-{one.dashed}") for one in declared()
    }
    for one in declared():
        assert (ROOT / f"requirements/{one.name}.txt").is_file()
        assert (ROOT / f"services/{one.name}/src/{one.module}/__main__.py").is_file()


def test_compose_runs_what_is_declared_and_nothing_else_of_ours() -> None:
    assert set(compose()["services"]) == OTHERS | set(DECLARED)


@each
def test_compose_builds_each_image_as_it_is_declared(one: Service) -> None:
    build = composed(one)["build"]
    assert (build["context"], build["dockerfile"]) == (".", "deploy/service.Dockerfile")
    wanted = {"PYTHON_IMAGE": "python:3.13-slim", "SERVICE": one.name, "ABOUT": one.about}
    if one.image != f"pocketwatcher-{one.name}":
        wanted["IMAGE"] = one.image
    if one.compose == "once":
        wanted["RUNS"] = "once"
    if one.pages:
        wanted |= {"SOURCE": "pages", "PAGES": "must"}
    if one.folders:
        wanted["FOLDERS"] = " ".join(f"{path}={mode}" for path, mode in one.folders.items())
    assert build["args"] == wanted
    assert composed(one)["image"] == f"{one.image}:{VERSION}"


@each
def test_compose_keeps_each_to_its_memory_and_its_way_of_running(one: Service) -> None:
    limits = composed(one)["deploy"]["resources"]["limits"]
    assert mib(limits["memory"]) == one.memory_mib
    assert (composed(one)["restart"] == "no") == (one.compose == "once")
    assert (composed(one).get("profiles") == ["images"]) == (one.compose == "built")
    if one.compose != "built":
        waits = set(composed(one).get("depends_on", {}))
        assert ("nats" in waits) == one.has_broker
        assert ("PW_NATS_URL" in composed(one)["environment"]) == one.has_broker
    for port in composed(one).get("ports", ()):
        assert int(port.rsplit(":", 1)[1]) in {one.http_port, *one.ports.values()}


@in_kubernetes
def test_a_manifest_names_the_service_its_image_ports_and_memory(one: Service) -> None:
    assert workload(one)["metadata"]["name"] == one.dashed
    assert container(one)["name"] == one.dashed
    assert container(one)["image"] == one.image
    ports = {port["name"]: port["containerPort"] for port in container(one)["ports"]}
    assert ports == {"http": one.http_port, **one.ports}
    assert mib(container(one)["resources"]["limits"]["memory"]) == one.memory_mib
    spec = workload(one)["spec"]
    # A StatefulSet's one pod is gone before the next one is made.
    replaced = workload(one)["kind"] == "StatefulSet" or spec.get("strategy") == {
        "type": "Recreate"
    }
    alone = spec.get("replicas") == 1 and replaced
    assert alone == (one.scales == "one")


@in_kubernetes
def test_a_service_of_kubernetes_opens_ports_that_are_declared(one: Service) -> None:
    opened = objects(one).get("Service", {"spec": {"ports": []}})["spec"]["ports"]
    assert {port["targetPort"] for port in opened} <= {"http", *one.ports}


def test_one_policy_lets_all_but_those_without_a_broker_reach_it() -> None:
    policies = yaml.safe_load_all((ROOT / "k8s/base/network.yaml").read_text())
    [clients] = [one for one in policies if one["metadata"]["name"] == "broker-clients"]
    [rule] = clients["spec"]["podSelector"]["matchExpressions"]
    without = {one.dashed for one in declared() if not one.has_broker}
    assert (rule["operator"], set(rule["values"])) == ("NotIn", {"nats"} | without)


def test_the_port_of_the_image_and_of_kubernetes_is_the_declared_one() -> None:
    [port] = {one.http_port for one in declared()}
    dockerfile = (ROOT / "deploy/service.Dockerfile").read_text()
    assert set(re.findall(r"(?:0\.0\.0\.0|127\.0\.0\.1):(\d+)", dockerfile)) == {str(port)}
    config = (ROOT / "k8s/base/config.yaml").read_text()
    assert f"PW_HTTP_LISTEN: 0.0.0.0:{port}\n" in config


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_from_the_declaration_is_as_it_would_be_written(name: str) -> None:
    now = (ROOT / name).read_text()
    assert WRITTEN[name](declared(), now) == now
    assert set(re.findall(r"newTag: ([\w.-]+)", now)) <= {VERSION}


def test_import_rules_and_types_know_every_service() -> None:
    tools = pyproject()["tool"]
    modules = {one.module for one in declared()}
    linter = tools["importlinter"]
    assert modules <= set(linter["root_packages"])
    by_name = {one["name"].partition(":")[0]: one for one in linter["contracts"]}
    layers, nats = by_name["rooms"], by_name["only jetstream imports nats"]
    cores = by_name["cores know no clock, no service and no network"]
    [line] = [one for one in layers["layers"] if "|" in one and "pw_api" in one]
    assert set(line.split(" | ")) == modules
    assert modules <= set(nats["source_modules"])
    assert {f"{one}.core" for one in modules} <= set(cores["source_modules"])
    paths = set(tools["mypy"]["mypy_path"].split(":"))
    assert {one for one in paths if one.startswith("services/")} == {
        f"services/{one.name}/src" for one in declared()
    }


def test_a_metric_of_one_service_has_that_services_prefix() -> None:
    prefixes = {one.metrics_prefix: one.name for one in declared()}
    for metric in METRICS:
        assert metric.services == ALL or set(metric.services) <= set(DECLARED), metric.name
        for prefix, name in prefixes.items():
            if metric.name.startswith(prefix):
                assert metric.services == (name,), metric.name


@each
def test_a_service_names_no_stream_and_no_bucket_that_it_does_not_declare(one: Service) -> None:
    topology = declare()
    there = {found.name for found in topology.streams}
    there |= {found.name for found in topology.buckets}
    said = {*one.reads, *one.writes, *one.answers}
    assert said <= there | {"*"}
    if "*" in said:
        return
    source = "".join(path.read_text() for path in (ROOT / f"services/{one.name}/src").rglob("*.py"))
    used = set(re.findall(r"\b(?:STREAM|BUCKET)_[A-Z]+\b", source))
    assert {getattr(subjects, name) for name in used if hasattr(subjects, name)} <= said
    assert ("pw_instances" in said) == one.has_broker


@each
def test_the_rights_of_a_service_are_about_what_it_declares(one: Service) -> None:
    if one.rights is None:
        return
    said = {*one.reads, *one.writes, *one.answers}
    stored = re.compile(r"(?:KV_(pw_\w+)|(PW_\w+)|\$KV\.(pw_\w+))")
    for permission in permissions(one.rights):
        for names in stored.findall(permission):
            assert set(filter(None, names)) <= said, permission
    for consumer in one.rights.answers_consumers:
        assert consumer.split(".")[0] in one.answers


def mib(text: str) -> int:
    """What `256M`, `1G`, `128Mi` and `1Gi` are in MiB: both tools count in powers of two here."""
    found = re.fullmatch(r"(\d+)([MG])i?", str(text))
    assert found, text
    return int(found[1]) * {"M": 1, "G": 1024}[found[2]]
