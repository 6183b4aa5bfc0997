"""Names of tokens: in a Token-2022 mint itself, or in the account that Metaplex keeps. Pure.

Anybody writes any bytes there. A name is given as it may be shown: one line, 32 characters.

Source: `TokenMetadata` of spl-token-metadata-interface, `Metadata` of mpl-token-metadata, checked
2026-11-27.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from solders.pubkey import Pubkey

from pw_common.text.plain_text import plain_text
from pw_rpc.core.extensions import KEY_BYTES, BadAccount, key_of

METAPLEX: Final = "metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s"
_METAPLEX: Final = Pubkey.from_string(METAPLEX)
# The first byte of an account that holds metadata.
METADATA_V1: Final = 4
# Of a creator: address, whether it signed, share.
CREATOR_BYTES: Final = 34
_U32: Final = struct.Struct("<I")


class Names(NamedTuple):
    """What a token is called. `is_mutable` is None where that is not written."""

    mint: bytes
    update_authority: str | None
    name: str | None
    symbol: str | None
    is_mutable: bool | None = None


def metadata_address(mint: str) -> str:
    """Where Metaplex keeps the metadata of a mint. Raises ValueError: that is no address."""
    seeds = [b"metadata", bytes(_METAPLEX), bytes(Pubkey.from_string(mint))]
    return str(Pubkey.find_program_address(seeds, _METAPLEX)[0])


def read_token_metadata(value: bytes) -> Names:
    """The value of a mint's extension. Raises BadAccount."""
    reader = _Reader(value)
    authority, mint = reader.take(KEY_BYTES), reader.take(KEY_BYTES)
    name, symbol = reader.text(), reader.text()
    return Names(mint, key_of(authority), _shown(name), _shown(symbol))


def read_metaplex(data: bytes) -> Names:
    """The account that Metaplex keeps. Raises BadAccount."""
    reader = _Reader(data)
    if reader.take(1)[0] != METADATA_V1:
        raise BadAccount("an account of Metaplex that holds no metadata")
    authority, mint = reader.take(KEY_BYTES), reader.take(KEY_BYTES)
    name, symbol = reader.text(), reader.text()
    return Names(mint, key_of(authority), _shown(name), _shown(symbol), _is_mutable(reader))


def _is_mutable(reader: _Reader) -> bool | None:
    """What stands behind the symbol; a name is worth showing without it."""
    try:
        reader.text()  # The link, which is never followed.
        reader.take(2)
        if reader.take(1)[0]:
            reader.take(reader.number() * CREATOR_BYTES)
        reader.take(1)
        return reader.take(1)[0] != 0
    except BadAccount:
        return None


def _shown(raw: bytes) -> str | None:
    # Metaplex fills up with zeros.
    return plain_text(raw.decode("utf-8", "replace").rstrip("\0")) or None


class _Reader:
    """Bytes from left to right; raises BadAccount where they end early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        begin, self._at = self._at, self._at + count
        if self._at > len(self._data):
            raise BadAccount("metadata that is cut off")
        return self._data[begin : self._at]

    def number(self) -> int:
        found: int = _U32.unpack(self.take(_U32.size))[0]
        return found

    def text(self) -> bytes:
        return self.take(self.number())
