"""Captures, typed lines or Parquet as closed slots, by the cores that every stream goes through.

| kind        | sessions                                     | slots                       |
| ----------- | -------------------------------------------- | --------------------------- |
| captures    | each file but the first begins one           | those proven complete       |
| typed lines | all files are of one, unless lines name some | all                         |
| Parquet     | by its column `session`                      | all with a swap or a token  |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pw_cli.commands.captures.parse import in_chain_order
from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.event_slots import Say, slots_of
from pw_cli.offline.kinds import Kind, kind_of
from pw_cli.offline.line_order import merged
from pw_cli.offline.offline import closed_slots
from pw_cli.parquet.places import files_of
from pw_common.ordering.closed_slot import ClosedSlot
from pw_parser.core.decode.programs import Programs


def closed_slots_of(paths: Sequence[Path], programs: Programs, say: Say) -> Iterator[ClosedSlot]:
    """Every slot of these files, in order.

    Args:
        programs: What captures are parsed with; the others are parsed already.
        say: Told what is left out, or assumed.

    Raises:
        BadCapture, BadInput: a file that cannot be read, or whose content cannot be used.
    """
    kinds = {kind_of(path) for path in paths}
    if len(kinds) > 1:
        found = " and ".join(sorted(one.value for one in kinds))
        raise BadInput(f"{found} at once; allowed: one kind at a time")
    match kinds.pop():
        case Kind.CAPTURES:
            yield from closed_slots(in_chain_order(list(paths)), lambda _slot: programs)
        case Kind.LINES:
            yield from slots_of(merged(paths), say)
        case Kind.PARQUET:
            # DuckDB takes a while to load, and only this needs it.
            from pw_cli.parquet.swap_rows import events_of  # noqa: PLC0415

            yield from slots_of(events_of(files_of(paths)), say)
