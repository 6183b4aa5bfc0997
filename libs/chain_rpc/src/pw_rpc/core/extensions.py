"""The extensions of a Token-2022 mint: type, length, value, one after another. Pure.

What is in the table has a name; what has fields there is read too. A number that is not in it, and
a value of another length than its fields have, is listed all the same: a list only names.

Source: `ExtensionType` and the structs of spl-token-2022-interface, checked 2026-11-27.
"""

from __future__ import annotations

import math
import struct
from typing import Final, NamedTuple, TypeAlias

from solders.pubkey import Pubkey

from pw_common.documents.mint_facts import MintExtension, Said

KEY_BYTES: Final = 32
NOBODY: Final = bytes(KEY_BYTES)
# More than there are types; only garbage, or a liar, has more.
EXTENSIONS_MAX: Final = 32
METADATA_POINTER: Final = 18
TOKEN_METADATA: Final = 19
# An account state of 2 is a frozen one.
FROZEN: Final = 2
_HEAD: Final = struct.Struct("<HH")
# Of each kind of field its format, as `struct` has it.
_KINDS: Final = {
    "key": "32s",
    "flag": "B",
    "frozen": "B",
    "u16": "H",
    "u64": "Q",
    "i16": "h",
    "i64": "q",
    "f64": "d",
}
Fields: TypeAlias = tuple[tuple[str, str], ...]


class BadAccount(ValueError):
    """The bytes of an account that cannot be what they should be; says why."""


class _Known(NamedTuple):
    name: str
    fields: Fields = ()


# By the number of their type. Those of holders' accounts stand here too, for their names.
KNOWN: Final = {
    1: _Known(
        "transfer_fee",
        (
            ("authority", "key"),
            ("withdraw_authority", "key"),
            ("withheld_raw", "u64"),
            ("former_epoch", "u64"),
            ("former_fee_max_raw", "u64"),
            ("former_fee_bps", "u16"),
            ("epoch", "u64"),
            ("fee_max_raw", "u64"),
            ("fee_bps", "u16"),
        ),
    ),
    2: _Known("transfer_fee_amount"),
    3: _Known("mint_close_authority", (("authority", "key"),)),
    4: _Known(
        "confidential_transfer",
        (("authority", "key"), ("auto_approve", "flag"), ("auditor_key", "key")),
    ),
    5: _Known("confidential_transfer_account"),
    6: _Known("default_account_state", (("frozen", "frozen"),)),
    7: _Known("immutable_owner"),
    8: _Known("memo_transfer"),
    9: _Known("non_transferable"),
    10: _Known(
        "interest_bearing",
        (
            ("authority", "key"),
            ("begun_s", "i64"),
            ("former_rate_bps", "i16"),
            ("updated_s", "i64"),
            ("rate_bps", "i16"),
        ),
    ),
    11: _Known("cpi_guard"),
    12: _Known("permanent_delegate", (("delegate", "key"),)),
    13: _Known("non_transferable_account"),
    14: _Known("transfer_hook", (("authority", "key"), ("program", "key"))),
    15: _Known("transfer_hook_account"),
    16: _Known("confidential_transfer_fee"),
    17: _Known("confidential_transfer_fee_amount"),
    METADATA_POINTER: _Known("metadata_pointer", (("authority", "key"), ("metadata", "key"))),
    TOKEN_METADATA: _Known("token_metadata"),
    20: _Known("group_pointer", (("authority", "key"), ("group", "key"))),
    21: _Known("token_group"),
    22: _Known("group_member_pointer", (("authority", "key"), ("member", "key"))),
    23: _Known("token_group_member"),
    24: _Known("confidential_mint_burn"),
    25: _Known(
        "scaled_ui_amount",
        (
            ("authority", "key"),
            ("multiplier", "f64"),
            ("new_multiplier_from_s", "i64"),
            ("new_multiplier", "f64"),
        ),
    ),
    26: _Known("pausable", (("authority", "key"), ("paused", "flag"))),
    27: _Known("pausable_account"),
    28: _Known("permissioned_burn", (("authority", "key"),)),
}


class Listed(NamedTuple):
    """The extensions of a mint with their bytes, in order; `cut`: there may be more."""

    extensions: tuple[tuple[MintExtension, bytes], ...]
    cut: bool


def read_extensions(data: bytes, *, cut: bool) -> Listed:
    """All extensions that stand in these bytes.

    Args:
        data: From the first one's type on.
        cut: Whether the account goes on behind them.

    Raises:
        BadAccount: one is longer than what there is.
    """
    found: list[tuple[MintExtension, bytes]] = []
    at = 0
    while len(data) - at >= _HEAD.size:
        number, length = _HEAD.unpack_from(data, at)
        if number == 0:
            return Listed(tuple(found), cut=False)  # The room behind the last one.
        begin, at = at + _HEAD.size, at + _HEAD.size + length
        if at > len(data):
            if not cut:
                raise BadAccount(f"extension {number} claims {length} bytes, which are not there")
            break
        if len(found) == EXTENSIONS_MAX:
            return Listed(tuple(found), cut=True)
        value = data[begin:at]
        found.append((_extension(number, value), value))
    return Listed(tuple(found), cut)


def key_of(raw: bytes) -> str | None:
    """An address in base58; None where its 32 bytes are zero, which stands for nobody."""
    return None if raw == NOBODY else str(Pubkey(raw))


def _extension(number: int, value: bytes) -> MintExtension:
    known = KNOWN.get(number)
    if known is None:
        return MintExtension(number=number, name=None)
    layout = struct.Struct("<" + "".join(_KINDS[kind] for _, kind in known.fields))
    if layout.size != len(value):
        return MintExtension(number=number, name=known.name)
    says = {
        name: _said(kind, one)
        for (name, kind), one in zip(known.fields, layout.unpack(value), strict=True)
    }
    return MintExtension(number=number, name=known.name, says=says)


def _said(kind: str, value: bytes | float) -> Said:
    if isinstance(value, bytes):
        return key_of(value)
    if kind == "flag":
        return value != 0
    if kind == "frozen":
        return value == FROZEN
    # A float that is no number has no place in JSON.
    return value if math.isfinite(value) else None
