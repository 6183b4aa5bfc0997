"""The README's ways to mainnet: each line runs here, as far as it goes without a cluster."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from k8s_check import problems
from k8s_rules_pods import USERS_OWN

from support.composed import ROOT, compose, lines_of, running, variables

BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
README = (ROOT / "README.md").read_text()
KUBECTL = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")


def block(word: str) -> list[str]:
    """The shell block of the Mainnet section that begins with this word."""
    section = README.split("## Mainnet\n")[1].split("\n## ")[0]
    [found] = [one for one in BLOCK.findall(section) if one.startswith(word)]
    return [line.strip() for line in found.splitlines()]


def run(line: str, folder: Path, **more: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-euc", line],
        cwd=folder,
        env={**os.environ, "KUBECONFIG": "/dev/null", **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


def composers() -> list[str]:
    """Every Compose that is here."""
    found = ["docker-compose"] if shutil.which("docker-compose") else []
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        found += ["docker compose"] if asked.returncode == 0 else []
    return found


def test_each_way_is_a_handful_of_lines() -> None:
    assert len(block("mkdir")) == 5
    assert len(block("docker compose")) == 6


def test_dockers_lines_make_an_env_that_compose_reads(tmp_path: Path) -> None:
    *files, up, ask = block("mkdir")
    for line in files:
        run(line, tmp_path)
    assert (tmp_path / "secrets/token").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    written = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    assert set(written) <= variables()
    loaded = compose(written)
    ingest = loaded["services"]["ingest"]
    assert ingest["environment"]["PW_INGEST_ENDPOINT"] == "https://HOST:PORT"
    assert loaded["secrets"]["source-token"]["file"] == "./secrets/token"
    scaled = re.findall(r"--scale (\w+)=\d+", up)
    assert scaled == ["parser"]
    assert set(scaled) <= set(running(loaded))
    # What is asked at the end is where compose publishes the API.
    address = ask.split("http://")[1].split("/")[0]
    assert f"{address}:8080" in loaded["services"]["api"]["ports"]


@pytest.mark.skipif(not composers(), reason="no Compose is here")
@pytest.mark.parametrize("composer", composers())
@pytest.mark.parametrize("profile", ["", "cluster", "observability", "images"])
def test_a_real_compose_reads_the_file(composer: str, profile: str, tmp_path: Path) -> None:
    *files, _up, _ask = block("mkdir")
    for line in files:
        run(line, tmp_path)
    with (tmp_path / ".env").open("a") as env:
        if profile == "cluster":
            env.writelines(f"{k}={v}\n" for k, v in lines_of("deploy/cluster.env").items())
    chosen = f"--profile {profile}" if profile else ""
    env_file = tmp_path / ".env"
    printed = run(f"{composer} --env-file {env_file} {chosen} config", ROOT)
    services = yaml.safe_load(printed)["services"]
    assert set(running(compose(), profile)) <= set(services)
    assert services["parser"]["deploy"]["replicas"] in {2, "2"}


@KUBECTL
def test_kubernetes_lines_make_what_the_overlay_asks_for(tmp_path: Path) -> None:
    _images, copy, namespace, *created, apply = block("docker compose")
    file = namespace.removeprefix("kubectl apply -f ")
    assert yaml.safe_load((ROOT / file).read_text())["metadata"]["name"] == "pocketwatcher"
    (tmp_path / "secrets").mkdir()
    for name in ("token", "api-token"):
        (tmp_path / "secrets" / name).write_text("x")
    for line in created:
        made = yaml.safe_load(run(f"{line} --dry-run=client -o yaml", tmp_path))
        key = made["kind"], made["metadata"]["name"]
        assert frozenset(made["data"]) == USERS_OWN[key]
        assert made["metadata"]["namespace"] == "pocketwatcher"
    # Beside a copy of k8s/: the line itself may find a site of the developer's own.
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s", ignore=shutil.ignore_patterns("site"))
    run(copy, tmp_path)
    rendered = apply.replace("kubectl apply -k", "kubectl kustomize")
    objects = list(yaml.safe_load_all(run(rendered, tmp_path)))
    assert list(problems(objects)) == []
    images = re.findall(r'"?image"?: "?(\S+)', yaml.safe_dump_all(objects))
    prefix = "registry.example/you/"
    assert images
    pushed = {one["image"] for one in _built(prefix)}
    assert set(images) <= pushed


def _built(prefix: str) -> list[dict[str, str]]:
    services = running(compose({"PW_IMAGE_PREFIX": prefix}), "images")
    return [one for one in services.values() if "build" in one]


@KUBECTL
def test_every_folder_of_k8s_that_is_named_renders() -> None:
    named = set(re.findall(r"k8s/overlays/\w+", README))
    assert named == {"k8s/overlays/local", "k8s/overlays/prod", "k8s/overlays/keda"}
    for folder in named:
        assert run(f"kubectl kustomize {folder}", ROOT)


def test_every_file_that_is_linked_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 5
    for link in links:
        assert (ROOT / link).exists(), link
