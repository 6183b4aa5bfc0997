"""The calls of a transaction, each with the transfers that it made itself.

Every instruction stands below the one that called it. Layouts: the public `spl-token` crate.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.calls.calls import OUTER, Place
from pw_parser.core.calls.ledger import Ledger
from pw_parser.core.calls.shape import NATIVE, Hop, Move
from pw_parser.core.decode.programs import SOL_MINT, SYSTEM_PROGRAM, TOKEN_PROGRAMS, Program
from pw_parser.core.decode.system import SolTransfer
from pw_parser.core.decode.transaction import KEY_BYTES, AnyInstruction, TokenAccount, View, address
from pw_parser.core.decode.withdrawals import UNWRAP_TAG, unwrapped_by

_TRANSFER: Final = 3
_TRANSFER_CHECKED: Final = 12
_TRANSFER_WITH_FEE: Final = b"\x1a\x01"
# MintTo and Burn, plain and checked: how shares of a pool come and go.
_ISSUES: Final = frozenset({7, 8, 14, 15})
_MINTS: Final = frozenset({7, 14})
_CHECKED_ACCOUNTS: Final = 4
_PLAIN_ACCOUNTS: Final = 3
_BASIC: Final = TOKEN_PROGRAMS | {SYSTEM_PROGRAM}
# InitializeAccount names the owner as its third account, 2 and 3 carry it in the data.
_INITIALIZE: Final = 1
_OWNER_IN_DATA: Final = frozenset({16, 18})


class Call:
    """One running instruction: who called it and what moved below it.

    `listed` is its program, None where the table does not name it.
    """

    __slots__ = (
        "accounts", "caller", "data", "exchanged_below", "issues", "listed", "moves", "place",
        "program",
    )  # fmt: skip

    def __init__(self, place: Place, instruction: AnyInstruction, caller: Call | None) -> None:
        self.program = instruction.program_id_index
        self.data = instruction.data
        self.place = place
        self.accounts = instruction.accounts
        self.caller = caller
        self.listed: Program | None = None
        self.moves: list[Move] = []
        self.issues = False
        self.exchanged_below = False

    def hop(
        self,
        view: View,
        mints: frozenset[str],
        both_sides: frozenset[str] = frozenset(),
        lamports: int = 0,
    ) -> Hop:
        """The call as an exchange of these mints (see `Hop`)."""
        name = view.address(self.program)
        return Hop(self.place, name, self.listed, self.accounts, mints, both_sides, lamports)


class CallReader:
    """The calls of a transaction, each with the transfers that it made itself."""

    def __init__(self, ledger: Ledger) -> None:
        self.view = view = ledger.view
        self.sent = dict(ledger.system)
        self.tokens: dict[int, TokenAccount] = {t.account_index: t for t in view.tokens}
        self.single = _singles(view)
        self.basic = {i for i, key in enumerate(view.keys) if key in _BASIC}
        self.system = next((i for i in self.basic if view.keys[i] == SYSTEM_PROGRAM), -1)
        # Of accounts that no balance names: opened and closed on the way.
        self.owners: dict[int, str] = {}
        # Transfers that no program made.
        self.outer: list[Move] = []
        # (outer instruction, owner) of every mint to and burn from an account below a program.
        self.supplied: list[tuple[int, str]] = []

    def calls(self) -> list[Call]:
        """Every call, callers before what they call."""
        inner = {group.index: group.instructions for group in self.view.meta.inner_instructions}
        found: list[Call] = []
        for at, outer in enumerate(self.view.message.instructions):
            if outer.program_id_index in self.basic:
                self._note_owner(outer.accounts, outer.data)
                if outer.program_id_index == self.system:
                    move = self._sol_move(Place(at, OUTER))
                else:
                    move = self._token_move(outer.accounts, outer.data)
                if move is not None:
                    self.outer.append(move)
            if at not in inner:
                continue
            running = [Call(Place(at, OUTER), outer, None)]
            found.append(running[0])
            for rank, one in enumerate(inner[at]):
                program, height = one.program_id_index, one.stack_height
                basic = program in self.basic
                # Old metadata has no heights: then every call stands below the outer one.
                if height:
                    if len(running) >= height:
                        del running[max(1, height - 1) :]
                elif not basic:
                    del running[1:]
                if basic:
                    if program == self.system:
                        move = self._sol_move(Place(at, rank))
                    else:
                        move = self._token_move(one.accounts, one.data)
                    if move is not None:
                        running[-1].moves.append(move)
                    elif program != self.system and one.data:
                        if one.data[0] in _ISSUES:
                            running[-1].issues = True
                            self._note_supply(at, one.accounts, one.data[0])
                        self._note_owner(one.accounts, one.data)
                else:
                    call = Call(Place(at, rank), one, running[-1])
                    running.append(call)
                    found.append(call)
        return found

    def _note_supply(self, outer: int, accounts: bytes, tag: int) -> None:
        """Mint names the mint first and the account second, burn the other way round."""
        position = 1 if tag in _MINTS else 0
        if len(accounts) > position and (account := self.tokens.get(accounts[position])):
            self.supplied.append((outer, account.owner))

    def _note_owner(self, accounts: bytes, data: bytes) -> None:
        """The owner of an account that a token program opens."""
        if not accounts or not data or accounts[0] in self.tokens:
            return
        if data[0] in _OWNER_IN_DATA and len(data) > KEY_BYTES:
            self.owners[accounts[0]] = address(data[1 : KEY_BYTES + 1])
        elif data[0] == _INITIALIZE and len(accounts) >= _PLAIN_ACCOUNTS:
            self.owners[accounts[0]] = self.view.checked_address(accounts[2])

    def _token_move(self, accounts: bytes, data: bytes) -> Move | None:
        if not data:
            return None
        if data[0] == _TRANSFER and len(accounts) >= _PLAIN_ACCOUNTS:
            return self._transfer(accounts[0], accounts[1], accounts[2], data[1:9])
        if data[0] == UNWRAP_TAG and (amount := unwrapped_by(self.tokens, accounts, data)):
            return self._transfer(accounts[0], accounts[1], accounts[2], amount)
        if len(accounts) < _CHECKED_ACCOUNTS:
            return None
        if data[0] == _TRANSFER_CHECKED:
            return self._transfer(accounts[0], accounts[2], accounts[3], data[1:9])
        if data[:2] == _TRANSFER_WITH_FEE:
            return self._transfer(accounts[0], accounts[2], accounts[3], data[2:10])
        return None

    def _sol_move(self, place: Place) -> Move | None:
        sent = self.sent.get(place)
        if not isinstance(sent, SolTransfer):
            return None
        sender = self.view.address(sent.source)
        account = self.tokens.get(sent.destination)
        if account is None:
            return sender, self.view.address(sent.destination), NATIVE, sent.lamports
        if account.mint != SOL_MINT:
            return None
        # The payer wraps SOL, sometimes straight into a pool's account.
        return sender, account.owner, account.mint, sent.lamports

    def _transfer(
        self, source: int, destination: int, authority: int, amount: bytes
    ) -> Move | None:
        given, got = self.tokens.get(source), self.tokens.get(destination)
        known = given or got
        if known is None or known.mint in self.single:
            return None
        sender = given.owner if given else self.owners.get(source)
        receiver = got.owner if got else self.owners.get(destination)
        sender = sender or self.view.checked_address(authority)
        receiver = receiver or self.view.checked_address(destination)
        return sender, receiver, known.mint, int.from_bytes(amount, "little")


def _singles(view: View) -> frozenset[str]:
    """Mints of which every account gained or lost at most one indivisible unit, as pictures do."""
    moved = [(one.mint, one.post_raw - one.pre_raw) for one in view.tokens if not one.decimals]
    if not moved:
        return frozenset()
    return frozenset(mint for mint, _ in moved) - {mint for mint, raw in moved if abs(raw) > 1}
