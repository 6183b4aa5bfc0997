"""compose.yaml as Compose reads it: variables filled in, profiles chosen."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from declared_services import declared

from pw_common.service.settings import declared_settings

ROOT = Path(__file__).resolve().parents[2]
DECLARED = {one.name: one for one in declared()}
SERVICES = sorted(DECLARED)
# Built by Compose, and run by it never.
NOT_RUN = {one.name for one in declared() if one.compose == "built"}
# ${NAME} and ${NAME:-default} are all that Compose 1.29 and 2 agree on.
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?::-(?P<default>[^}]*))?\}")

Object = dict[str, Any]


def text() -> str:
    return (ROOT / "compose.yaml").read_text()


def compose(environ: Mapping[str, str] | None = None) -> Object:
    """The file with every variable filled in; empty counts as unset, as it does for `:-`."""
    given = environ or {}

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return VARIABLE.sub(lambda m: given.get(m["name"]) or m["default"] or "", value)
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        return [filled(one) for one in value] if isinstance(value, list) else value

    loaded: Object = filled(yaml.safe_load(text()))
    return loaded


def variables() -> set[str]:
    """Every variable that .env can set."""
    return {match["name"] for match in VARIABLE.finditer(text())}


def running(loaded: Object, *profiles: str) -> Object:
    """The services that `up` starts with these profiles."""
    return {
        name: service
        for name, service in loaded["services"].items()
        if not service.get("profiles") or set(service["profiles"]) & set(profiles)
    }


def lines_of(path: str) -> dict[str, str]:
    """A file of NAME=value lines."""
    lines = (ROOT / path).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def settings_of(service: str) -> set[str]:
    """Every variable that a service declares."""
    module = (
        "config" if (ROOT / f"services/{service}/src/pw_{service}/config.py").is_file() else "main"
    )
    settings = importlib.import_module(f"pw_{service}.{module}").Settings
    return {declared.env for declared, _type in declared_settings(settings)}


def strings(value: Any) -> Iterator[str]:
    """Every string somewhere inside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
