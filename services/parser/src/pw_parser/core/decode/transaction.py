"""One transaction update as flat lists: keys, balances, token accounts.

Everything that later rules rely on is checked here, so that a broken update is
`Malformed` before any rule reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from google.protobuf.message import DecodeError
from solders.pubkey import Pubkey

from pw_geyser import geyser_pb2, solana_storage_pb2

KEY_BYTES: Final = 32
_KEY_SIZES: Final = frozenset({KEY_BYTES})
SIGNATURE_BYTES: Final = 64
DECIMALS_MAX: Final = 255
ADDRESS_CACHE_SIZE: Final = 16_384
U64_MAX: Final = 2**64 - 1
U64_DIGITS_MAX: Final = len(str(U64_MAX))


AnyInstruction: TypeAlias = (
    solana_storage_pb2.CompiledInstruction | solana_storage_pb2.InnerInstruction
)


class Malformed(ValueError):
    """An update that cannot be read; the message says what is wrong with it."""


class TokenAccount(NamedTuple):
    """A token account that the transaction names, with both balances in raw units.

    `existed` is false for one that had no balance entry before (opened here).
    """

    account_index: int
    mint: str
    owner: str
    decimals: int
    pre_raw: int
    post_raw: int
    existed: bool


@lru_cache(maxsize=ADDRESS_CACHE_SIZE)
def address(key: bytes) -> str:
    """Base58 of a 32 byte key; programs, mints and pools come again and again."""
    return str(Pubkey.from_bytes(key))


class View(NamedTuple):
    """A successful, non-vote transaction, flat. `keys` includes the loaded addresses."""

    signature: bytes
    slot: int
    tx_index: int
    keys: list[bytes]
    signer_count: int
    fee_lamports: int
    pre_lamports: list[int]
    post_lamports: list[int]
    tokens: list[TokenAccount]
    message: solana_storage_pb2.Message
    meta: solana_storage_pb2.TransactionStatusMeta

    def address(self, index: int) -> str:
        """Base58 of an account's key."""
        return address(self.keys[index])

    def checked_address(self, index: int) -> str:
        """The same for an index as an instruction names it. Raises Malformed if it is none."""
        if index >= len(self.keys):
            raise Malformed(f"instruction account {index}, but there are {len(self.keys)} accounts")
        return address(self.keys[index])

    def instructions(self) -> Iterator[AnyInstruction]:
        """All instructions: the outer ones, then those that they called."""
        yield from self.message.instructions
        for group in self.meta.inner_instructions:
            yield from group.instructions


def message_of(update: bytes) -> geyser_pb2.SubscribeUpdate:
    """An update as received.

    Raises:
        Malformed: it cannot be decoded.
    """
    try:
        return geyser_pb2.SubscribeUpdate.FromString(update)
    except DecodeError as error:
        raise Malformed(f"not a SubscribeUpdate: {error}") from error


def info_of(
    update: geyser_pb2.SubscribeUpdateTransaction,
) -> geyser_pb2.SubscribeUpdateTransactionInfo:
    """The transaction info, once its required parts are there.

    Raises:
        Malformed: without info, signature, message or meta.
    """
    if not update.HasField("transaction"):
        raise Malformed("transaction update without transaction info")
    info = update.transaction
    if len(info.signature) != SIGNATURE_BYTES:
        raise Malformed(f"signature of {len(info.signature)} bytes, expected {SIGNATURE_BYTES}")
    if not info.HasField("transaction") or not info.transaction.HasField("message"):
        raise Malformed("transaction without message")
    if not info.HasField("meta"):
        raise Malformed("transaction without meta")
    return info


def view_of(info: geyser_pb2.SubscribeUpdateTransactionInfo, slot: int) -> View:
    """Flatten and check a transaction.

    Raises:
        Malformed: naming the first part that contradicts the others.
    """
    meta = info.meta
    message = info.transaction.message
    keys = [*message.account_keys, *meta.loaded_writable_addresses]
    keys += meta.loaded_readonly_addresses
    count = len(keys)
    if set(map(len, keys)) - _KEY_SIZES:
        odd = next(key for key in keys if len(key) != KEY_BYTES)
        raise Malformed(f"account key of {len(odd)} bytes, expected {KEY_BYTES}")
    signer_count = message.header.num_required_signatures
    if not 0 < signer_count <= len(message.account_keys):
        raise Malformed(f"{signer_count} signers among {len(message.account_keys)} account keys")
    pre, post = list(meta.pre_balances), list(meta.post_balances)
    if len(pre) != count or len(post) != count:
        raise Malformed(f"{len(pre)} pre and {len(post)} post balances for {count} accounts")
    return View(
        signature=info.signature,
        slot=slot,
        tx_index=info.index,
        keys=keys,
        signer_count=signer_count,
        fee_lamports=meta.fee,
        pre_lamports=pre,
        post_lamports=post,
        tokens=_token_accounts(meta, count),
        message=message,
        meta=meta,
    )


def _token_accounts(
    meta: solana_storage_pb2.TransactionStatusMeta, key_count: int
) -> list[TokenAccount]:
    before = {row[0]: row for row in _rows(meta.pre_token_balances, key_count)}
    accounts: list[TokenAccount] = []
    made = TokenAccount._make
    for index, mint, owner, decimals, raw in _rows(meta.post_token_balances, key_count):
        earlier = before.pop(index, None)
        if earlier is not None and earlier[1] == mint and earlier[2] == owner:
            accounts.append(made((index, mint, owner, decimals, earlier[4], raw, True)))
            continue
        # Another mint or owner under the same address: one account closed, one opened.
        accounts.append(made((index, mint, owner, decimals, 0, raw, False)))
        if earlier is not None:
            before[index] = earlier
    for index, mint, owner, decimals, raw in before.values():
        accounts.append(made((index, mint, owner, decimals, raw, 0, True)))
    return accounts


def _rows(
    balances: Iterable[solana_storage_pb2.TokenBalance], key_count: int
) -> list[tuple[int, str, str, int, int]]:
    """(account index, mint, owner, decimals, raw amount) of each balance."""
    rows = []
    for balance in balances:
        index, amount = balance.account_index, balance.ui_token_amount
        if index >= key_count:
            raise Malformed(f"token balance of account {index}, but there are {key_count} accounts")
        digits, decimals = amount.amount, amount.decimals
        if not (len(digits) <= U64_DIGITS_MAX and digits.isdigit() and digits.isascii()):
            raise Malformed(f"token amount {digits[:40]!r} is not a decimal number of raw units")
        raw = int(digits)
        if raw > U64_MAX or decimals > DECIMALS_MAX:
            raise Malformed(f"token amount {raw} with {decimals} decimals is out of range")
        rows.append((index, balance.mint, balance.owner, decimals, raw))
    return rows
