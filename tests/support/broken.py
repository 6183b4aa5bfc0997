"""Rendered overlays with one thing broken, and what k8s-check says of it."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any, NamedTuple

from k8s_check import problems, render

Objects = list[dict[str, Any]]
GONE = object()


class Broken(NamedTuple):
    """One value set, added to a list (path ends in `+`) or taken away, and what is then said."""

    what: tuple[str, str]
    path: str
    value: Any
    said: str
    overlay: str = "base"


@cache
def rendered(overlay: str) -> Objects:
    return render(overlay)


def names(cases: list[Broken]) -> list[str]:
    """Ids for a table of cases."""
    return [f"{case.what[1]}-{case.path or 'object'}-{at}" for at, case in enumerate(cases)]


def assert_said(case: Broken) -> None:
    found = said_of(case)
    assert any(case.said in line for line in found), found


def said_of(case: Broken) -> list[str]:
    """Everything that is said of the broken overlay."""
    objects = copy.deepcopy(rendered(case.overlay))
    kind, name = case.what
    target: Any = next(o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name))
    if case.path == "":
        objects.remove(target)
    else:
        *way, last = case.path.split(".")
        for step in way:
            target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
        place: Any = int(last) if last.isdigit() else last
        if last == "+":
            target.append(case.value)
        elif case.value is GONE:
            del target[place]
        else:
            target[place] = case.value
    return list(problems(objects))
