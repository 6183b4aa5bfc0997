"""No service is shipped with less memory than it was seen to hold, and a quarter more."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from declared_services import Service, declared
from k8s_rules_pods import MEASURED_PEAK_MIB

from support.composed import ROOT, compose

# A limit is at least this many times the peak.
HEADROOM = 1.25
UNITS_MIB = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "M": 1, "G": 1024}
each = pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)


def mib(text: str) -> float:
    """What `256M` and `1Gi` are: both tools count in powers of two here."""
    digits = text.rstrip("KMGi")
    return float(digits) * UNITS_MIB[text.removeprefix(digits)]


def containers() -> dict[str, dict[str, Any]]:
    """Each container of our manifests by its name, with what it asks for."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((ROOT / "k8s").rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            spec = (document.get("spec") or {}) if isinstance(document, dict) else {}
            template = spec.get("template", {}) if isinstance(spec, dict) else {}
            for one in (template.get("spec") or {}).get("containers", []):
                if "resources" in one:
                    found[one["name"]] = one["resources"]
    return found


@each
def test_a_limit_leaves_room_above_the_measured_peak(one: Service) -> None:
    assert one.memory_mib >= HEADROOM * one.peak_mib


def test_the_brokers_limits_leave_room_above_its_measured_peak() -> None:
    needed = HEADROOM * MEASURED_PEAK_MIB["nats"]
    limits = compose()["services"]["nats"]["deploy"]["resources"]["limits"]
    assert mib(limits["memory"]) >= needed
    assert mib(containers()["nats"]["limits"]["memory"]) >= needed


def test_every_container_of_kubernetes_has_a_measured_peak_and_asks_for_it() -> None:
    assert set(containers()) == {"nats"} | {one.dashed for one in declared() if one.manifest}
    for name, asked in containers().items():
        assert mib(asked["requests"]["memory"]) >= MEASURED_PEAK_MIB[name], name
