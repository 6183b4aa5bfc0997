"""Who owns what: wallets, mints, token accounts, and every lamport of the generated chain."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from pw_replay.market.wire import programs as p
from pw_replay.market.wire.wire import field

# What an account that nobody funded here is taken to hold (a program, a sysvar, a config).
_RESIDENT_LAMPORTS = 1_461_600


def wallet_key(seed: int, name: str) -> bytes:
    """The public key (on the curve) of the wallet that a seed gives to a name."""
    secret = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return bytes(Keypair.from_seed(secret).pubkey())


def address_of(key: bytes) -> str:
    """The base58 form of a key."""
    return str(Pubkey.from_bytes(key))


@dataclass(frozen=True, slots=True)
class Mint:
    """A token, with its TokenBalance field encoded once."""

    key: bytes
    address: str
    decimals: int
    head: bytes
    program: bytes = p.TOKEN

    @classmethod
    def of(cls, key: bytes, decimals: int, program: bytes = p.TOKEN) -> Mint:
        """A mint of `decimals` 1-9 under one of the two token programs."""
        address = address_of(key)
        return cls(key, address, decimals, field(b"\x12", address.encode()), program)

    @property
    def rent(self) -> int:
        """Lamports that an associated account of the mint holds for its rent."""
        return p.TOKEN_ACCOUNT_RENT if self.program == p.TOKEN else p.TOKEN_2022_ACCOUNT_RENT


WSOL = Mint.of(bytes(Pubkey.from_string(p.WSOL_ADDRESS)), 9)
USDC = Mint.of(bytes(Pubkey.from_string(p.USDC_ADDRESS)), 6)
_PROGRAM_FIELDS = {
    p.TOKEN: field(b"\x2a", p.TOKEN_ADDRESS.encode()),
    p.TOKEN_2022: field(b"\x2a", p.TOKEN_2022_ADDRESS.encode()),
}


@dataclass(slots=True, eq=False)
class TokenAccount:
    """A token account as the ledger knows it; `amount` is raw units."""

    key: bytes
    mint: Mint
    owner: bytes
    tail: bytes
    amount: int = 0
    exists: bool = False


class Ledger:
    """Lamports of every account and the state of every token account."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.lamports: dict[bytes, int] = {p.SYSTEM: 1, p.BUDGET: 1, p.VOTE: 1}
        self.tokens: dict[bytes, TokenAccount] = {}
        self._associated: dict[tuple[bytes, bytes], TokenAccount] = {}
        self._tails: dict[tuple[bytes, bytes], bytes] = {}

    def balance(self, key: bytes) -> int:
        """Lamports of an account."""
        return self.lamports.get(key, _RESIDENT_LAMPORTS)

    def wallet(self, name: str, lamports: int) -> bytes:
        """A wallet derived from the seed, holding `lamports` unless it is known already."""
        key = wallet_key(self.seed, name)
        self.lamports.setdefault(key, lamports)
        return key

    def associated(self, owner: bytes, mint: Mint) -> TokenAccount:
        """The associated token account of an owner; it may not exist yet."""
        found = self._associated.get((owner, mint.key))
        if found is None:
            address = get_associated_token_address(
                Pubkey.from_bytes(owner),
                Pubkey.from_bytes(mint.key),
                Pubkey.from_bytes(mint.program),
            )
            found = self.account(bytes(address), mint, owner)
            self._associated[owner, mint.key] = found
        return found

    def account(self, key: bytes, mint: Mint, owner: bytes) -> TokenAccount:
        """Register a token account that does not exist on the chain yet."""
        tail = self._tails.get((owner, mint.program))
        if tail is None:
            tail = field(b"\x22", address_of(owner).encode()) + _PROGRAM_FIELDS[mint.program]
            self._tails[owner, mint.program] = tail
        account = TokenAccount(key, mint, owner, tail)
        self.tokens[key] = account
        self.lamports[key] = 0
        return account

    def endow(self, account: TokenAccount, amount: int) -> TokenAccount:
        """Give a token account its first balance before the market opens."""
        account.exists = True
        account.amount = amount
        wrapped = amount if account.mint is WSOL else 0
        self.lamports[account.key] = account.mint.rent + wrapped
        return account
