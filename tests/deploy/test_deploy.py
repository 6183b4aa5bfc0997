"""What the images and k8s/base promise, without an engine or a cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
import yaml

from pw_common.process.version import VERSION
from support.composed import ROOT, compose, running

DOCKERFILE = (ROOT / "deploy/service.Dockerfile").read_text()


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


def stage(name: str) -> str:
    """The instructions of one stage, without comments; the last one is named by what it is from."""
    for part in re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE):
        head, _, rest = part.partition("\n")
        if head.endswith(f" AS {name}") or head == f"FROM {name}":
            return re.sub(r"^#.*\n", "", rest, flags=re.MULTILINE)
    pytest.fail(f"no stage {name}")


def test_compose_and_kubernetes_run_the_same_images() -> None:
    ours = {service["image"] for service in running(compose()).values()}
    theirs = {
        container["image"]
        for one in render()
        if one["kind"] in {"Deployment", "StatefulSet", "Job"}
        for container in one["spec"]["template"]["spec"]["containers"]
    }
    assert ours == theirs


def test_one_file_makes_every_image() -> None:
    assert list(ROOT.glob("services/*/Dockerfile")) == []


def test_an_image_installs_the_lock_of_its_service_alone_and_by_hash() -> None:
    locked = stage("locked")
    assert locked.count("--require-hashes -r /requirements/") == locked.count("-r /requirements/")
    assert set(re.findall(r"requirements/([\w${}]+)\.txt", locked)) == {"build", "${SERVICE}"}
    # What comes later adds our own wheels, and asks no registry.
    for later in re.findall(r"pip .*(?:install|wheel) .*", stage("build")):
        assert "--no-index" in later


def test_a_change_of_sources_leaves_the_layers_of_what_is_locked() -> None:
    locked = stage("locked")
    assert set(re.findall(r"^COPY (\w+)", locked, re.MULTILINE)) == {"requirements"}
    # And a change of one page leaves those of a service without pages.
    assert "dashboard" not in stage("plain") + stage("build")
    # Nothing that differs between services stands above what they share.
    assert locked.index("-m venv") < locked.index("ARG SERVICE")


def test_an_image_is_not_root_and_hands_its_process_the_signals() -> None:
    last = stage("${RUNS}")
    assert "USER 10001:10001\n" in last
    assert last.index("RUN ") < last.index("USER ")
    assert 'ENTRYPOINT ["/opt/app/bin/start-service"]' in last
    script = re.search(r"printf '(.*)' \"\$SERVICE\" >/opt/app/bin/start-service", DOCKERFILE)
    assert script is not None
    assert script[1] == r'#!/bin/sh\nexec python -m pw_%s "$@"\n'


def test_either_builder_takes_the_file() -> None:
    # The legacy builder knows none of these.
    assert not re.search(r"RUN --mount|COPY --link|COPY --exclude|<<|# syntax=", DOCKERFILE)
    # What FROM names must be known before the first of them.
    head = DOCKERFILE.split("\nFROM ", 1)[0]
    named = set(re.findall(r"^FROM \$\{(\w+)\}", DOCKERFILE, re.MULTILINE))
    assert named == set(re.findall(r"^ARG (\w+)=", head, re.MULTILINE))
    stages = re.findall(r"^FROM \S+ AS (\w+)", DOCKERFILE, re.MULTILINE)
    for default in re.findall(r"^ARG (?:SOURCE|RUNS)=(\w+)", head, re.MULTILINE):
        assert default in stages
    # It builds every stage: pages are made where they are asked for, and nowhere else.
    assert 'if [ "$SOURCE" = pages ]; then' in stage("pages")


def test_every_argument_that_a_stage_reads_it_declares() -> None:
    """An ARG of one stage is unset in the next, without a word."""
    builders = {"PATH"}
    for part in re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE)[1:]:
        _, _, text = part.partition("\n")
        text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
        known = set(re.findall(r"^ARG (\w+)", text, re.MULTILINE)) | builders
        assert set(re.findall(r"\$\{?([A-Z_]+)", text)) <= known, part


def test_an_image_says_what_it_is_and_how_its_health_is_known() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', stage("${RUNS}")))
    assert labels == {
        "title": "${IMAGE}",
        "description": "${ABOUT}",
        "version": VERSION,
        "licenses": "Apache-2.0",
    }
    # What runs once has no health; inheriting the base's would be a guess.
    assert "HEALTHCHECK NONE" in stage("once")
    assert "/livez" in stage("serving")


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
