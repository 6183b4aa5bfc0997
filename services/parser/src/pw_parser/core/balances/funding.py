"""Who sent SOL to whom: edges between wallets, which tell who funded a buyer.

Only the System program's transfers between wallets count. What goes to a token account
(wrapping), to a pool or vault (the trade itself) or to a tip account is no funding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pw_common.wire.limits import FUNDING_LAMPORTS_MIN
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.beside import Sent
from pw_parser.core.decode.programs import SYSTEM_PROGRAM, TIP_ACCOUNTS
from pw_parser.core.decode.transaction import Malformed, View

_TRANSFER: Final = (2).to_bytes(4, "little")
_TRANSFER_BYTES: Final = 12


def transfers_in(view: View, sent: Iterable[Sent] | None = None) -> list[Sent]:
    """SOL transfers between wallets of at least `FUNDING_LAMPORTS_MIN`, outer ones first.

    `sent` are the transfers of that size where the ledger has walked the instructions.

    Raises:
        Malformed: a transfer names an account that is not there.
    """
    return [one for one in (_sent(view) if sent is None else sent) if _is_funding(view, one)]


def _sent(view: View) -> list[Sent]:
    if SYSTEM_PROGRAM not in view.keys:
        return []
    system = view.keys.index(SYSTEM_PROGRAM)
    found: list[Sent] = []
    for instruction in view.message.instructions:
        if instruction.program_id_index == system:
            _read(found, view, instruction.accounts, instruction.data)
    for group in view.meta.inner_instructions:
        for inner in group.instructions:
            if inner.program_id_index == system:
                _read(found, view, inner.accounts, inner.data)
    return found


def _read(found: list[Sent], view: View, accounts: bytes, data: bytes) -> None:
    if data[:4] != _TRANSFER or len(data) < _TRANSFER_BYTES or len(accounts) < 2:
        return
    source, destination, count = accounts[0], accounts[1], len(view.keys)
    if source >= count or destination >= count:
        raise Malformed(f"instruction account {max(accounts[:2])}, but there are {count} accounts")
    lamports = int.from_bytes(data[4:_TRANSFER_BYTES], "little")
    if lamports >= FUNDING_LAMPORTS_MIN:
        found.append(Sent(source, destination, lamports))


def _is_funding(view: View, sent: Sent) -> bool:
    source, destination, _ = sent
    if source == destination:
        return False
    if destination >= view.signer_count and view.post_lamports[destination] == 0:
        # An account for wrapped SOL, opened and closed within the transaction.
        return False
    if view.keys[destination] in TIP_ACCOUNTS or any(
        token.account_index in (source, destination) for token in view.tokens
    ):
        return False
    return is_wallet(view.address(source)) and is_wallet(view.address(destination))
