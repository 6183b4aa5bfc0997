"""Whose token account it is, where the metadata does not say: old transactions have no owners.

An account's owner is told by the instructions that opened, used or closed it, or by its
address, which for an associated account is a function of owner and mint. What none of these
tells stays unknown, and never trades.

Instruction layouts: the public `spl-token` and `spl-associated-token-account` crates.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from pw_parser.core.decode.programs import TOKEN_PROGRAMS
from pw_parser.core.decode.transaction import KEY_BYTES, Malformed, TokenAccount, View

ASSOCIATED_PROGRAM: Final = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
_ASSOCIATED: Final = bytes(ASSOCIATED_PROGRAM)

# Tag -> (position of the token account, position of its owner or authority).
_OPENED: Final = {1: (0, 2)}
_USED: Final = {3: (0, 2), 8: (0, 2), 9: (0, 2), 12: (0, 3), 15: (0, 2)}
# InitializeAccount2 and 3 carry the owner in their data.
_OWNER_IN_DATA: Final = frozenset({16, 18})
# Deriving an address costs tens of microseconds, so only signers are tried, and few of them.
SIGNERS_TRIED_MAX: Final = 4


def with_owners(view: View) -> View:
    """The view with owners derived where they are missing; itself where none is.

    Raises:
        Malformed: an instruction names an account that is not there.
    """
    missing = {token.account_index for token in view.tokens if not token.owner}
    if not missing:
        return view
    owners = _from_instructions(view, missing)
    for token in view.tokens:
        if token.account_index in missing - owners.keys():
            derived = _by_address(view, token)
            if derived:
                owners[token.account_index] = derived
    tokens = [
        token if token.owner else token._replace(owner=owners.get(token.account_index, ""))
        for token in view.tokens
    ]
    return view._replace(tokens=tokens)


def _from_instructions(view: View, missing: set[int]) -> dict[int, str]:
    """Owners told by instructions: those that opened an account before those that used it."""
    certain: dict[int, str] = {}
    likely: dict[int, str] = {}
    for instruction in view.instructions():
        program = _program(view, instruction.program_id_index)
        accounts, data = instruction.accounts, instruction.data
        if program == _ASSOCIATED and len(accounts) >= 3 and accounts[1] in missing:
            certain[accounts[1]] = view.checked_address(accounts[2])
        if program not in TOKEN_PROGRAMS or not data or not accounts:
            continue
        tag = data[0]
        if tag in _OWNER_IN_DATA and accounts[0] in missing:
            if len(data) >= 1 + KEY_BYTES:
                certain[accounts[0]] = str(Pubkey.from_bytes(data[1 : 1 + KEY_BYTES]))
            continue
        for table, found in ((_OPENED, certain), (_USED, likely)):
            if tag in table and len(accounts) > table[tag][1]:
                account, owner = (accounts[position] for position in table[tag])
                if account in missing:
                    found.setdefault(account, view.checked_address(owner))
    return likely | certain


def _by_address(view: View, token: TokenAccount) -> str:
    """The signer whose associated account this is, else empty."""
    try:
        mint = bytes(Pubkey.from_string(token.mint))
    except ValueError as error:
        raise Malformed(f"{token.mint[:60]!r} is not a public key") from error
    account = view.keys[token.account_index]
    for signer in view.keys[: min(view.signer_count, SIGNERS_TRIED_MAX)]:
        for program in sorted(TOKEN_PROGRAMS):
            derived, _ = Pubkey.find_program_address([signer, program, mint], ASSOCIATED_PROGRAM)
            if bytes(derived) == account:
                return str(Pubkey.from_bytes(signer))
    return ""


def _program(view: View, index: int) -> bytes:
    if index >= len(view.keys):
        raise Malformed(f"instruction of program {index}, but there are {len(view.keys)} accounts")
    return view.keys[index]
