"""What a user puts together from overlays and components is as sound as what is shipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from k8s_check import problems
from k8s_rules_upgrade import CLUSTER_WIDE, immutable_problems

from support.broken import Objects, rendered
from support.composed import ROOT

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")


def put_together(folder: Path, overlay: str, *components: str) -> Objects:
    k8s = os.path.relpath(ROOT / "k8s", folder.resolve())
    own = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{k8s}/{overlay}"],
        "components": [f"{k8s}/components/{name}" for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own))
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


@pytest.mark.parametrize(
    ("overlay", "components"),
    [
        ("overlays/local", ("lag-adapter", "cert-manager")),
        ("overlays/local", ("keda",)),
        ("overlays/local", ("observability",)),
        ("overlays/local", ("facts",)),
        ("base", ("lag-adapter", "cert-manager", "observability")),
        ("overlays/keda", ("ingress", "observability")),
        ("site.example", ("ingress", "observability")),
    ],
)
def test_a_component_added_to_an_overlay_is_sound_and_in_its_namespace(
    overlay: str, components: tuple[str, ...], tmp_path: Path
) -> None:
    objects = put_together(tmp_path, overlay, *components)
    assert list(problems(objects)) == []
    for one in objects:
        if one["kind"] not in CLUSTER_WIDE:
            assert one["metadata"]["namespace"] == "pocketwatcher", one["metadata"]["name"]


def test_local_becomes_prod_and_prod_keda_by_apply_alone() -> None:
    way = ("overlays/local", "overlays/prod", "overlays/keda")
    assert list(immutable_problems({one: rendered(one) for one in way})) == []


@pytest.mark.parametrize("overlay", ["overlays/local", "overlays/prod", "site.example"])
def test_deleting_an_overlay_deletes_no_namespace_and_no_volume(overlay: str) -> None:
    objects = rendered(overlay)
    assert not {one["kind"] for one in objects} & {"Namespace", "PersistentVolumeClaim"}
    stored = [one for one in objects if one["kind"] == "StatefulSet"]
    assert {one["metadata"]["name"] for one in stored} == {"nats", "history"}
    for one in stored:
        kept = one["spec"]["persistentVolumeClaimRetentionPolicy"]
        assert kept == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_the_namespace_enforces_restricted_pods() -> None:
    own = yaml.safe_load((ROOT / "k8s/namespace.yaml").read_text())
    assert own["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_a_site_names_every_image_that_is_applied() -> None:
    site = yaml.safe_load((ROOT / "k8s/site.example/kustomization.yaml").read_text())
    ours = {one["name"] for one in site["images"]}
    used = {
        container["image"].split(":")[0]
        for overlay in ("overlays/prod", "overlays/keda", "overlays/local")
        for one in rendered(overlay)
        if one["kind"] in {"Deployment", "StatefulSet"}
        for container in one["spec"]["template"]["spec"]["containers"]
    }
    assert ours == used
    assert len({one["newTag"] for one in site["images"]}) == 1
