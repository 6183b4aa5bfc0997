"""What one walk over all instructions finds: who was called, and money that is not the trade."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from pw_geyser import solana_storage_pb2
from pw_parser.core.calls.calls import Calls, Place
from pw_parser.core.decode.programs import SOL_MINT, Program
from pw_parser.core.decode.system import SolTransfer, SystemInstruction
from pw_parser.core.decode.transaction import View

NOTHING: Final = 0
SYSTEM: Final = 1
TOKEN: Final = 2
# What to do with a program's instructions.
Role: TypeAlias = int | Program


class Handed(NamedTuple):
    """A transfer of a token by an outer instruction; both ends are account indexes."""

    source: int
    destination: int
    raw: int


class Ledger:
    """Exchange programs in order of first use, and SOL beside the trade by account index.

    `view` is the view that was walked: without token batches. `beside_lamports[i]` is what
    account i paid (negative) or got (positive) apart from the trade; `reasons[i]` names why.
    `launches` says that a launch program took part, `orders` that orders or liquidity were
    managed; `users` are the accounts that exchange instructions name as their user; `calls` are
    the instructions of venues whose layout is known. `unlisted` says that a program that the
    table does not name was called by another, or moved tokens itself; `non_exchanges` that one
    takes part, or is only named, that is known to exchange nothing. `system` are the
    instructions of the system program, outer ones first, with None for those that move no SOL
    and make no account; `handed` are the transfers of tokens that no program made; tokens left
    the accounts `gave` and reached the accounts `got`.

    It is complete once the walk is over, and nobody changes it afterwards.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.venues: tuple[str, ...] = ()
        self.routers: tuple[str, ...] = ()
        self.hops = 0
        self.launches = False
        self.orders = False
        self.non_exchanges = False
        self.unlisted = False
        self.users: set[int] = set()
        self.beside_lamports: defaultdict[int, int] = defaultdict(int)
        self.reasons: defaultdict[int, set[str]] = defaultdict(set)
        self.calls = Calls(view)
        self.system: list[tuple[Place, SystemInstruction | None]] = []
        self.handed: list[Handed] = []
        self.gave: set[int] = set()
        self.got: set[int] = set()

    def sol_transfers(self) -> list[SolTransfer]:
        """The transfers of SOL by the system program, outer ones first."""
        return [one for _, one in self.system if isinstance(one, SolTransfer)]


class Walk(Ledger):
    """A ledger while it is filled, with what only the steps of the walk need."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.wrapped = {t[0]: t for t in view.tokens if t[1] == SOL_MINT}
        self.token_indexes = {t[0] for t in view.tokens}
        self.closed: set[int] = set()
        self.funded: dict[int, tuple[int, int]] = {}
        self.created: set[int] = set()
        self._owners: set[str] | None = None
        # The inner instructions that are walked now.
        self.group: Sequence[solana_storage_pb2.InnerInstruction] = ()
        self.special: dict[int, Role] = {}
        self.batches = False

    def owns_tokens(self, index: int) -> bool:
        """Whether an account owns a token account: a pool or curve, not a mint."""
        if self._owners is None:
            self._owners = {token.owner for token in self.view.tokens}
        return self.view.address(index) in self._owners

    def take(self, index: int, lamports: int, reason: str) -> None:
        """Note what an account got, or paid, apart from the trade."""
        self.beside_lamports[index] += lamports
        self.reasons[index].add(reason)
