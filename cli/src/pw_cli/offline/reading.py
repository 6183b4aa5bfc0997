"""Reading files for a command: how far it is, what it has to say, and what was wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.inputs import closed_slots_of
from pw_cli.terminal.terminal import complain
from pw_common.documents.document import BadDocument
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.captures import BadCapture
from pw_parser.core.decode.programs import Programs

PROGRESS_EVERY: Final = 50
# What files, rules and tables that cannot be used raise.
UNREADABLE: Final = (BadDocument, BadCapture, BadInput, OSError)


def slots_shown(command: str, paths: Sequence[Path], programs: Programs) -> Iterator[ClosedSlot]:
    """Every slot of these files; a terminal shows how many there were so far.

    Raises:
        BadCapture, BadInput: a file that cannot be read, or whose content cannot be used.
    """
    console = Console(stderr=True)
    swaps = 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None)
        closed = closed_slots_of(paths, programs, lambda what: complain(command, what))
        for number, one in enumerate(closed, 1):
            swaps += len(one.swaps)
            if number % PROGRESS_EVERY == 0:
                bar.update(task, description=f"slot {one.slot}: {swaps:,} swaps in {number:,}")
            yield one


def complain_of(command: str, error: Exception) -> None:
    """A line on stderr for each thing that is wrong with what was given."""
    if isinstance(error, BadDocument):
        # A table or rules may hold anything, and their errors quote it.
        for one in error.errors:
            complain(command, one)
    elif isinstance(error, OSError):
        complain(command, f"{error.filename}: {error.strerror}")
    else:
        complain(command, error)
