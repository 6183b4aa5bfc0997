"""What compose.yaml and k8s/base promise, without an engine or a cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
import yaml

from pw_common.process.version import VERSION
from support.composed import ROOT, SERVICES, compose, running

# The lag adapter answers a Kubernetes API server; Compose has nobody who would ask.
COMPOSED = [name for name in SERVICES if name != "lag_adapter"]


def render() -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "tools/k8s_render.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_an_image_a_compose_entry_and_a_manifest(service: str) -> None:
    assert (ROOT / f"services/{service}/Dockerfile").is_file()
    if service in COMPOSED:
        assert service in compose()["services"]
        assert (ROOT / f"k8s/base/{service}.yaml").is_file()


def test_compose_and_kubernetes_run_the_same_images() -> None:
    ours = {service["image"] for service in running(compose()).values()}
    theirs = {
        container["image"]
        for one in render()
        if one["kind"] in {"Deployment", "StatefulSet", "Job"}
        for container in one["spec"]["template"]["spec"]["containers"]
    }
    assert ours == theirs


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_small_locked_and_not_root(service: str) -> None:
    text = (ROOT / f"services/{service}/Dockerfile").read_text()
    assert len(text.splitlines()) <= 35
    assert "--require-hashes" in text
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    # The legacy builder knows none of these.
    assert not re.search(r"RUN --mount|COPY --link|<<", text)


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_says_what_it_is_and_how_its_health_is_known(service: str) -> None:
    text = (ROOT / f"services/{service}/Dockerfile").read_text()
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', text))
    assert labels.pop("description")
    assert labels == {
        "title": f"pocketwatcher-{service.replace('_', '-')}",
        "version": VERSION,
        "licenses": "Apache-2.0",
    }
    # What runs once has no health; inheriting the base's would be a guess.
    assert ("HEALTHCHECK NONE" in text) == (service == "provision")
    assert ("/livez" in text) == (service != "provision")


def test_kubectl_renders_the_same_objects_where_it_is_installed() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on PATH")
    done = subprocess.run(
        [kubectl, "kustomize", "k8s/base"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    theirs = {_identity(one): one for one in yaml.safe_load_all(done.stdout)}
    assert theirs == {_identity(one): one for one in render()}


def _identity(one: dict[str, Any]) -> tuple[str, str]:
    return one["kind"], one["metadata"]["name"]
