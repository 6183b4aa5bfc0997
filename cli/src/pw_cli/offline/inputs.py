"""What `pw backtest` and `pw why` are given: captures, typed lines or Parquet; one kind at a time.

| by its name                             | what it is                                          |
| --------------------------------------- | --------------------------------------------------- |
| `*.pb`, `*.pb.gz`, `*.pb.zst`           | a capture: each but the first begins a new session  |
| `*.jsonl`, `*.ndjson`, `*.json`, each   | typed lines: files of one stream, put together by   |
| plain, `.gz` or `.zst`                  | slot                                                |
| `*.parquet`, a `manifest.json`, a       | history's Parquet                                   |
| folder                                  |                                                     |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pw_cli.commands.captures.parse import in_chain_order
from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.event_slots import Say, slots_of
from pw_cli.offline.line_order import merged
from pw_cli.offline.lines import are_lines
from pw_cli.offline.offline import closed_slots
from pw_cli.parquet.places import files_of, is_parquet
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.captures import SUFFIXES
from pw_parser.core.decode.programs import Programs

HELP: Final = (
    "captures (.pb, .pb.gz, .pb.zst); or typed lines, one swap.v1, slot.v1, token.v1 … a line "
    "(.jsonl, .ndjson, .json, plain, .gz or .zst), sorted by slot; or history's Parquet (files, "
    "or a folder)"
)


def closed_slots_of(paths: Sequence[Path], programs: Programs, say: Say) -> Iterator[ClosedSlot]:
    """Every slot of these files, in order.

    Args:
        programs: What captures are parsed with; the others are parsed already.
        say: Told what is left out, or assumed.

    Raises:
        BadCapture, BadInput: a file that cannot be read, or whose content cannot be used.
    """
    kinds = {_kind_of(path) for path in paths}
    if len(kinds) > 1:
        raise BadInput(f"{', '.join(sorted(kinds))} at once; allowed: one kind at a time")
    return _READERS[kinds.pop()](paths, programs, say)


def _captures(paths: Sequence[Path], programs: Programs, _say: Say) -> Iterator[ClosedSlot]:
    yield from closed_slots(in_chain_order(list(paths)), lambda _slot: programs)


def _lines(paths: Sequence[Path], _programs: Programs, say: Say) -> Iterator[ClosedSlot]:
    yield from slots_of(merged(paths), say)


def _parquet(paths: Sequence[Path], _programs: Programs, say: Say) -> Iterator[ClosedSlot]:
    # DuckDB takes a while to load, and only this needs it.
    from pw_cli.parquet.swap_rows import events_of  # noqa: PLC0415

    yield from slots_of(events_of(files_of(paths)), say)


_READERS: Final[dict[str, Callable[[Sequence[Path], Programs, Say], Iterator[ClosedSlot]]]] = {
    "captures": _captures,
    "Parquet": _parquet,
    "typed lines": _lines,
}


def _kind_of(path: Path) -> str:
    if is_parquet(path):
        return "Parquet"
    if path.name.endswith(SUFFIXES):
        return "captures"
    if are_lines(path):
        return "typed lines"
    raise BadInput(f"{path}: unknown by its name; allowed: {HELP}")
