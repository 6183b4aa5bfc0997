"""Keep rooms small: files, functions, constructors and folders have a most; fail above it.

Generated code and tables (program layouts, metrics) may be long; logic may not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from check_hosts import ROOT, tracked
from measures import Module, folders, measure

LINES_WARN = 300
LINES_MAX = 400
FUNCTION_LINES_MAX = 60
CONSTRUCTOR_PARAMETERS_MAX = 7
FOLDER_FILES_MAX = 12

GENERATED = ("libs/geyser_proto/src/",)
TABLES = frozenset(
    {
        "libs/common/src/pw_common/service/metrics.py",
        "libs/common/src/pw_common/topology/streams.py",
        "services/parser/src/pw_parser/core/decode/programs.py",
    }
)


def problems(read: Sequence[Module]) -> Iterator[str]:
    """What is larger than allowed, in words, with what to do."""
    for module in read:
        if module.path not in TABLES and module.lines > LINES_MAX:
            yield f"{module.path}: {module.lines} lines, allowed are {LINES_MAX}: split it"
        if "/src/" not in module.path:
            continue
        for one in module.functions:
            if one.lines > FUNCTION_LINES_MAX:
                yield f"{one.where}: {one.lines} lines, allowed are {FUNCTION_LINES_MAX}: split it"
            if one.is_constructor and one.parameters > CONSTRUCTOR_PARAMETERS_MAX:
                most = f"allowed are {CONSTRUCTOR_PARAMETERS_MAX}: group what belongs together"
                yield f"{one.where}: {one.parameters} parameters, {most}"
    shipped = (module.path for module in read if "/src/" in module.path)
    for folder, files in sorted(folders(shipped).items()):
        if files > FOLDER_FILES_MAX:
            yield f"{folder}: {files} files, allowed are {FOLDER_FILES_MAX}: make rooms in it"


def main() -> int:
    read = []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and not name.startswith(GENERATED) and path.is_file():
            read.append(measure(name, path.read_text()))
    found = list(problems(read))
    for line in found:
        sys.stderr.write(f"{line}\n")
    for module in read:
        if module.path not in TABLES and LINES_WARN < module.lines <= LINES_MAX:
            print(f"{module.path}: {module.lines} lines, more than {LINES_WARN}: consider a split")
    if not found:
        print("sizes: nothing too large")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
