"""What can be measured of the code by reading it: rooms, functions, docstrings, imports. Pure."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Measured:
    """A function or method: where it stands, its lines, and what it is called with."""

    where: str
    lines: int
    parameters: int
    is_constructor: bool


@dataclass
class Module:
    """One file. `imports` are dotted names of our own packages."""

    path: str
    lines: int
    functions: list[Measured] = field(default_factory=list)
    public: int = 0
    documented: int = 0
    imports: set[str] = field(default_factory=set)


def measure(path: str, source: str) -> Module:
    """Read one file.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(source)
    found = Module(path, len(source.splitlines()), imports=set(_imports(tree)))
    found.public, found.documented = 1, int(ast.get_docstring(tree) is not None)
    for owner, node in _definitions(tree):
        name = f"{owner}.{node.name}" if owner else node.name
        if not isinstance(node, ast.ClassDef):
            found.functions.append(_function(f"{path}:{node.lineno} {name}", node))
        if not node.name.startswith("_") and not owner.startswith("_"):
            found.public += 1
            found.documented += ast.get_docstring(node) is not None
    return found


def _definitions(tree: ast.Module) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Functions and classes of a module and of its classes; what is inside functions is theirs."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield "", node
        elif isinstance(node, ast.ClassDef):
            yield "", node
            for one in node.body:
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node.name, one


def _function(where: str, node: Function) -> Measured:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    names = [one.arg for one in given if one.arg not in {"self", "cls"}]
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    return Measured(where, lines, len(names), node.name == "__init__")


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def folders(paths: Iterable[str]) -> Counter[str]:
    """How many Python files each folder holds itself."""
    return Counter(str(PurePosixPath(one).parent) for one in paths)


def percentile(values: list[int], share: float) -> int:
    """The value that `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0
