"""What a node's accounts say of a mint: its own, and the one that Metaplex keeps beside it. Pure.

| the mint's account         | what is said                                            |
| -------------------------- | ------------------------------------------------------- |
| none                       | `absent`                                                |
| of another program         | `not_a_mint`: whose it is                               |
| a holder's, or garbage     | `not_a_mint`: what is wrong with it                     |
| a mint                     | its facts, and a name where one is written for it       |

A Token-2022 mint says itself where its name is. In itself or at Metaplex it is read; a name that is
anywhere else is not shown, and neither is one that is written for another mint.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from solders.pubkey import Pubkey

from pw_common.documents.document import ready
from pw_common.documents.mint_facts import MintFacts, NamedIn
from pw_common.text.base58 import is_address
from pw_common.text.plain_text import plain_text
from pw_rpc.core.answers import Number, Text
from pw_rpc.core.extensions import BadAccount
from pw_rpc.core.metadata import METAPLEX, Names, metadata_address, read_metaplex
from pw_rpc.core.mint import Mint, decode_mint
from pw_rpc.core.unpacked import BadAnswer

SPL_TOKEN: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 - a program
TOKEN_2022: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105 - a program
# Of each account so much is asked for. A mint with every extension and a long name is 2 KB.
ACCOUNT_BYTES_MAX: Final = 16 * 1024
_Base64 = Annotated[str, Meta(max_length=4 * ACCOUNT_BYTES_MAX // 3 + 4)]


class Account(msgspec.Struct):
    """An account as a node shows it: its program, its bytes in base64, and how many it has."""

    owner: Text
    data: tuple[_Base64, Text]
    space: Number | None = None


class Context(msgspec.Struct):
    """At which slot it was so."""

    slot: Number


class Accounts(msgspec.Struct):
    """What getMultipleAccounts answers; null for an account that is not there."""

    context: Context
    value: Annotated[list[Account | None], Meta(max_length=2)]


ready(Accounts)


def accounts_of(mint: str) -> list[str]:
    """Which accounts are asked for, in the order of the answer. Raises ValueError: no address."""
    return [mint, metadata_address(mint)]


def facts_of(mint: str, found: Accounts, *, asked_ms: int, host: str) -> MintFacts:
    """The facts of a mint from what `accounts_of` was answered.

    Raises:
        BadAnswer: it is no answer to that.
    """
    if len(found.value) != len(accounts_of(mint)):
        raise BadAnswer(f"{len(found.value)} accounts, and two were asked for")
    nothing = MintFacts(
        mint=mint, kind="absent", slot=found.context.slot, asked_ms=asked_ms, host=host
    )
    account, beside = found.value
    if account is None:
        return nothing
    if account.owner not in {SPL_TOKEN, TOKEN_2022}:
        why = f"an account of the program {_address(account.owner)}"
        return msgspec.structs.replace(nothing, kind="not_a_mint", why=why)
    is_2022 = account.owner == TOKEN_2022
    try:
        read = decode_mint(_bytes(account), is_2022=is_2022, whole_bytes=account.space)
    except BadAccount as error:
        return msgspec.structs.replace(nothing, kind="not_a_mint", why=str(error))
    names, named_in = _names_of(mint, read, beside)
    return msgspec.structs.replace(
        nothing,
        kind="token_2022" if is_2022 else "spl_token",
        supply_raw=read.supply_raw,
        decimals=read.decimals,
        mint_authority=read.mint_authority,
        freeze_authority=read.freeze_authority,
        name=names and names.name,
        symbol=names and names.symbol,
        named_in=named_in,
        update_authority=names and names.update_authority,
        is_mutable=names and names.is_mutable,
        extensions=read.extensions,
        extensions_cut=read.extensions_cut,
    )


def _names_of(mint: str, read: Mint, beside: Account | None) -> tuple[Names | None, NamedIn | None]:
    where: NamedIn | None = None
    names: Names | None = None
    if read.pointer == mint:
        names, where = read.names, "token_2022"
    elif read.pointer in {None, metadata_address(mint)}:
        names, where = _beside(beside), "metaplex"
    if names is None or names.mint != bytes(Pubkey.from_string(mint)):
        return None, None
    return names, where


def _beside(account: Account | None) -> Names | None:
    """Names that cannot be read cost the mint nothing else."""
    if account is None or account.owner != METAPLEX:
        return None
    try:
        return read_metaplex(_bytes(account))
    except BadAccount:
        return None


def _bytes(account: Account) -> bytes:
    text, encoding = account.data
    if encoding != "base64":
        raise BadAnswer(f"an account in {plain_text(encoding)}, and base64 was asked for")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadAnswer("an account that is not base64") from error


def _address(text: str) -> str:
    return text if is_address(text) else plain_text(text)
