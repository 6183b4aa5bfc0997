"""What the instructions of a transaction say about money that is not the trade.

One walk over outer and inner instructions collects the exchange programs that
were invoked, the SOL that a wallet paid beside the trade (tips, gifts, rent of
new accounts) and the rent that came back from closed ones. System and token
instruction layouts: the public `solana-system-interface` and `spl-token` crates.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NamedTuple, TypeAlias

from solders.pubkey import Pubkey

from pw_geyser import solana_storage_pb2
from pw_parser.core.calls import OUTER, Calls, Place
from pw_parser.core.programs import (
    EXCHANGES,
    LAUNCHPAD,
    SOL_MINT,
    SYSTEM_PROGRAM,
    TAKES,
    TIP_ACCOUNTS,
    TOKEN_PROGRAMS,
    USER_POSITIONS,
    VENUE_KINDS,
)
from pw_parser.core.transaction import Malformed, View
from pw_parser.core.venues.layout import EVENT_TAG, TAG_BYTES

AnyInstruction: TypeAlias = (
    solana_storage_pb2.CompiledInstruction | solana_storage_pb2.InnerInstruction
)

_CREATE_ACCOUNT: Final = 0
_TRANSFER: Final = 2
_CREATE_WITH_SEED: Final = 3
_ALLOCATE_TAG: Final = (8).to_bytes(4, "little")
_CLOSE_ACCOUNT: Final = 9

_SYSTEM: Final = 1
_TOKEN: Final = 2


class Ledger(NamedTuple):
    """Exchange programs in order of first use, and SOL beside the trade by account index.

    `beside_lamports[i]` is what account i paid (negative) or got (positive)
    apart from the trade; `reasons[i]` names why. `launches` says that a launch
    program took part, `orders` that orders were managed, not taken; `users` are the
    accounts that exchange instructions name as their user; `calls` are the
    instructions of venues whose layout is known.
    """

    venues: tuple[str, ...]
    routers: tuple[str, ...]
    hops: int
    launches: bool
    orders: bool
    users: frozenset[int]
    beside_lamports: dict[int, int]
    reasons: dict[int, set[str]]
    calls: Calls


class _Walk:
    """The state of one walk; a class only because many branches add to it."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.wrapped = {t.account_index: t for t in view.tokens if t.mint == SOL_MINT}
        self.token_indexes = {t.account_index for t in view.tokens}
        self.venues: dict[str, None] = {}
        self.routers: dict[str, None] = {}
        self.hops = 0
        self.launches = False
        self.orders = False
        self.users: set[int] = set()
        self.beside: defaultdict[int, int] = defaultdict(int)
        self.reasons: defaultdict[int, set[str]] = defaultdict(set)
        self.closed: set[int] = set()
        self.funded: dict[int, tuple[int, int]] = {}
        self.calls = Calls(view)

    def take(self, index: int, lamports: int, reason: str) -> None:
        self.beside[index] += lamports
        self.reasons[index].add(reason)


def ledger_of(view: View) -> Ledger:
    """Walk all instructions.

    Raises:
        Malformed: an instruction names a program or account that is not there.
    """
    walk = _Walk(view)
    walk.take(0, -view.fee_lamports, "network_fee")
    keys = view.keys
    count = len(keys)
    special = _special_programs(keys)
    for at, instruction in enumerate(view.message.instructions):
        program = instruction.program_id_index
        if program in special:
            _step(walk, special[program], instruction, Place(at, OUTER))
        elif program >= count:
            raise Malformed(f"instruction of program {program}, but there are {count} accounts")
    for group in sorted(view.meta.inner_instructions, key=_outer_index):
        for at, inner in enumerate(group.instructions):
            program = inner.program_id_index
            if program in special:
                _step(walk, special[program], inner, Place(group.index, at))
            elif program >= count:
                raise Malformed(f"instruction of program {program}, but there are {count} accounts")
    return Ledger(
        venues=tuple(walk.venues),
        routers=tuple(walk.routers),
        hops=walk.hops,
        launches=walk.launches,
        orders=walk.orders,
        users=frozenset(walk.users),
        beside_lamports=dict(walk.beside),
        reasons=dict(walk.reasons),
        calls=walk.calls,
    )


def _outer_index(group: solana_storage_pb2.InnerInstructions) -> int:
    return group.index


def _special_programs(keys: list[bytes]) -> dict[int, tuple[int, str, str]]:
    special: dict[int, tuple[int, str, str]] = {}
    for index, key in enumerate(keys):
        if key in EXCHANGES:
            special[index] = (0, *EXCHANGES[key])
        elif key == SYSTEM_PROGRAM:
            special[index] = (_SYSTEM, "", "")
        elif key in TOKEN_PROGRAMS:
            special[index] = (_TOKEN, "", "")
    return special


def _step(
    walk: _Walk,
    role: tuple[int, str, str],
    instruction: AnyInstruction,
    place: Place,
) -> None:
    what, name, kind = role
    if what == _TOKEN:
        data = instruction.data
        if data and data[0] == _CLOSE_ACCOUNT:
            _close(walk, instruction.accounts)
    elif what == _SYSTEM:
        _system(walk, instruction.accounts, instruction.data, outer=place.inner == OUTER)
    elif instruction.data.startswith(EVENT_TAG):
        # What a program sends to itself is a statement, not a trade by itself.
        walk.calls.wrote(name, place, instruction.data[len(EVENT_TAG) :])
        if kind not in VENUE_KINDS:
            walk.routers[name] = None
    elif kind not in VENUE_KINDS:
        walk.routers[name] = None
        _call(walk, name, place, instruction)
        _note_user(walk, name, instruction.accounts)
    elif name in TAKES and instruction.data[:TAG_BYTES] not in TAKES[name]:
        # Orders placed, cancelled and settled move deposits, which look like trades.
        walk.orders = True
    else:
        _call(walk, name, place, instruction)
        walk.venues[name] = None
        walk.hops += 1
        walk.launches |= kind == LAUNCHPAD
        _note_user(walk, name, instruction.accounts)


def _call(walk: _Walk, name: str, place: Place, instruction: AnyInstruction) -> None:
    walk.calls.add(
        name, instruction.program_id_index, place, instruction.accounts, instruction.data
    )


def _note_user(walk: _Walk, venue: str, accounts: bytes) -> None:
    for position in USER_POSITIONS.get(venue, ()):
        if -len(accounts) <= position < len(accounts):
            _in_range(walk.view, accounts[position])
            walk.users.add(accounts[position])


def _close(walk: _Walk, accounts: bytes) -> None:
    """CloseAccount: the rent of an account that existed before goes to the destination."""
    if len(accounts) < 2:
        return
    account, destination = accounts[0], accounts[1]
    view = walk.view
    _in_range(view, account, destination)
    if account in walk.closed or view.post_lamports[account] != 0:
        return
    walk.closed.add(account)
    wrapped = walk.wrapped.get(account)
    rent = view.pre_lamports[account] - (wrapped.pre_raw if wrapped else 0)
    if rent > 0:
        walk.take(destination, rent, "rent_returned")


def _system(walk: _Walk, accounts: bytes, data: bytes, *, outer: bool) -> None:
    if data[:4] == _ALLOCATE_TAG and accounts:
        # Transfer, allocate, assign: how an account is made that may hold SOL already.
        source, lamports = walk.funded.pop(accounts[0], (-1, 0))
        if source >= 0:
            _create(walk, source, accounts[0], lamports)
        return
    if len(data) < 12 or len(accounts) < 2:
        return
    source, destination = accounts[0], accounts[1]
    _in_range(walk.view, source, destination)
    tag = int.from_bytes(data[:4], "little")
    if tag == _TRANSFER:
        lamports = int.from_bytes(data[4:12], "little")
        _transfer(walk, source, destination, lamports, outer=outer)
    elif tag == _CREATE_ACCOUNT:
        _create(walk, source, destination, int.from_bytes(data[4:12], "little"))
    elif tag == _CREATE_WITH_SEED and len(data) >= 44:
        at = 44 + int.from_bytes(data[36:44], "little")
        if at + 8 <= len(data):
            _create(walk, source, destination, int.from_bytes(data[at : at + 8], "little"))


def _transfer(walk: _Walk, source: int, destination: int, lamports: int, *, outer: bool) -> None:
    view = walk.view
    if source == destination:
        return
    if view.keys[destination] in TIP_ACCOUNTS:
        walk.take(source, -lamports, "tip")
        return
    # An exchange takes its SOL by an inner transfer. What a signer sends at the
    # outer level and what stays there is a tip, a fee of the front end or a
    # gift; only SOL sent to a token account (wrapping) is part of a trade.
    # A signer may spend on the trade what it was just sent: that is beside it all the same,
    # unless the signer is an account for wrapped SOL that is gone afterwards.
    post = view.post_lamports[destination]
    stays = post > view.pre_lamports[destination] or (destination < view.signer_count and post > 0)
    if outer and destination not in walk.token_indexes and stays:
        walk.take(source, -lamports, "sent_beside")
        walk.take(destination, lamports, "received_beside")
    elif view.pre_lamports[destination] == 0:
        walk.funded.setdefault(destination, (source, lamports))


def _create(walk: _Walk, source: int, account: int, lamports: int) -> None:
    view = walk.view
    post = view.post_lamports[account]
    if post == 0:
        return
    wrapped = walk.wrapped.get(account)
    rent = post - wrapped.post_raw if wrapped else min(lamports, post)
    if rent > 0:
        walk.take(source, -rent, "rent_paid")


def _in_range(view: View, *indexes: int) -> None:
    for index in indexes:
        if index >= len(view.keys):
            raise Malformed(f"instruction account {index}, but there are {len(view.keys)} accounts")


def address(key: bytes) -> str:
    """Base58 of a 32 byte key."""
    return str(Pubkey.from_bytes(key))
