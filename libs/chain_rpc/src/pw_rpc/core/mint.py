"""A mint's account, of either token program, and what is known from it. Pure.

Layout (little endian): mint authority as tag u32 and key, supply u64, decimals u8, initialised u8,
freeze authority as tag and key: 82 bytes. With extensions a Token-2022 mint goes on at byte 165,
where a holder's account would end: what kind of account it is, then the extensions.

Source: `Mint` of spl-token and spl-token-2022-interface, checked 2026-11-27.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from pw_common.documents.mint_facts import MintExtension
from pw_rpc.core.extensions import (
    METADATA_POINTER,
    TOKEN_METADATA,
    BadAccount,
    key_of,
    read_extensions,
)
from pw_rpc.core.metadata import Names, read_token_metadata

_MINT: Final = struct.Struct("<I32sQBBI32s")
MINT_BYTES: Final = _MINT.size
HOLDER_BYTES: Final = 165
MULTISIG_BYTES: Final = 355
# The byte that says what kind of account it is.
IS_MINT: Final = 1


class Mint(NamedTuple):
    """What stands in it. `names` are those of its own extension, `pointer` where it says they are.

    Authorities are None where there is none; `extensions_cut`: there may be more.
    """

    supply_raw: int
    decimals: int
    mint_authority: str | None
    freeze_authority: str | None
    extensions: tuple[MintExtension, ...] = ()
    extensions_cut: bool = False
    names: Names | None = None
    pointer: str | None = None


def decode_mint(data: bytes, *, is_2022: bool, whole_bytes: int | None = None) -> Mint:
    """What a mint's account says.

    Args:
        data: Its bytes from the first on.
        is_2022: Whether Token-2022 owns it; else the first token program.
        whole_bytes: How many it has in all, where `data` may be a part.

    Raises:
        BadAccount: it is no mint.
    """
    size = max(len(data), whole_bytes or 0)
    if len(data) < MINT_BYTES:
        raise BadAccount(f"an account of {size} bytes, and a mint has {MINT_BYTES}")
    _check_is_mint(data, size, is_2022=is_2022)
    minter, minter_key, supply, decimals, initialised, freezer, freezer_key = _MINT.unpack_from(
        data
    )
    if initialised != 1:
        raise BadAccount("a mint that was never made ready")
    mint = Mint(
        supply_raw=supply,
        decimals=decimals,
        mint_authority=_option(minter, minter_key),
        freeze_authority=_option(freezer, freezer_key),
    )
    if size == MINT_BYTES:
        return mint
    listed = read_extensions(data[HOLDER_BYTES + 1 :], cut=len(data) < size)
    # Of two with the same number the programs read the first.
    values = {one.number: value for one, value in reversed(listed.extensions)}
    return mint._replace(
        extensions=tuple(one for one, _ in listed.extensions),
        extensions_cut=listed.cut,
        names=_names(values.get(TOKEN_METADATA)),
        pointer=_pointer(listed.extensions),
    )


def _check_is_mint(data: bytes, size: int, *, is_2022: bool) -> None:
    if size == MINT_BYTES:
        return
    if not is_2022 or size in {HOLDER_BYTES, MULTISIG_BYTES}:
        raise BadAccount(f"an account of {size} bytes, which is a holder's or a group's")
    if len(data) <= HOLDER_BYTES or data[HOLDER_BYTES] != IS_MINT:
        raise BadAccount("an account of Token-2022 that is no mint")


def _option(tag: int, key: bytes) -> str | None:
    if tag > 1:
        raise BadAccount("an authority that is neither there nor not there")
    # A key of zeros nobody can sign for.
    return key_of(key) if tag else None


def _names(value: bytes | None) -> Names | None:
    """Names that cannot be read cost the mint nothing else."""
    try:
        return None if value is None else read_token_metadata(value)
    except BadAccount:
        return None


def _pointer(extensions: tuple[tuple[MintExtension, bytes], ...]) -> str | None:
    for one, _ in extensions:
        if one.number == METADATA_POINTER:
            found = one.says.get("metadata")
            return found if isinstance(found, str) else None
    return None
