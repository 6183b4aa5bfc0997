"""No service is shipped with less memory than it was seen to hold, and a quarter more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pw_cli.capacity.peaks import HEADROOM, PEAKS

ROOT = Path(__file__).parents[2]
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


def size(text: str) -> int:
    """What `256M`, `1G`, `128Mi` and `1Gi` are: both tools count in powers of two here."""
    found = re.fullmatch(r"(\d+)([KMG])i?B?", str(text))
    assert found, text
    return int(found[1]) * UNITS[found[2]]


def compose_limits() -> dict[str, int]:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return {
        name: size(one["deploy"]["resources"]["limits"]["memory"])
        for name, one in services.items()
        if name in PEAKS
    }


def containers() -> dict[str, dict[str, Any]]:
    """Each container of our manifests by its name, with what it asks for."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((ROOT / "k8s").rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if not isinstance(document, dict):
                continue
            template = document.get("spec", {}) or {}
            template = template.get("template", {}) if isinstance(template, dict) else {}
            for one in (template.get("spec") or {}).get("containers", []):
                if "resources" in one:
                    found[one["name"]] = one["resources"]
    return found


def named(name: str) -> str:
    """The container's name in the table."""
    return {"adapter": "lag-adapter", "lag_adapter": "lag-adapter"}.get(name, name)


@pytest.mark.parametrize("name", sorted(compose_limits()))
def test_a_limit_of_compose_leaves_room_above_the_measured_peak(name: str) -> None:
    assert compose_limits()[name] >= HEADROOM * PEAKS[name].mib * 2**20


@pytest.mark.parametrize("name", sorted(containers()))
def test_a_limit_of_a_pod_leaves_room_above_the_measured_peak(name: str) -> None:
    limit = size(containers()[name]["limits"]["memory"])
    assert limit >= HEADROOM * PEAKS[named(name)].mib * 2**20


def test_every_service_with_a_limit_has_a_measured_peak() -> None:
    assert {"ingest", "parser", "detector", "notifier", "api"} <= compose_limits().keys()
    assert {named(name) for name in containers()} == PEAKS.keys()


def test_the_detector_asks_for_what_it_comes_to_hold() -> None:
    assert size(containers()["detector"]["requests"]["memory"]) >= PEAKS["detector"].mib * 2**20
