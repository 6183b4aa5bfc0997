"""Which instructions of known venues ran, in the order in which they ran, and what they wrote.

Filled by the ledger's walk, which sees every instruction once anyway.
"""

from __future__ import annotations

from typing import NamedTuple

from pw_parser.core.decode.transaction import AnyInstruction, View
from pw_parser.core.venues.registry import VENUES
from pw_parser.core.venues.venue import Invocation

OUTER = -1


class Place(NamedTuple):
    """Where an instruction stands: its outer instruction, and its rank below (-1: itself)."""

    outer: int
    inner: int


class Calls:
    """Invocations of venues with a declared layout, and the events they sent to themselves."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.invocations: list[Invocation] = []
        self.places: list[Place] = []
        self.program_indexes: list[int] = []
        # (position in `invocations`, event behind Anchor's event tag)
        self.written: list[tuple[int, bytes]] = []
        self._latest: dict[tuple[int, str], int] = {}

    def add(self, venue: str, place: Place, instruction: AnyInstruction) -> None:
        """One instruction of an exchange program; those without a layout are passed over."""
        if venue not in VENUES:
            return
        self._latest[place.outer, venue] = len(self.invocations)
        self.invocations.append(
            Invocation(self.view, venue, instruction.accounts, instruction.data)
        )
        self.places.append(place)
        self.program_indexes.append(instruction.program_id_index)

    def wrote(self, venue: str, place: Place, event: bytes) -> None:
        """An event that a program sent to itself, below the latest instruction of it."""
        position = self._latest.get((place.outer, venue))
        if position is not None:
            self.written.append((position, event))

    def program(self, position: int) -> str:
        """Base58 of the program that an invocation called."""
        return self.view.address(self.program_indexes[position])

    def in_order(self) -> list[int]:
        """Positions of the invocations in the order in which they ran."""
        return sorted(range(len(self.places)), key=self.places.__getitem__)
