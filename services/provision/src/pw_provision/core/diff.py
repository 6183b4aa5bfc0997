"""What differs between a declaration and the live thing, and what may be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One field: what is declared, what is there."""

    field: str
    declared: Any
    live: Any

    def __str__(self) -> str:
        return f"{self.field}: declared {self.declared!r}, live {self.live!r}"


def differences(declared: Mapping[str, Any], live: Mapping[str, Any]) -> list[Difference]:
    """Fields of the declaration whose live value differs; what only the broker has is ignored.

    The broker leaves zero values out of its answers, so absent equals zero,
    false and empty.
    """
    found = []
    for field, wanted in declared.items():
        have = live.get(field)
        if have == wanted or (not have and not wanted):
            continue
        found.append(Difference(field, wanted, have))
    return found


def refused(found: list[Difference], may_change: frozenset[str]) -> list[Difference]:
    """Those differences that must not be applied to something that holds data."""
    return [one for one in found if one.field not in may_change]
