"""Keep rooms small: warn above 300 lines of a Python file, fail above 400.

Generated code and tables (program layouts, metrics) may be long; logic may not.
"""

from __future__ import annotations

import sys

from check_hosts import ROOT, tracked

LINES_WARN = 300
LINES_MAX = 400

GENERATED = ("libs/geyser_proto/src/",)
TABLES = frozenset(
    {
        "libs/common/src/pw_common/service/metrics.py",
        "libs/common/src/pw_common/topology/streams.py",
        "services/parser/src/pw_parser/core/decode/programs.py",
    }
)


def main() -> int:
    too_long = 0
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix != ".py" or name.startswith(GENERATED) or not path.is_file():
            continue
        lines = len(path.read_text().splitlines())
        if name in TABLES or lines <= LINES_WARN:
            continue
        if lines > LINES_MAX:
            too_long += 1
            sys.stderr.write(f"{name}: {lines} lines, allowed are {LINES_MAX}: split it\n")
        else:
            print(f"{name}: {lines} lines, more than {LINES_WARN}: consider a split")
    if not too_long:
        print("sizes: no file too long")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
