"""The workspace as its pyproject files tell it: members, and who needs what."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Member:
    """One distribution of the workspace. `module` is its import name."""

    name: str
    module: str
    folder: Path
    dependencies: tuple[str, ...]


def members() -> dict[str, Member]:
    """Every member by distribution name, libraries first."""
    rooms = [ROOT / one for one in ("libs", "services", "clients")]
    folders = [*(folder for room in rooms for folder in room.iterdir()), ROOT / "cli"]
    found = {}
    for folder in sorted(folders, key=lambda one: (one.parent.name != "libs", one.name)):
        declared = folder / "pyproject.toml"
        if not declared.is_file():
            continue
        project = tomllib.loads(declared.read_text())["project"]
        found[project["name"]] = Member(
            name=project["name"],
            module=_module(folder),
            folder=folder,
            dependencies=tuple(project.get("dependencies", ())),
        )
    return found


def _module(folder: Path) -> str:
    """The one package of a member, which need not be called as its distribution is."""
    [found] = folder.glob("src/*/__init__.py")
    return found.parent.name


def services() -> list[Member]:
    """The members under `services/`, by name."""
    return [one for one in members().values() if one.folder.parent.name == "services"]


def dependency_group(name: str) -> list[str]:
    """A dependency group of the root pyproject."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return list(root["dependency-groups"][name])


def own(member: Member, workspace: dict[str, Member]) -> list[Member]:
    """The workspace members that `member` needs, transitively, without itself."""
    seen: dict[str, Member] = {}
    todo = [member]
    while todo:
        for one in todo.pop().dependencies:
            name = distribution(one)
            if name in workspace and name not in seen:
                seen[name] = workspace[name]
                todo.append(workspace[name])
    return list(seen.values())


def third_party(member: Member, workspace: dict[str, Member]) -> set[str]:
    """What `member` needs from outside, by way of the members that it needs."""
    return {
        one
        for part in (member, *own(member, workspace))
        for one in part.dependencies
        if distribution(one) not in workspace
    }


def distribution(requirement: str) -> str:
    """`name>=1; marker` -> `name`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return match.group()
