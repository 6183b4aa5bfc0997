"""Documents are true where that can be compared: paths, modules, commands, settings, rooms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from gen_env import variables
from workspace import members

from pw_cli.main import COMMANDS
from pw_common.wire.alerts import AlertKind
from pw_health.condition import MODES

ROOT = Path(__file__).resolve().parents[2]
TOPS = (
    "bench", "benchmark", "cli", "clients", "dashboard", "deploy", "docs", "k8s", "libs", "proto",
    "requirements", "schemas", "services", "tests", "tools",
)  # fmt: skip
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "services/*/README.md",
        "libs/*/README.md",
        "clients/*/README.md",
    )
    for path in ROOT.glob(pattern)
    # What was is history: its names were right at the time.
    if path.name != "CHANGELOG.md"
)
# Made by a build, or by whoever follows the runbook.
MADE = (
    "dashboard/dist", "dashboard/node_modules", "k8s/site", "services/api/src/pw_api/site",
)  # fmt: skip
READERS = (
    ".env.example", "compose.yaml", "Makefile", "conftest.py", "tools/*", "k8s/**/*.yaml",
    "deploy/*", "tests/**/*.py", "libs/*/src/**/*.py", "services/*/src/**/*.py", "cli/src/**/*.py",
    "clients/*/src/**/*.py",
)  # fmt: skip
# A setting that more services read is one that every service has.
SHARED_ABOVE = 2
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(rf"(?:{'|'.join(TOPS)})/[\w./*{{}}-]*[\w*]")
MODULE = re.compile(rf"\b(?:{'|'.join(one.module for one in members().values())})(?:\.\w+)+")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def quoted(name: str) -> list[str]:
    return QUOTED.findall(text_of(name))


def is_there(path: str) -> bool:
    if path.startswith(MADE):
        return True
    alike = re.sub(r"\{[^}]*\}", "*", path)
    return any(ROOT.glob(alike)) or any(ROOT.glob(f"{alike}/*"))


def module_is_there(dotted: str) -> bool:
    """A module, a package, or a name in one."""
    top, *rest = dotted.split(".")
    for src in (*ROOT.glob("*/*/src"), *ROOT.glob("*/src")):
        here = src / top
        if not here.is_dir():
            continue
        for at, part in enumerate(rest):
            if (here / part).is_dir():
                here /= part
                continue
            file = here / f"{part}.py"
            if file.is_file():
                return at + 1 == len(rest) or rest[at + 1] in file.read_text()
            return part in (here / "__init__.py").read_text()
        return True
    return False


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_names_is_there(name: str) -> None:
    missing = [path for word in quoted(name) for path in PATH.findall(word) if not is_there(path)]
    missing += [one for one in MODULE.findall(text_of(name)) if not module_is_there(one)]
    folder = (ROOT / name).parent
    missing += [one for one in LINK.findall(text_of(name)) if not (folder / one).exists()]
    assert missing == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_verb_and_command_that_a_document_names_exists(name: str) -> None:
    verbs = set(re.findall(r"^([a-z0-9-]+):", text_of("Makefile"), re.MULTILINE))
    commands = {one.name for one in COMMANDS}
    text = text_of(name)
    asked = set(re.findall(r"`make ([a-z0-9-]+)", text)) | set(
        re.findall(r"^make ([a-z0-9-]+)", text, re.MULTILINE)
    )
    assert asked <= verbs
    assert set(re.findall(r"`pw ([a-z]+)", text)) <= commands


def settings() -> set[str]:
    """Every variable that something of ours reads or is given."""
    found: set[str] = set()
    for pattern in READERS:
        for path in ROOT.glob(pattern):
            if path.is_file():
                found |= set(re.findall(r"\bPW_[A-Z0-9_]+", path.read_text(errors="replace")))
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_setting_that_a_document_names_is_read_somewhere(name: str) -> None:
    named = {one for one in re.findall(r"\bPW_[A-Z0-9_]+", text_of(name)) if not one.endswith("_")}
    assert named <= settings()


def table_rows(name: str, head: str) -> list[str]:
    """First cells of the table that follows `head`."""
    _, _, after = text_of(name).partition(head)
    rows = re.findall(r"^\| `([^`]+)`", after, re.MULTILINE)
    assert rows, head
    return rows


def test_the_architecture_knows_every_service_library_and_command() -> None:
    parts = {
        str(path.parent.relative_to(ROOT))
        for room in ("services", "libs", "clients")
        for path in ROOT.glob(f"{room}/*/pyproject.toml")
    } | {"cli"}
    assert set(table_rows("ARCHITECTURE.md", "| part |")) >= parts
    [row] = re.findall(r"^\| `cli` .*$", text_of("ARCHITECTURE.md"), re.MULTILINE)
    assert set(row.split("`pw ")[1].split("`")[0].split()) == {one.name for one in COMMANDS}


def test_the_architecture_names_the_rooms_of_common_in_the_order_of_their_layers() -> None:
    text = text_of("ARCHITECTURE.md")
    [line] = re.findall(r"^  (text/ .*)$", text, re.MULTILINE)
    rooms = [one.rstrip("/") for one in line.split()]
    contract = re.findall(r'^  "pw_common\.(\w+)",$', text_of("pyproject.toml"), re.MULTILINE)
    assert rooms == contract[::-1]
    common = ROOT / "libs/common/src/pw_common"
    assert set(rooms) == {path.parent.name for path in common.glob("*/__init__.py")}


def test_the_glossary_has_each_word_once_and_every_kind_of_alert_and_mode() -> None:
    words = re.findall(r"^\| ([^|]+?) \|", text_of("GLOSSARY.md"), re.MULTILINE)
    assert sorted(words) == sorted(set(words))
    assert {*get_args(AlertKind), *MODES} - set(quoted("GLOSSARY.md")) == set()


def own_settings(service: str) -> set[str]:
    """What a service reads and not nearly all do."""
    readers: dict[str, set[str]] = {}
    for one in variables():
        readers.setdefault(one.declared.env, set()).update(one.services)
    return {env for env, read in readers.items() if service in read and len(read) <= SHARED_ABOVE}


@pytest.mark.parametrize(
    "service", sorted(path.parent.name for path in ROOT.glob("services/*/README.md"))
)
def test_the_readme_of_a_service_names_all_its_settings(service: str) -> None:
    section = (
        text_of(f"services/{service}/README.md")
        .partition("\n## Settings\n")[2]
        .partition("\n## ")[0]
    )
    named = set(re.findall(r"`(PW_[A-Z0-9_]+\*?)`", section))
    families = tuple(one.removesuffix("*") for one in named if one.endswith("*"))
    missing = own_settings(service) - named
    assert {one for one in missing if not one.startswith(families)} == set()
    # What every service reads is named together, so that none of it can be left out.
    assert "every service" in section


def test_each_service_has_a_readme_of_the_same_shape() -> None:
    for path in ROOT.glob("services/*/pyproject.toml"):
        text = (path.parent / "README.md").read_text()
        found = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert found[:3] == ["Takes and gives", "Settings", "When something fails"], path.parent
