"""Events that programs write to the log, each given to the instruction that wrote it.

The log names every program as it is entered and left, in the order of execution, so the
k-th entry of a program is its k-th instruction. A truncated log ends the reading: what
follows is unknown, not absent.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from typing import Final

_DATA: Final = "Program data: "
_RAY: Final = "Program log: ray_log: "
_ENTERED: Final = " invoke ["
# "Program … consumed … of … compute units": the most common line of all.
_UNITS: Final = " units"
_TRUNCATED: Final = "Log truncated"
_PROGRAM: Final = len("Program ")
# What stands behind "Program ": `log: `, `data:`, or a key.
_KIND: Final = slice(_PROGRAM, _PROGRAM + 5)


def log_events(
    lines: Iterable[str], programs: dict[str, list[int]]
) -> Iterator[tuple[int, bytes, bool]]:
    """(position of the writing instruction, data, whether it is a ray_log) for each event.

    Args:
        lines: The transaction's log.
        programs: Base58 program -> positions of its instructions, in order of execution.
    """
    entered = dict.fromkeys(programs, 0)
    # One entry a running program: the position of its instruction, None if not of interest.
    running: list[int | None] = []
    for line in lines:
        kind = line[_KIND]
        if kind == "log: " or kind == "data:":  # noqa: PLR1714 - twice as fast as a set here
            ray = line.startswith(_RAY)
            writer = running[-1] if running and (ray or kind == "data:") else None
            if writer is not None:
                data = _decoded(line[len(_RAY) :] if ray else line[len(_DATA) :])
                if data is not None:
                    yield writer, data, ray
        elif line[-1:] == "]" and (at := line.find(_ENTERED)) > 0:
            program = line[_PROGRAM:at]
            positions = programs.get(program)
            if positions is None:
                running.append(None)
                continue
            rank = entered[program]
            entered[program] = rank + 1
            running.append(positions[rank] if rank < len(positions) else None)
        elif line.endswith(_UNITS):
            continue
        elif line.endswith(" success") or " failed: " in line:
            if running:
                running.pop()
        elif line == _TRUNCATED:
            return


def _decoded(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None
