"""`make shape`: the house in numbers: packages, who imports whom, rooms, functions, docstrings."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from check_hosts import ROOT, tracked
from check_size import GENERATED, TABLES
from measures import Measured, Module, folders, measure, percentile


def modules() -> list[Module]:
    """Every module of what we ship, but what is generated."""
    found = []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and "/src/" in name and not name.startswith(GENERATED):
            found.append(measure(name, path.read_text()))
    return found


def package_of(path: str) -> str:
    """`services/parser/src/pw_parser/core/x.py` -> `pw_parser`."""
    return path.partition("/src/")[2].partition("/")[0]


def longest(functions: list[Measured]) -> Measured:
    """The function with most lines."""
    return max(functions, key=lambda one: one.lines)


def shape(read: list[Module]) -> dict[str, Any]:
    """The figures, by name."""
    functions = [one for module in read for one in module.functions]
    lines = [one.lines for one in functions]
    rooms = folders(module.path for module in read)
    fullest, files = rooms.most_common(1)[0]
    logic = [module for module in read if module.path not in TABLES]
    file = max(logic, key=lambda one: one.lines)
    function = longest(functions)
    constructor = max((one for one in functions if one.is_constructor), key=lambda o: o.parameters)
    public = sum(module.public for module in read)
    documented = sum(module.documented for module in read)
    return {
        "files": len(read),
        "lines": sum(module.lines for module in read),
        "fullest_folder": f"{fullest}: {files} files",
        "longest_file": f"{file.path}: {file.lines} lines",
        "functions": len(functions),
        "function_lines_median": percentile(lines, 0.5),
        "function_lines_p95": percentile(lines, 0.95),
        "longest_function": f"{function.where}: {function.lines} lines",
        "constructor_parameters_max": f"{constructor.where}: {constructor.parameters}",
        "public_names": public,
        "documented_percent": round(100 * documented / public, 1),
    }


def imports(read: list[Module]) -> dict[str, list[str]]:
    """Which of our packages each package imports."""
    ours = {package_of(module.path) for module in read} | {"pw_geyser"}
    found: dict[str, set[str]] = defaultdict(set)
    for module in read:
        own = package_of(module.path)
        found[own] |= {one.partition(".")[0] for one in module.imports} & ours - {own}
    return {name: sorted(found[name]) for name in sorted(found)}


def branch_coverage(path: Path) -> float | None:
    """What the last `make coverage` measured, in percent; None where it did not run."""
    if not path.is_file():
        return None
    return round(float(json.loads(path.read_text())["totals"]["percent_covered"]), 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make shape", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    args = parser.parse_args()
    read = modules()
    figures = shape(read)
    figures["branch_coverage_percent"] = branch_coverage(ROOT / "coverage.json")
    graph = imports(read)
    if args.json:
        sys.stdout.write(json.dumps({**figures, "imports": graph}, indent=2) + "\n")
        return 0
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):28} {'not measured' if value is None else value}")
    print("\nwho imports whom")
    for name, others in graph.items():
        print(f"  {name:16} {' '.join(others) or '-'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
