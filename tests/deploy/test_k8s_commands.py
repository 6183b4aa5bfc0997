"""The commands that k8s/ and its components give: as far as they go without a cluster."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import yaml
from k8s_rules_pods import USERS_OWN

from support.composed import ROOT
from support.lag import adapting

BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
ADAPTER = ROOT / "k8s/components/lag-adapter/README.md"


def lines() -> list[str]:
    return [line for block in BLOCK.findall(ADAPTER.read_text()) for line in block.splitlines()]


def run(line: str, folder: Path) -> str:
    done = subprocess.run(
        ["/bin/sh", "-euc", line],
        cwd=folder,
        env={**os.environ, "KUBECONFIG": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_certificate_made_by_hand_is_for_the_adapters_name(tmp_path: Path) -> None:
    for line in lines():
        if line.startswith(("openssl", "printf")):
            run(line, tmp_path)
    host = "lag-adapter.pocketwatcher.svc"
    run(f"openssl verify -CAfile ca.crt -verify_hostname {host} tls.crt", tmp_path)
    # Key and certificate belong together, and Python's TLS takes them.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    with pytest.raises(AssertionError, match="hostname mismatch"):
        run("openssl verify -CAfile ca.crt -verify_hostname other.svc tls.crt", tmp_path)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
def test_what_the_user_makes_has_the_keys_that_pods_ask_for(tmp_path: Path) -> None:
    for name in ("token", "api-token", "node-url", "front-proxy-ca.crt"):
        (tmp_path / name).write_text("x")
    found = {}
    for line in created():
        if "create secret tls" not in line:
            made = yaml.safe_load(run(f"{line} --dry-run=client -o yaml", tmp_path))
            found[made["kind"], made["metadata"]["name"]] = frozenset(made["data"])
            assert made["metadata"]["namespace"] == "pocketwatcher"
    own = {key: keys for key, keys in USERS_OWN.items() if key != ("Secret", "api-tls")}
    assert {key: found[key] for key in own} == own


def created() -> list[str]:
    """Every `kubectl create` of a ConfigMap or Secret in k8s/, comments included."""
    files = [*(ROOT / "k8s").rglob("*.yaml"), ADAPTER]
    pattern = re.compile(
        r"^(?:#\s*)?(kubectl -n \S+ create (?:secret|configmap) .*)$", re.MULTILINE
    )
    return [line for path in files for line in pattern.findall(path.read_text())]


async def test_the_path_that_is_asked_is_the_adapters(tmp_path: Path) -> None:
    raw = next(line for line in lines() if "--raw" in line)
    path = re.search(r'"(/apis[^"]+)"', raw)
    assert path is not None
    async with adapting(tmp_path) as one, one.front_proxy() as proxy:
        assert (await proxy.get(path[1])).status_code == 200


def test_every_component_and_overlay_says_what_it_is_for() -> None:
    files = list((ROOT / "k8s").rglob("kustomization.yaml"))
    assert len(files) == 14
    for path in files:
        assert path.read_text().startswith("# "), path
