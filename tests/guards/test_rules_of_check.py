"""`make check` fails on each of its rules when that is broken: in a copy, by its own verbs.

That the same verbs pass on what is whole is shown by test_adding_a_service.py, in a copy too.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import check_size
import pytest
from measures import Module, measure

from support.copied import ROOT, copied, make

TEXT = "libs/common/src/pw_common/text/amounts.py"

pytestmark = pytest.mark.timeout(600)


class Broken(NamedTuple):
    """A line added to a file, the verb that must fail on it, and what that must say."""

    verb: str
    file: str
    line: str
    says: str


BROKEN = {
    "formatting": Broken("format-check", TEXT, "spaced  =  1", "would be reformatted"),
    "lint": Broken("lint", TEXT, "import os", "F401"),
    "wall clock": Broken("lint", TEXT, "import time\n\nnow = time.time()", "TID251"),
    "types": Broken(f"types TYPED={TEXT}", TEXT, 'number: int = "one"', "Incompatible types"),
    "layers": Broken("imports", TEXT, "import pw_common.wire.limits", "only what is below it, and"),
    "services apart": Broken(
        "imports",
        "services/parser/src/pw_parser/config.py",
        "import pw_detector.config",
        "services never each other",
    ),
    "detection's rooms": Broken(
        "imports",
        "libs/detection/src/pw_detection/state/prices.py",
        "import pw_detection.rules.rules",
        "the state knows neither",
    ),
    "nats": Broken(
        "imports", "cli/src/pw_cli/connect/runs.py", "import nats", "only jetstream imports nats"
    ),
    "a clock in a core": Broken(
        "imports",
        "services/ingest/src/pw_ingest/core/sequencing/chain.py",
        "import pw_common.process.clock",
        "cores know no clock",
    ),
    "a network in a core": Broken(
        "imports",
        "services/parser/src/pw_parser/core/trades/swaps.py",
        "import asyncio",
        "cores know no clock",
    ),
    "a clock in the publisher's window": Broken(
        "imports",
        "libs/common/src/pw_common/jetstream/publishing/window.py",
        "import asyncio",
        "knows no clock and no network",
    ),
    "schemas": Broken("drift-gen_schemas", "schemas/swap.v1.json", " ", "swap.v1.json differs"),
    "settings": Broken("drift-gen_env", ".env.example", "# more", ".env.example differs"),
    "metrics": Broken(
        "drift-gen_detection_docs", "docs/metrics.md", "more", "docs/metrics.md differs"
    ),
    "the page's types": Broken(
        "drift-gen_api_types", "dashboard/src/api.ts", "// more", "differs from the API"
    ),
    "the pages": Broken("pages", "dashboard/src/main.tsx", "const = ;", "the pages were NOT built"),
    "services": Broken(
        "drift-gen_services",
        "deploy/nats-rights.conf",
        "# more",
        "nats-rights.conf differs from services.toml",
    ),
    "generated code": Broken(
        "drift-gen_proto",
        "libs/geyser_proto/src/pw_geyser/shallow_pb2.py",
        "# more",
        "differs from proto/",
    ),
    "dead code": Broken(
        "guard-check_dead", TEXT, "def never_called() -> None: ...", "never_called is used nowhere"
    ),
    "undeclared": Broken(
        "guard-check_dependencies",
        TEXT,
        "import rich\n\nprint(rich)",
        "'rich' imported but it is a transitive dependency",
    ),
    "spelling": Broken("spelling", "README.md", "A misp" + "elled word.", "==> misspelled"),
    "hosts": Broken(
        "guard-check_hosts",
        "requirements/dev.txt",
        "--index-url https://host/simple",
        "https://host/simple",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout, with what the checks remember of it."""
    folder = copied(tmp_path_factory.mktemp("copy"))
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    return folder


@contextmanager
def broken(path: Path, line: str) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(before + f"{line}\n".encode())
    try:
        yield
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("rule", sorted(BROKEN))
def test_check_fails_on_a_broken_rule_and_says_which(copy: Path, rule: str) -> None:
    one = BROKEN[rule]
    with broken(copy / one.file, one.line):
        code, said = make(copy, *one.verb.split())
    assert code != 0, said
    assert one.says in " ".join(said.split()), said


def needed(verb: str) -> set[str]:
    """What `make` does for a verb, down to what needs nothing else."""
    database = subprocess.run(
        ["make", "-npq", verb], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    [line] = [one for one in database.splitlines() if one.startswith(f"{verb}:")]
    below = set(line.split(":", 1)[1].split()) - {"setup"}
    return set().union(*map(needed, below)) if below else {verb}


def test_each_verb_of_check_is_broken_here() -> None:
    # What is too large is broken below.
    broken_here = {one.verb.split()[0] for one in BROKEN.values()}
    assert needed("check") == broken_here | {"guard-check_size"}


def module(lines: str, path: str = "libs/x/src/pw_x/room/a.py") -> Module:
    return measure(path, lines)


LONG = "def f():\n" + "    pass\n" * check_size.FUNCTION_LINES_MAX
MANY = ", ".join(f"p{n}" for n in range(check_size.CONSTRUCTOR_PARAMETERS_MAX + 1))


@pytest.mark.parametrize(
    ("modules", "says"),
    [
        ([module("\n" * (check_size.LINES_MAX + 1))], "split it"),
        ([module(LONG)], "split it"),
        ([module(f"class C:\n    def __init__(self, {MANY}):\n        pass\n")], "group what"),
        (
            [module("", f"libs/x/src/pw_x/room/{n}.py") for n in range(13)],
            "room: 13 files",
        ),
    ],
)
def test_what_is_too_large_is_named(modules: list[Module], says: str) -> None:
    [found] = check_size.problems(modules)
    assert says in found


def test_what_is_as_large_as_allowed_is_not() -> None:
    fits = LONG.removesuffix("    pass\n")
    few = MANY.rpartition(",")[0]
    constructor = f"class C:\n    def __init__(self, {few}):\n        pass\n"
    read = [module(fits), module(constructor), module("\n" * check_size.LINES_MAX)]
    assert list(check_size.problems(read)) == []
