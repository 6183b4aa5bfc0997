"""What the system program's instructions do with SOL: transfers, and accounts that it makes.

Each is decoded once, where the instructions are walked (`calls/walk.py`); later readers
take it from the ledger.
Layouts: the public `solana-system-interface` crate.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

_CREATE_ACCOUNT: Final = (0).to_bytes(4, "little")
_TRANSFER: Final = (2).to_bytes(4, "little")
_CREATE_WITH_SEED: Final = (3).to_bytes(4, "little")
_ALLOCATE: Final = (8).to_bytes(4, "little")
# The tag and eight bytes of lamports.
SOL_BYTES_MIN: Final = 12
SOL_ACCOUNTS_MIN: Final = 2
# Behind the tag and the base's key stands the length of the seed, and the amount behind the seed.
_SEED: Final = 44


class SolTransfer(NamedTuple):
    """A transfer of SOL; both ends are account indexes."""

    source: int
    destination: int
    lamports: int


class AccountCreated(NamedTuple):
    """An account that was made with the lamports of another; both are account indexes."""

    source: int
    account: int
    lamports: int


class AccountAllocated(NamedTuple):
    """An account that got room for data, paid for before; an account index."""

    account: int


SystemInstruction: TypeAlias = SolTransfer | AccountCreated | AccountAllocated


def system_instruction_of(accounts: bytes, data: bytes) -> SystemInstruction | None:
    """What an instruction of the system program does; None for any other, or a broken one.

    `accounts` are indexes as the instruction names them, which need not be there.
    """
    tag = data[:4]
    if tag == _ALLOCATE:
        return AccountAllocated(accounts[0]) if accounts else None
    if len(data) < SOL_BYTES_MIN or len(accounts) < SOL_ACCOUNTS_MIN:
        return None
    if tag == _TRANSFER:
        return SolTransfer(accounts[0], accounts[1], int.from_bytes(data[4:12], "little"))
    if tag == _CREATE_ACCOUNT:
        return AccountCreated(accounts[0], accounts[1], int.from_bytes(data[4:12], "little"))
    if tag == _CREATE_WITH_SEED and len(data) >= _SEED:
        at = _SEED + int.from_bytes(data[_SEED - 8 : _SEED], "little")
        if at + 8 <= len(data):
            lamports = int.from_bytes(data[at : at + 8], "little")
            return AccountCreated(accounts[0], accounts[1], lamports)
    return None
