"""Who sent SOL to whom: edges between wallets, which tell who funded a buyer.

Only the System program's transfers between wallets count. What goes to a token account
(wrapping), to a pool or vault (the trade itself) or to a tip account is no funding.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_common.limits import FUNDING_LAMPORTS_MIN
from pw_parser.core.programs import SYSTEM_PROGRAM, TIP_ACCOUNTS
from pw_parser.core.traders import is_wallet
from pw_parser.core.transaction import Malformed, View

_TRANSFER: Final = (2).to_bytes(4, "little")
_TRANSFER_BYTES: Final = 12


class Sent(NamedTuple):
    """A transfer of SOL; both ends are account indexes."""

    source: int
    destination: int
    lamports: int


def transfers_in(view: View) -> list[Sent]:
    """SOL transfers between wallets of at least `FUNDING_LAMPORTS_MIN`, outer ones first.

    Raises:
        Malformed: a transfer names an account that is not there.
    """
    if SYSTEM_PROGRAM not in view.keys:
        return []
    system = view.keys.index(SYSTEM_PROGRAM)
    found: list[Sent] = []
    for instruction in view.message.instructions:
        if instruction.program_id_index == system:
            _take(found, view, instruction.accounts, instruction.data)
    for group in view.meta.inner_instructions:
        for inner in group.instructions:
            if inner.program_id_index == system:
                _take(found, view, inner.accounts, inner.data)
    return found


def _take(found: list[Sent], view: View, accounts: bytes, data: bytes) -> None:
    if len(data) < _TRANSFER_BYTES or data[:4] != _TRANSFER or len(accounts) < 2:
        return
    lamports = int.from_bytes(data[4:_TRANSFER_BYTES], "little")
    source, destination = accounts[0], accounts[1]
    for index in (source, destination):
        if index >= len(view.keys):
            raise Malformed(f"instruction account {index}, but there are {len(view.keys)} accounts")
    if lamports < FUNDING_LAMPORTS_MIN or source == destination:
        return
    if destination >= view.signer_count and view.post_lamports[destination] == 0:
        # An account for wrapped SOL, opened and closed within the transaction.
        return
    if view.keys[destination] in TIP_ACCOUNTS or any(
        token.account_index in (source, destination) for token in view.tokens
    ):
        return
    if is_wallet(view.address(source)) and is_wallet(view.address(destination)):
        found.append(Sent(source, destination, lamports))
