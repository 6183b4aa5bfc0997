"""Where tokens were exchanged, by the shape of the calls alone: no list takes part.

Every instruction stands below the one that called it. The lowest call in which an owner
gave one mint and got another is a hop, and its program a venue, whatever its name. What a
known non-exchange moves (a loan against collateral, a deposit) is no hop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.calls import OUTER, Place
from pw_parser.core.calls.ledger import Ledger
from pw_parser.core.calls.shape import NATIVE, NOTHING, Exchange, Hop, Move, Shape
from pw_parser.core.decode.programs import (
    SOL_MINT,
    SYSTEM_PROGRAM,
    TOKEN_PROGRAMS,
    Program,
    Programs,
)
from pw_parser.core.decode.system import SolTransfer
from pw_parser.core.decode.transaction import KEY_BYTES, Malformed, TokenAccount, View, address
from pw_parser.core.decode.withdrawals import UNWRAP_TAG, unwrapped_by
from pw_parser.core.venues.registry import VENUES, is_no_trade

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
# An owner with less than half of what another moved took a fee.
MOST_MIN: Final = 2


class _Call:
    """One running instruction: who called it and what moved below it."""

    __slots__ = (
        "accounts", "caller", "data", "exchanged_below", "issues", "moves", "place", "program",
    )  # fmt: skip

    def __init__(
        self, program: int, place: Place, accounts: bytes, data: bytes, caller: _Call | None
    ) -> None:
        self.program = program
        self.data = data
        self.place = place
        self.accounts = accounts
        self.caller = caller
        self.moves: list[Move] = []
        self.issues = False
        self.exchanged_below = False


def shape_of(ledger: Ledger, programs: Programs) -> Shape:
    """Every exchange of the transaction, by who moved what below which call.

    Raises:
        Malformed: an instruction names an account that is not there.
    """
    hops: list[Hop] = []
    moved: list[Sequence[Move]] = []
    issued: list[Sequence[Move]] = []
    view = ledger.view
    reading = _Reading(ledger)
    # Callers stand before what they call, so from the end each is complete when it is met.
    calls = reading.calls()
    beside: list[Sequence[Move]] = [reading.outer]
    for call in reversed(calls):
        caller = call.caller
        if call.exchanged_below:
            beside.append(call.moves)
            if caller is not None:
                caller.exchanged_below = True
            continue
        if not call.moves:
            continue
        program = programs.by_key.get(view.keys[call.program])
        if program is not None and _trades_nothing(program, call.data):
            beside.append(call.moves)
            continue
        found = _exchange_of(view, call, program)
        if found.mints:
            name = view.address(call.program)
            hops.append(Hop(call.place, name, program, call.accounts, *found))
            moved.append(call.moves)
            if caller is not None:
                caller.exchanged_below = True
            continue
        if call.issues:
            issued.append(call.moves)
        if caller is None:
            beside.append(call.moves)
        else:
            caller.moves.extend(call.moves)
    exchanged = {hop.place.outer for hop in hops}
    supplied = frozenset(owner for outer, owner in reading.supplied if outer in exchanged)
    return Shape(
        tuple(reversed(hops)), tuple(reversed(moved)), tuple(issued), tuple(beside), supplied
    )


class _Reading:
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

    def calls(self) -> list[_Call]:
        inner = {group.index: group.instructions for group in self.view.meta.inner_instructions}
        found: list[_Call] = []
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
            running = [
                _Call(outer.program_id_index, Place(at, OUTER), outer.accounts, outer.data, None)
            ]
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
                    call = _Call(program, Place(at, rank), one.accounts, one.data, running[-1])
                    running.append(call)
                    found.append(call)
        return found

    def _note_supply(self, outer: int, accounts: bytes, tag: int) -> None:
        """Mint names the mint first and the account second, burn the other way round."""
        position = 1 if tag in _MINTS else 0
        if len(accounts) > position and (account := self.tokens.get(accounts[position])):
            self.supplied.append((outer, account.owner))

    def _note_owner(self, accounts: bytes, data: bytes) -> None:
        """The owner of an account that a token program was told to open."""
        if not accounts or not data or accounts[0] in self.tokens:
            return
        if data[0] in _OWNER_IN_DATA and len(data) > KEY_BYTES:
            self.owners[accounts[0]] = address(data[1 : KEY_BYTES + 1])
        elif data[0] == _INITIALIZE and len(accounts) >= _PLAIN_ACCOUNTS:
            self.owners[accounts[0]] = _address(self.view, accounts[2])

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
        sender = _address(self.view, sent.source)
        account = self.tokens.get(sent.destination)
        if account is None:
            return sender, _address(self.view, sent.destination), NATIVE, sent.lamports
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
        sender = sender or _address(self.view, authority)
        receiver = receiver or _address(self.view, destination)
        return sender, receiver, known.mint, int.from_bytes(amount, "little")


def _singles(view: View) -> frozenset[str]:
    """Mints of which every account gained or lost at most one indivisible unit, as pictures do."""
    moved = [(one.mint, one.post_raw - one.pre_raw) for one in view.tokens if not one.decimals]
    if not moved:
        return frozenset()
    return frozenset(mint for mint, _ in moved) - {mint for mint, raw in moved if abs(raw) > 1}


def _trades_nothing(program: Program, data: bytes) -> bool:
    """Whether it is known that an instruction exchanges nothing: a loan, liquidity, an order."""
    if program.kind != "venue":
        return program.kind == "non_exchange"
    if program.takes:
        return not data.startswith(program.takes)
    return is_no_trade(program.name, data)


def _exchange_of(view: View, call: _Call, program: Program | None) -> Exchange:
    """What was exchanged in a hop; no mints where the call is none. A listed venue whose
    instructions are known need not be proven.
    """
    if program is None or program.kind in ("router", "bot"):
        return _exchanged(view, call)
    if program.kind != "venue":
        return NOTHING
    venue = VENUES.get(program.name)
    if program.takes or venue is None or venue.instruction(call.data) is None:
        return _exchanged(view, call)
    return Exchange(frozenset(SOL_MINT if mint == NATIVE else mint for _, _, mint, _ in call.moves))


def _exchanged(view: View, call: _Call) -> Exchange:
    """What changed hands against each other below a call; no mints where nothing did.

    SOL sent by the system program counts only if whoever got it gave the token: a fee beside
    an airdrop goes elsewhere. A curve may also pay out of its own lamports.
    """
    nets: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for source, destination, mint, raw in call.moves:
        if source != destination:
            nets[source][mint] = nets[source].get(mint, 0) - raw
            nets[destination][mint] = nets[destination].get(mint, 0) + raw
    tokens = {
        owner: signs
        for owner, net in nets.items()
        if _opposes(signs := {m: raw for m, raw in net.items() if m != NATIVE and raw})
    }
    if tokens:
        mints = frozenset(mint for signs in tokens.values() for mint in signs)
        return Exchange(mints, _with_most(tokens))
    with_native = {owner: net for owner, net in nets.items() if net.get(NATIVE) and _opposes(net)}
    mints = frozenset(
        m for net in with_native.values() for m, raw in net.items() if raw and m != NATIVE
    )
    # A curve alone, where somebody paid it for another wallet.
    if len(with_native) > 1 or any(
        net[NATIVE] > 0 and not is_wallet(owner) for owner, net in with_native.items()
    ):
        lamports = max(abs(net[NATIVE]) for net in with_native.values())
        return Exchange(mints | {SOL_MINT}, frozenset(with_native), lamports)
    return _paid_from_lamports(view, nets)


def _address(view: View, index: int) -> str:
    if index >= len(view.keys):
        raise Malformed(f"instruction account {index}, but there are {len(view.keys)} accounts")
    return view.address(index)


def _opposes(net: dict[str, int]) -> bool:
    return min(net.values(), default=0) < 0 < max(net.values(), default=0)


def _with_most(tokens: dict[str, dict[str, int]]) -> frozenset[str]:
    """The owners that moved a large part of what was exchanged, and not a fee both ways."""
    most: defaultdict[str, int] = defaultdict(int)
    for signs in tokens.values():
        for mint, raw in signs.items():
            most[mint] = max(most[mint], abs(raw))
    return frozenset(
        owner
        for owner, signs in tokens.items()
        if _opposes({m: raw for m, raw in signs.items() if abs(raw) * MOST_MIN >= most[m]})
    )


def _paid_from_lamports(view: View, nets: dict[str, dict[str, int]]) -> Exchange:
    """The token that somebody took for lamports of its own, which no instruction shows."""
    taken = {owner: mint for owner, net in nets.items() for mint, raw in net.items() if raw > 0}
    taken = {owner: mint for owner, mint in taken.items() if mint != NATIVE}
    if not taken:
        return NOTHING
    for index in range(view.signer_count, len(view.keys)):
        paid = view.pre_lamports[index] - view.post_lamports[index]
        if paid > 0 and view.post_lamports[index]:
            owner = view.address(index)
            if owner in taken:
                return Exchange(frozenset({taken[owner], SOL_MINT}), frozenset({owner}), paid)
    return NOTHING
