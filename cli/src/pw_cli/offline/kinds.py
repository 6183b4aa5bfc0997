"""What a file is, by its name alone.

| by its name                                            | what it is          |
| ------------------------------------------------------ | ------------------- |
| `*.pb`, `*.pb.gz`, `*.pb.zst`                          | a capture           |
| `*.jsonl`, `*.ndjson`, `*.json`; plain, `.gz`, `.zst`  | typed lines         |
| `*.parquet`, a `manifest.json`, a folder               | history's Parquet   |
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Final

from pw_cli.offline.bad_input import BadInput
from pw_cli.parquet.places import is_parquet
from pw_common.wire.captures import SUFFIXES

LINES: Final = (".jsonl", ".ndjson", ".json")
COMPRESSED: Final = ("", ".gz", ".zst")
HELP: Final = (
    "captures (.pb, .pb.gz, .pb.zst); or typed lines: a swap.v1, slot.v1, token.v1 or other event "
    "a line (.jsonl, .ndjson, .json, plain, .gz or .zst), sorted by slot; or history's Parquet "
    "(files or a folder)"
)
_ENDINGS: Final = tuple(one + more for one in LINES for more in COMPRESSED)


class Kind(Enum):
    """What a command can read, in a person's words."""

    CAPTURES = "captures"
    LINES = "typed lines"
    PARQUET = "Parquet"


def kind_of(path: Path) -> Kind:
    """Which kind a path is. Raises BadInput."""
    if is_parquet(path):
        return Kind.PARQUET
    if path.name.endswith(SUFFIXES):
        return Kind.CAPTURES
    if path.name.endswith(_ENDINGS):
        return Kind.LINES
    raise BadInput(f"{path}: unknown by its name; allowed: {HELP}")
