"""Who sent SOL to whom: edges between wallets, which tell who funded a buyer.

Only the System program's transfers between wallets count. What goes to a token account
(wrapping), to a pool or vault (the trade itself) or to a tip account is no funding.
"""

from __future__ import annotations

from collections.abc import Iterable

from pw_common.wire.limits import FUNDING_LAMPORTS_MIN
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.decode.programs import SYSTEM_PROGRAM, TIP_ACCOUNTS
from pw_parser.core.decode.system import SolTransfer, system_instruction_of
from pw_parser.core.decode.transaction import Malformed, View


def fundings_among(view: View, transfers: Iterable[SolTransfer]) -> list[SolTransfer]:
    """The transfers between wallets of at least `FUNDING_LAMPORTS_MIN`, in the given order."""
    return [one for one in transfers if _is_funding(view, one)]


def sol_transfers_of(view: View) -> list[SolTransfer]:
    """The SOL transfers of a transaction whose instructions nobody has walked, outer ones first.

    Raises:
        Malformed: a transfer names an account that is not there.
    """
    if SYSTEM_PROGRAM not in view.keys:
        return []
    system, count = view.keys.index(SYSTEM_PROGRAM), len(view.keys)
    found: list[SolTransfer] = []
    for instruction in view.instructions():
        if instruction.program_id_index == system:
            one = system_instruction_of(instruction.accounts, instruction.data)
            if isinstance(one, SolTransfer):
                index = max(one.source, one.destination)
                if index >= count:
                    raise Malformed(f"instruction account {index}, but there are {count} accounts")
                found.append(one)
    return found


def _is_funding(view: View, sent: SolTransfer) -> bool:
    source, destination, lamports = sent
    if lamports < FUNDING_LAMPORTS_MIN or source == destination:
        return False
    if destination >= view.signer_count and view.post_lamports[destination] == 0:
        # An account for wrapped SOL, opened and closed within the transaction.
        return False
    if view.keys[destination] in TIP_ACCOUNTS or any(
        token.account_index in (source, destination) for token in view.tokens
    ):
        return False
    return is_wallet(view.address(source)) and is_wallet(view.address(destination))
