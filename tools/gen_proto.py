"""Generate `pw_geyser` from `proto/`; `--check` fails when the committed code differs.

protoc writes top-level imports (`import geyser_pb2`), which do not resolve inside a
package, so they are rewritten to relative ones.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
OUTPUT = ROOT / "libs/geyser_proto/src/pw_geyser"
IMPORT = re.compile(r"^import (\w+_pb2)( as \w+)?$", re.MULTILINE)


def generate(into: Path) -> dict[str, str]:
    """Run protoc over every file of `proto/`; return name -> generated text."""
    well_known = str(resources.files("grpc_tools") / "_proto")
    names = sorted(path.name for path in PROTO.glob("*.proto"))
    args = [
        "protoc",
        f"-I{PROTO}",
        f"-I{well_known}",
        f"--python_out={into}",
        f"--pyi_out={into}",
        f"--grpc_python_out={into}",
        *names,
    ]
    if protoc.main(args) != 0:
        sys.exit(1)
    written = {}
    for path in sorted(into.iterdir()):
        if path.name.endswith("_grpc.py") and not path.name.startswith("geyser"):
            continue
        written[path.name] = IMPORT.sub(r"from . import \1\2", path.read_text())
    return written


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on drift")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        fresh = generate(Path(folder))
    stale = []
    for name, text in fresh.items():
        path = OUTPUT / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text)
    if stale and check:
        sys.stderr.write(f"generated code differs from proto/: {stale}; run `make proto`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
