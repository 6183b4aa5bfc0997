"""What is taken from outside is matched whole: `match` and `$` let a line end through."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("libs", "services", "clients")
    for path in (ROOT / folder).glob("*/src/**/*.py")
) + sorted((ROOT / "cli/src").glob("**/*.py"))
# A beginning is looked for on purpose, of text that is ours or a single character.
BEGINNINGS = {
    "services/api/src/pw_api/models/bodies.py": "_PATH.match",
    "libs/common/src/pw_common/text/plain_text.py": "_LATER_MARKS.match",
}


def calls(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]


def test_there_are_sources() -> None:
    assert len(SOURCES) > 150


def test_no_pattern_is_asked_for_a_beginning() -> None:
    # Also where it is handed to `map` or `filter`, and not called by its name.
    found = {
        str(path.relative_to(ROOT)): ast.unparse(node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "match"
    }
    assert found == BEGINNINGS


def test_no_pattern_ends_in_a_dollar() -> None:
    patterns = [
        (path.name, call.args[0].value)
        for path in SOURCES
        for call in calls(path)
        if call.func.attr == "compile" and call.args  # type: ignore[attr-defined]
        if isinstance(call.args[0], ast.Constant)
    ]
    assert len(patterns) > 15
    assert [one for one in patterns if str(one[1]).endswith("$")] == []
