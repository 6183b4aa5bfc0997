"""Every cancel is followed up by `end_tasks`, which knows that one is not always enough."""

from __future__ import annotations

import ast

from support.composed import ROOT

# The one place that may.
SHARED = "libs/common/src/pw_common/process/tasks.py"


def gathers_of_cancelled(text: str) -> list[int]:
    """Lines that wait for tasks whatever becomes of them: the shape of cancel-and-gather."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "gather"
        and any(keyword.arg == "return_exceptions" for keyword in node.keywords)
    ]


def test_nothing_waits_for_a_cancelled_task_without_a_bound() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for top in ("libs", "services", "cli", "clients")
        for path in sorted((ROOT / top).rglob("src/**/*.py"))
        if str(path.relative_to(ROOT)) != SHARED
        for line in gathers_of_cancelled(path.read_text())
    ]
    assert found == []


def test_the_shape_is_recognised() -> None:
    text = "task.cancel()\nawait asyncio.gather(task, return_exceptions=True)\n"
    assert gathers_of_cancelled(text) == [2]
