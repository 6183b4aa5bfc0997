"""SOL that token programs pay out of an account without closing it.

`UnwrapLamports` pays out wrapped SOL, all of it or a stated amount; `WithdrawExcessLamports`
what an account of any other kind holds above its rent. Layouts: the public interfaces of
solana-program/token and solana-program/token-2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from pw_parser.core.decode.transaction import TokenAccount, View

WITHDRAW_EXCESS: Final = b"\x26"
UNWRAP_TAG: Final = 45
UNWRAP: Final = bytes((UNWRAP_TAG,))
# Source, destination, authority; the signers of a shared account stand behind.
_ACCOUNTS: Final = 3
_AMOUNT_STATED: Final = b"\x01"
_AMOUNT: Final = slice(2, 10)


class Withdrawal(NamedTuple):
    """What is paid out, by account indexes. `lamports` is None for all that there is."""

    source: int
    destination: int
    lamports: int | None


def withdrawal_of(accounts: bytes, data: bytes) -> Withdrawal | None:
    """What an instruction of a token program pays out; None for any other, or a broken one."""
    tag = data[:1]
    if tag not in (UNWRAP, WITHDRAW_EXCESS) or len(accounts) < _ACCOUNTS:
        return None
    lamports = None
    if tag == UNWRAP and data[1:2] == _AMOUNT_STATED:
        if len(data) < _AMOUNT.stop:
            return None
        lamports = int.from_bytes(data[_AMOUNT], "little")
    return Withdrawal(accounts[0], accounts[1], lamports)


def excess_of(view: View, found: Withdrawal) -> int:
    """The lamports of a `WithdrawExcessLamports`: by how much its source fell.

    0 where the source was closed as well: then the balances tell nothing apart. Both accounts
    must be there.
    """
    left = view.post_lamports[found.source]
    return max(view.pre_lamports[found.source] - left, 0) if left else 0


def unwrapped_by(tokens: Mapping[int, TokenAccount], accounts: bytes, data: bytes) -> bytes:
    """What an `UnwrapLamports` moves, as a transfer states it; empty where that is unknown.

    Where it moves all, that is taken for what the account lost over the transaction.
    """
    found = withdrawal_of(accounts, data)
    token = None if found is None else tokens.get(found.source)
    if found is None or token is None:
        return b""
    raw = token.pre_raw - token.post_raw if found.lamports is None else found.lamports
    return raw.to_bytes(_AMOUNT.stop - _AMOUNT.start, "little") if raw > 0 else b""
