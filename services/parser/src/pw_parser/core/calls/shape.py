"""The shape of a transaction: which calls exchanged what, and who moved what in and beside them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from pw_parser.core.calls.calls import Place
from pw_parser.core.decode.programs import QUOTE_MINTS, UNLISTED, Program

NATIVE: Final = "lamports"

# (source, destination, mint, raw amount): a transfer between owners.
Move: TypeAlias = tuple[str, str, str, int]


class Hop(NamedTuple):
    """One exchange below one call. `program` is None for one that the table does not name.

    `mints` are those that changed hands, `both_sides` who gave one and got another. `lamports`
    is what such an owner moved as SOL outside of token accounts, 0 where SOL was no side.
    """

    place: Place
    id: str
    program: Program | None
    accounts: bytes
    mints: frozenset[str]
    both_sides: frozenset[str] = frozenset()
    lamports: int = 0

    @property
    def venue(self) -> str:
        """The venue's name, its id where it is not listed, empty for what is no venue."""
        if self.program is None:
            return UNLISTED + self.id
        return self.program.name if self.program.kind == "venue" else ""


class Shape(NamedTuple):
    """The exchanges of a transaction in the order of execution, and what moved in them.

    `issued` are the moves below calls that issued or burned shares for them, `beside` all
    moves that are part of no hop. To or from those `supplied` a token was issued or burned by an
    instruction that exchanged as well.
    """

    hops: tuple[Hop, ...] = ()
    moves: tuple[Sequence[Move], ...] = ()
    issued: tuple[Sequence[Move], ...] = ()
    beside: tuple[Sequence[Move], ...] = ()
    supplied: frozenset[str] = frozenset()

    def connected(self, mint: str) -> frozenset[str]:
        """All who took part in a hop, or to whom a mint came, or from whom it went, by them."""
        pairs = [move[:2] for moves in self.beside for move in moves if move[2] == mint]
        found = {end for moves in self.moves for move in moves for end in move[:2]}
        found |= self.supplied
        grown = True
        while grown:
            reached = {end for pair in pairs if not found.isdisjoint(pair) for end in pair}
            grown = not reached <= found
            found |= reached
        return frozenset(found)

    def parties(self) -> frozenset[str]:
        """All who gave or got anything in a hop, or where shares were issued for it."""
        below = (*self.moves, *self.issued)
        return frozenset(end for moves in below for move in moves for end in move[:2])

    def moved_apart(self) -> frozenset[str]:
        """Mints that moved, and in no hop."""
        apart = {move[2] for moves in (*self.beside, *self.issued) for move in moves if move[3]}
        return frozenset(apart.difference(*(hop.mints for hop in self.hops)))

    def returns(self) -> bool:
        """Whether any token was exchanged twice, so that it may have been bought and sold.

        Where no call shows what moved, it may have been.
        """
        counts = Counter(mint for hop in self.hops for mint in hop.mints if mint not in QUOTE_MINTS)
        return not counts or max(counts.values()) > 1

    def through(self, mint: str, owner: str | None = None) -> int:
        """The most of a mint that any owner, or this one, both gave and got over all hops."""
        flows: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for moves in self.moves:
            nets: defaultdict[str, int] = defaultdict(int)
            for source, destination, moved, raw in moves:
                if moved == mint:
                    nets[source] -= raw
                    nets[destination] += raw
            for end, net in nets.items():
                flows[end][net > 0] += abs(net)
        if owner is not None:
            return min(flows[owner])
        return max(map(min, flows.values()), default=0)
