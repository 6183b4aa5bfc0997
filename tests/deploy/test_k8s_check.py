"""What k8s-check refuses: each rule once broken, in a copy of the rendered base."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

Objects = list[dict[str, Any]]


@pytest.fixture(scope="module")
def rendered() -> dict[str, Objects]:
    from k8s_check import OVERLAYS, render

    return {name: render(name) for name in OVERLAYS}


def find(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))


@pytest.mark.parametrize("overlay", ["base", "overlays/local", "overlays/prod", "overlays/keda"])
def test_every_overlay_is_sound(rendered: dict[str, Objects], overlay: str) -> None:
    from k8s_check import problems

    assert list(problems(rendered[overlay])) == []


def misspelt_field(objects: Objects) -> None:
    find(objects, "Deployment", "parser")["spec"]["minReadySecond"] = 1


def unknown_kind(objects: Objects) -> None:
    objects.append({"apiVersion": "x/v1", "kind": "Gadget", "metadata": {"name": "x"}})


def replicas_beside_the_hpa(objects: Objects) -> None:
    find(objects, "Deployment", "parser")["spec"]["replicas"] = 2


def hpa_without_target(objects: Objects) -> None:
    hpa = find(objects, "HorizontalPodAutoscaler", "parser")
    hpa["spec"]["scaleTargetRef"]["name"] = "nobody"


def misspelt_metric_type(objects: Objects) -> None:
    hpa = find(objects, "HorizontalPodAutoscaler", "parser")
    hpa["spec"]["metrics"][0]["type"] = "Extrenal"


def no_average_value(objects: Objects) -> None:
    hpa = find(objects, "HorizontalPodAutoscaler", "parser")
    del hpa["spec"]["metrics"][0]["external"]["target"]["averageValue"]


def another_lag_target(objects: Objects) -> None:
    hpa = find(objects, "HorizontalPodAutoscaler", "parser")
    hpa["spec"]["metrics"][0]["external"]["target"]["averageValue"] = "500"


def another_maximum(objects: Objects) -> None:
    find(objects, "HorizontalPodAutoscaler", "parser")["spec"]["maxReplicas"] = 32


def another_consumer(objects: Objects) -> None:
    hpa = find(objects, "HorizontalPodAutoscaler", "parser")
    labels = hpa["spec"]["metrics"][0]["external"]["metric"]["selector"]["matchLabels"]
    labels["consumer"] = "detector"


def service_without_pods(objects: Objects) -> None:
    find(objects, "Service", "api")["spec"]["selector"]["app.kubernetes.io/name"] = "nobody"


def budget_without_pods(objects: Objects) -> None:
    budget = find(objects, "PodDisruptionBudget", "parser")
    budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] = "nobody"


def mount_without_volume(objects: Objects) -> None:
    pod = find(objects, "Deployment", "parser")["spec"]["template"]["spec"]
    pod["containers"][0]["volumeMounts"].append({"name": "gone", "mountPath": "/gone"})


def runs_as_root(objects: Objects) -> None:
    pod = find(objects, "Deployment", "parser")["spec"]["template"]["spec"]
    pod["securityContext"]["runAsUser"] = 0


BROKEN: list[tuple[Callable[[Objects], None], str]] = [
    (misspelt_field, "minReadySecond"),
    (unknown_kind, "no schema"),
    (replicas_beside_the_hpa, "sets replicas"),
    (hpa_without_target, "no Deployment nobody"),
    (misspelt_metric_type, "Extrenal"),
    (no_average_value, "allowed: one of"),
    (another_lag_target, "PARSER_LAG_TARGET"),
    (another_maximum, "PARSER_REPLICAS_MAX"),
    (another_consumer, "no consumer of ours"),
    (service_without_pods, "selects no pods"),
    (budget_without_pods, "selects no pods"),
    (mount_without_volume, "no volume"),
    (runs_as_root, "runs as root"),
]


@pytest.mark.parametrize(("breaks", "said"), BROKEN, ids=[one.__name__ for one, _ in BROKEN])
def test_what_is_broken_is_said(
    rendered: dict[str, Objects], breaks: Callable[[Objects], None], said: str
) -> None:
    from k8s_check import problems

    objects = copy.deepcopy(rendered["base"])
    breaks(objects)
    assert any(said in line for line in problems(objects)), list(problems(objects))


def beside_an_hpa(objects: Objects) -> None:
    objects.append(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "second"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "parser"},
                "maxReplicas": 2,
                "metrics": [],
            },
        }
    )


def without_fallback(objects: Objects) -> None:
    del find(objects, "ScaledObject", "parser")["spec"]["fallback"]


def misspelt_in_the_scaled_object(objects: Objects) -> None:
    find(objects, "ScaledObject", "parser")["spec"]["pollInterval"] = 5


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (beside_an_hpa, "stands beside it"),
        (without_fallback, "no fallback"),
        (misspelt_in_the_scaled_object, "pollInterval"),
    ],
)
def test_the_keda_overlay_has_one_autoscaler_with_a_fallback(
    rendered: dict[str, Objects], breaks: Callable[[Objects], None], said: str
) -> None:
    from k8s_check import problems

    objects = copy.deepcopy(rendered["overlays/keda"])
    breaks(objects)
    assert any(said in line for line in problems(objects)), list(problems(objects))
