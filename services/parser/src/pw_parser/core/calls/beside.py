"""SOL beside the trade: tips, fees, gifts, rent of accounts that were opened and closed.

The system and token instructions of one walk (see `walk`). Layouts of the latter: the public
`spl-token` crate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pw_geyser import solana_storage_pb2
from pw_parser.core.calls.calls import OUTER, Place
from pw_parser.core.calls.ledger import TOKEN, Handed, Walk
from pw_parser.core.decode.programs import TIP_ACCOUNTS, Program
from pw_parser.core.decode.system import (
    SOL_ACCOUNTS_MIN,
    SOL_BYTES_MIN,
    AccountAllocated,
    AccountCreated,
    SolTransfer,
    system_instruction_of,
)
from pw_parser.core.decode.token_batches import BATCH
from pw_parser.core.decode.transaction import AnyInstruction, Malformed, View
from pw_parser.core.decode.withdrawals import WITHDRAW_EXCESS, excess_of, withdrawal_of

_CLOSE_ACCOUNT: Final = b"\x09"
# The rent of a token account, and more than that of the largest with extensions.
RENT_LAMPORTS: Final = 2_039_280
RENT_LAMPORTS_MAX: Final = 10_000_000
# Transfer, plain, checked and with a fee: where the destination stands.
DESTINATIONS: Final = {b"\x03": 1, b"\x0c": 2, b"\x1a": 2}
_WITH_FEE: Final = b"\x1a"


def token_step(walk: Walk, instruction: AnyInstruction) -> None:
    """One instruction of a token program."""
    tag = instruction.data[:1]
    if tag in DESTINATIONS:
        accounts, destination = instruction.accounts, DESTINATIONS[tag]
        if len(accounts) > destination:
            walk.gave.add(accounts[0])
            walk.got.add(accounts[destination])
            if not walk.group:
                # The amount stands behind the tag, which has two bytes for a transfer with a fee.
                at = 2 if tag == _WITH_FEE else 1
                raw = int.from_bytes(instruction.data[at : at + 8], "little")
                walk.handed.append(Handed(accounts[0], accounts[destination], raw))
    elif tag == _CLOSE_ACCOUNT:
        _close(walk, instruction.accounts)
    elif tag == BATCH:
        walk.batches = True
    elif tag == WITHDRAW_EXCESS and not walk.group:
        _withdraw(walk, instruction)


def _withdraw(walk: Walk, instruction: AnyInstruction) -> None:
    """Lamports that the signer of an outer instruction takes out of an account beside a trade."""
    found = withdrawal_of(instruction.accounts, instruction.data)
    if found is None:
        return
    in_range(walk.view, found.source, found.destination)
    lamports = excess_of(walk.view, found)
    if lamports:
        walk.take(found.destination, lamports, "received_beside")


def _close(walk: Walk, accounts: bytes) -> None:
    """CloseAccount: the rent of an account that existed before goes to the destination."""
    if len(accounts) < 2:
        return
    account, destination = accounts[0], accounts[1]
    view = walk.view
    in_range(view, account, destination)
    if account in walk.closed or view.post_lamports[account] != 0:
        return
    walk.closed.add(account)
    wrapped = walk.wrapped.get(account)
    rent = view.pre_lamports[account] - (wrapped.pre_raw if wrapped else 0)
    # More than any rent is SOL that somebody sent there, and it may have gone elsewhere since.
    rent = min(rent, RENT_LAMPORTS if wrapped else RENT_LAMPORTS_MAX)
    if rent > 0:
        walk.take(destination, rent, "rent_returned")


def system_step(walk: Walk, instruction: AnyInstruction, place: Place) -> None:
    """One instruction of the system program."""
    accounts, data = instruction.accounts, instruction.data
    found = system_instruction_of(accounts, data)
    walk.system.append((place, found))
    if isinstance(found, AccountAllocated):
        # Transfer, allocate, assign: how an account is made that may hold SOL already.
        source, lamports = walk.funded.pop(found.account, (-1, 0))
        if source >= 0:
            _create(walk, AccountCreated(source, found.account, lamports))
        return
    if len(data) >= SOL_BYTES_MIN and len(accounts) >= SOL_ACCOUNTS_MIN:
        # Of any other instruction too.
        in_range(walk.view, accounts[0], accounts[1])
    if isinstance(found, SolTransfer):
        _transfer(walk, found, place)
    elif found is not None:
        _create(walk, found)


def _transfer(walk: Walk, sent: SolTransfer, place: Place) -> None:
    view, (source, destination, lamports) = walk.view, sent
    if source == destination:
        return
    if view.keys[destination] in TIP_ACCOUNTS:
        walk.take(source, -lamports, "tip")
        return
    if destination in walk.created and not walk.owns_tokens(destination):
        # More rent for an account that was just made, such as a mint with its metadata.
        walk.take(source, -lamports, "rent_paid")
        return
    # An exchange takes its SOL by an inner transfer. What a signer sends at the
    # outer level and what stays there is a tip, a fee of the front end or a
    # gift; only SOL sent to a token account (wrapping) is part of a trade.
    # A signer may spend on the trade what it was just sent: that is beside it all the same,
    # unless the signer is an account for wrapped SOL that is gone afterwards.
    post = view.post_lamports[destination]
    stays = post > view.pre_lamports[destination] or (destination < view.signer_count and post > 0)
    if stays and destination not in walk.token_indexes and _is_beside(walk, source, place):
        walk.take(source, -lamports, "sent_beside")
        walk.take(destination, lamports, "received_beside")
    elif view.pre_lamports[destination] == 0:
        walk.funded.setdefault(destination, (source, lamports))


def _is_beside(walk: Walk, source: int, place: Place) -> bool:
    """Whether a transfer of SOL that stays where it went is no part of an exchange.

    At the outer level it never is. Further in, it is the fee of a bot or front end if the
    program that sends it is known as one, or is not listed and moves no token beside it.
    """
    if place.inner == OUTER:
        return True
    if source >= walk.view.signer_count:
        return False
    own = walk.group[place.inner]
    if not own.HasField("stack_height"):
        return False
    above = _caller(walk, own.stack_height, place)
    role = walk.special.get(above.program_id_index)
    if role is not None:
        return isinstance(role, Program) and role.kind != "venue"
    return not any(
        walk.special.get(sibling.program_id_index) == TOKEN and sibling.data[:1] in DESTINATIONS
        for sibling in _siblings(walk, own.stack_height, place.inner)
    )


def _caller(walk: Walk, height: int, place: Place) -> AnyInstruction:
    """The instruction below which another of a height stands."""
    for at in range(place.inner - 1, -1, -1):
        if walk.group[at].stack_height < height:
            return walk.group[at]
    if place.outer >= len(walk.view.message.instructions):
        raise Malformed(f"calls of instruction {place.outer}, which is not there")
    return walk.view.message.instructions[place.outer]


def _siblings(walk: Walk, height: int, at: int) -> Iterator[solana_storage_pb2.InnerInstruction]:
    """All instructions with the same caller as the one at a rank."""
    for ranks in (range(at - 1, -1, -1), range(at + 1, len(walk.group))):
        for rank in ranks:
            if walk.group[rank].stack_height < height:
                break
            if walk.group[rank].stack_height == height:
                yield walk.group[rank]


def _create(walk: Walk, created: AccountCreated) -> None:
    view, (source, account, lamports) = walk.view, created
    post = view.post_lamports[account]
    if post == 0:
        return
    walk.created.add(account)
    wrapped = walk.wrapped.get(account)
    rent = post - wrapped.post_raw if wrapped else min(lamports, post)
    if rent > 0:
        walk.take(source, -rent, "rent_paid")
        # What a new curve or pool holds as rent is no part of what it was paid.
        if account not in walk.token_indexes:
            walk.beside_lamports[account] += rent


def in_range(view: View, *indexes: int) -> None:
    """Raises Malformed for an index that names no account."""
    for index in indexes:
        if index >= len(view.keys):
            raise Malformed(f"instruction account {index}, but there are {len(view.keys)} accounts")
