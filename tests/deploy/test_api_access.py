"""Containers and manifests ask for a token and name the hosts that the API answers to."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from k8s_check import OVERLAYS
from k8s_objects import containers, find, pod_of

from pw_api.config import Settings
from pw_api.core.access import read_hosts
from pw_common.service.settings import load
from support.broken import Broken, assert_said, names, rendered
from support.composed import ROOT, compose

KUBECTL = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
MADE = "/var/lib/pocketwatcher"
POD = "spec.template.spec"


def api(environ: dict[str, str] | None = None) -> dict[str, Any]:
    service: dict[str, Any] = compose(environ)["services"]["api"]
    return service


def test_compose_makes_a_token_into_a_volume_that_its_user_owns() -> None:
    environ = api()["environment"]
    assert (environ["PW_API_TOKEN_FILE"], environ["PW_API_TOKEN_MAKE"]) == (
        f"{MADE}/api-token",
        "true",
    )
    assert f"api-token:{MADE}" in api()["volumes"]
    assert "api-token" in compose()["volumes"]
    assert api()["build"]["args"]["FOLDERS"] == f"{MADE}=700"
    lines = (ROOT / "deploy/service.Dockerfile").read_text().splitlines()
    [made] = [line for line in lines if "install -d -o 10001 -g 10001" in line]
    assert lines.index(made) < lines.index("USER 10001:10001")


def test_a_token_of_ones_own_takes_its_place() -> None:
    path = "/etc/pocketwatcher/api-token"
    service = api({"PW_API_TOKEN_FILE": path})
    assert service["environment"]["PW_API_TOKEN_FILE"] == path
    assert f"{path}:{path}:ro" in service["volumes"]


def test_compose_names_its_own_service_and_what_env_adds() -> None:
    assert [one.name for one in read_hosts(api()["environment"]["PW_API_HOSTS"])] == ["api"]
    environ = api({"PW_API_HOSTS": "api,https://pw.example"})["environment"]
    assert read_hosts(environ["PW_API_HOSTS"])[1].https


def test_what_compose_gives_the_api_is_what_it_takes() -> None:
    settings = load(Settings, {k: v for k, v in api()["environment"].items() if v})
    assert settings.api_token_make
    assert not settings.api_no_token


@KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_asks_for_a_token_from_a_file(overlay: str) -> None:
    objects = rendered(overlay)
    deployment = find(objects, "Deployment", "api")
    assert deployment is not None
    [container] = containers(deployment)
    environ = {one["name"]: one.get("value", "") for one in container["env"]}
    assert environ["PW_API_TOKEN_FILE"] == "/run/tokens/api"
    assert "PW_API_NO_TOKEN" not in environ
    [volume] = [one for one in pod_of(deployment)["volumes"] if one["name"] == "tokens"]
    [mount] = [one for one in container["volumeMounts"] if one["name"] == "tokens"]
    assert mount["mountPath"] == "/run/tokens"
    if "PW_API_TOKEN_MAKE" in environ:
        assert set(volume) == {"name", "emptyDir"}
        assert not mount.get("readOnly")
    else:
        assert volume["secret"]["items"] == [{"key": "api", "path": "api"}]
        assert mount["readOnly"]


@KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_services_names_are_answered_in_every_overlay(overlay: str) -> None:
    hosts = find(rendered(overlay), "ConfigMap", "api-hosts")
    assert hosts is not None
    named = {one.name for one in read_hosts(hosts["data"]["PW_API_HOSTS"])}
    assert {"api", "api.pocketwatcher.svc", "api.pocketwatcher.svc.cluster.local"} <= named


BROKEN = [
    Broken(
        ("ConfigMap", "api-hosts"), "data.PW_API_HOSTS", "api", "must name https://pocketwatcher",
        "examples/complete",
    ),
    Broken(
        ("ConfigMap", "api-hosts"), "data.PW_API_HOSTS", "pocketwatcher.example", "must name http",
        "examples/complete",
    ),
    Broken(
        ("Ingress", "api"), "spec.rules.0.host", "pw.example", "/api refuses the host pw.example",
        "examples/complete",
    ),
    Broken(("ConfigMap", "api-hosts"), "", None, "no ConfigMap api-hosts"),
    Broken(
        ("Deployment", "api"), f"{POD}.volumes.1.secret.items.0.key", "token", "has no key 'token'"
    ),
]  # fmt: skip


@KUBECTL
@pytest.mark.parametrize("case", BROKEN, ids=names(BROKEN))
def test_a_host_or_a_token_that_is_not_there_is_refused(case: Broken) -> None:
    assert_said(case)
