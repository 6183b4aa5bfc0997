"""k8s/uninstall.sh, run with a kubectl that only notes what it is asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from support.composed import ROOT

API = "v1beta1.external.metrics.k8s.io"
OURS = "pocketwatcher/lag-adapter"
KUBECTL = """#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
"get apiservice"*) printf %s "$SERVES" ;;
kustomize*) printf 'kind: APIService\\n' ;;
*"$FAILS"*) [ -z "$FAILS" ] || exit 1 ;;
esac
"""


class Run:
    """One run: its exit code, what it printed, and what it asked kubectl, in order."""

    def __init__(self, folder: Path, *arguments: str, serves: str = OURS, fails: str = "") -> None:
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        kubectl = bin_folder / "kubectl"
        kubectl.write_text(KUBECTL)
        kubectl.chmod(0o755)
        asked = folder / "asked"
        asked.touch()
        done = subprocess.run(
            ["/bin/sh", "k8s/uninstall.sh", *arguments],
            cwd=ROOT,
            env={
                "PATH": f"{bin_folder}:{os.environ['PATH']}",
                "ASKED": str(asked),
                "SERVES": serves,
                "FAILS": fails,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.asked = asked.read_text().splitlines()

    @property
    def changed(self) -> list[str]:
        return [line for line in self.asked if line.split()[0] not in {"get", "kustomize"}]


def test_the_api_service_goes_before_what_serves_it(tmp_path: Path) -> None:
    one = Run(tmp_path, "k8s/overlays/prod")
    assert one.code == 0, one.err
    first, then = one.changed
    assert first.startswith(f"delete apiservice {API}")
    assert then.startswith("delete -k k8s/overlays/prod")


def test_without_data_neither_volumes_nor_the_namespace_go(tmp_path: Path) -> None:
    one = Run(tmp_path, "k8s/overlays/prod")
    text = "\n".join(one.changed)
    assert "namespace" not in text
    assert "persistentvolumeclaim" not in text
    assert "kept: namespace pocketwatcher" in one.out


def test_with_data_the_namespace_goes_last(tmp_path: Path) -> None:
    one = Run(tmp_path, "--data", "k8s/overlays/prod")
    assert one.code == 0, one.err
    assert one.changed[0].startswith("delete apiservice")
    assert "delete persistentvolumeclaim -l app.kubernetes.io/name=nats" in one.changed[-2]
    assert one.changed[-1].startswith("delete namespace pocketwatcher")


def test_a_dry_run_prints_the_same_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "dry").mkdir()
    (tmp_path / "wet").mkdir()
    dry = Run(tmp_path / "dry", "--dry-run", "--data", "k8s/overlays/prod")
    wet = Run(tmp_path / "wet", "--data", "k8s/overlays/prod")
    assert dry.changed == []
    assert dry.code == 0
    assert dry.out == wet.out
    assert [line.removeprefix("+ kubectl ") for line in dry.out.splitlines()] == wet.changed


def test_a_provider_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    one = Run(tmp_path, "k8s/overlays/prod", serves="keda/keda-operator-metrics-apiserver")
    assert one.changed == []
    assert one.code == 65
    assert "name an overlay without components/lag-adapter" in one.err


def test_a_step_that_fails_ends_it_before_the_next(tmp_path: Path) -> None:
    one = Run(tmp_path, "--data", "k8s/overlays/prod", fails="delete apiservice")
    assert one.code != 0
    assert len(one.changed) == 1


@pytest.mark.parametrize("arguments", [("k8s/nowhere",), ("--dta",), ("k8s/base", "k8s/base")])
def test_what_it_does_not_understand_changes_nothing(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    one = Run(tmp_path, *arguments)
    assert one.code != 0
    assert one.asked == []
    assert one.err


def test_it_names_what_the_manifests_have() -> None:
    text = (ROOT / "k8s/uninstall.sh").read_text()
    components = ROOT / "k8s/components/lag-adapter"
    api, *_ = yaml.safe_load_all((components / "api.yaml").read_text())
    service = api["spec"]["service"]
    assert f"api={api['metadata']['name']}" in text
    assert f"{service['namespace']}/{service['name']}" == OURS
    assert f"namespace=${{PW_NAMESPACE:-{service['namespace']}}}" in text
