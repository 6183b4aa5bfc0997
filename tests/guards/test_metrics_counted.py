"""Every declared metric is counted, set or observed in code that its services run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from pw_common.service.metrics import ALL, METRICS, Metric

ROOT: Final = Path(__file__).parents[2]
DECLARED_IN: Final = "pw_common.service.metrics"
COUNTS: Final = frozenset({"count", "set", "observe"})
SERVICES: Final = sorted(one.parent.name for one in ROOT.glob("services/*/pyproject.toml"))


def module_of(path: Path) -> str:
    parts = path.relative_to(path.parents[path.parts[::-1].index("src") - 1]).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> Mapping[str, ast.Module]:
    files = (*ROOT.glob("libs/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py"))
    return {module_of(one): ast.parse(one.read_bytes()) for one in files}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


@cache
def run_by(service: str) -> frozenset[str]:
    """The modules that a service's process imports."""
    every = modules()
    seen: set[str] = set()
    left = [f"pw_{service}.main", f"pw_{service}.__main__"]
    while left:
        if (name := left.pop()) in every and name not in seen:
            seen.add(name)
            left += imported(every[name])
    return frozenset(seen)


@cache
def counted_in(module: str) -> frozenset[str]:
    """The words that a module counts by, or may: where a variable names one, all that it has."""
    words: set[str] = set()
    for node in ast.walk(modules()[module]):
        name = named_by(node)
        if isinstance(name, ast.Name | ast.Attribute | ast.Subscript):
            return frozenset(texts(modules()[module]))
        words.update(texts(name) if name is not None else ())
    return frozenset(words)


def named_by(node: ast.AST) -> ast.expr | None:
    """What a call counts or sets: `metrics.count(THIS)`, `partial(metrics.count, THIS)`."""
    if not isinstance(node, ast.Call):
        return None
    for at, one in enumerate([node.func, *node.args[:1]]):
        if isinstance(one, ast.Attribute) and one.attr in COUNTS:
            return node.args[at] if len(node.args) > at else None
    return None


def texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def is_counted(metric: Metric, service: str) -> bool:
    run = run_by(service) - {DECLARED_IN}
    return metric.name in texts_of_methods() or any(metric.name in counted_in(one) for one in run)


@cache
def texts_of_methods() -> frozenset[str]:
    """What the class of metrics counts itself."""
    tree = modules()[DECLARED_IN]
    return frozenset(
        word for node in tree.body if isinstance(node, ast.ClassDef) for word in texts(node)
    )


def uncounted(metrics: tuple[Metric, ...]) -> list[str]:
    return [
        f"{metric.name} of {service}"
        for metric in metrics
        for service in (SERVICES if metric.services == ALL else metric.services)
        if not is_counted(metric, service)
    ]


def test_each_metric_is_counted_by_each_service_that_declares_it() -> None:
    assert uncounted(METRICS) == []


@pytest.mark.parametrize(
    "planted",
    [
        Metric("pw_parser_forgotten_total", "counter", ("parser",), "Never counted."),
        # Read by the notifier, counted by the detector.
        Metric("pw_detector_late_total", "counter", ("notifier",), "Of another service."),
    ],
)
def test_a_metric_that_nothing_counts_is_found(planted: Metric) -> None:
    assert uncounted((*METRICS, planted)) == [f"{planted.name} of {planted.services[0]}"]
