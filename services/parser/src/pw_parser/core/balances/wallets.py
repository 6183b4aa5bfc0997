"""Which owners are wallets: those whose key can sign, and those who did."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pw_parser.core.balances.amounts import public_key
from pw_parser.core.decode.transaction import View, address

ON_CURVE_CACHE_SIZE: Final = 65_536


@lru_cache(maxsize=ON_CURVE_CACHE_SIZE)
def is_wallet(owner: str) -> bool:
    """Whether an owner's key lies on the ed25519 curve: a wallet, not a program address."""
    return public_key(owner).is_on_curve()


def signers_of(view: View) -> tuple[str, ...]:
    """Base58 of all who signed, in the order of accounts: the first paid the fee."""
    return tuple(address(key) for key in view.keys[: view.signer_count])
