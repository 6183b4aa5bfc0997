"""Borsh layouts as tables of named fields, and how an Anchor program tags what it writes.

A layout is read from the front; what follows its last field is ignored, since
programs only ever append fields. Data that ends before the last field is `Short`:
the program no longer writes what the table says.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from pw_parser.core.decode.transaction import address

Value: TypeAlias = int | bytes | str
Values: TypeAlias = dict[str, Value]

TAG_BYTES: Final = 8
KEY_BYTES: Final = 32
# Anchor's tag of an event that a program sends to itself, before the event's own tag.
EVENT_TAG: Final = bytes.fromhex("e445a52e51cb9a1d")
# The first bytes of an instruction to a program's IDL account, which every Anchor program takes.
ANCHOR_IDL_TAG: Final = bytes.fromhex("40f4bc78a7e9690a")
STRING_BYTES_MAX: Final = 1_024

_FIXED: Final[Mapping[str, str]] = {
    "bool": "B",
    "u8": "B",
    "u16": "H",
    "u32": "I",
    "u64": "Q",
    "u128": "16s",
    "i32": "i",
    "i64": "q",
    "key": "32s",
}


class Short(ValueError):
    """Data that ends before its layout does; the message names the layout and the field."""


class Layout(NamedTuple):
    """Fields in the order in which the program writes them: (name, kind).

    Kinds: bool u8 u16 u32 u64 u128 i32 i64 key string.
    """

    name: str
    fields: tuple[tuple[str, str], ...]


class _Run(NamedTuple):
    """Neighbouring fields of fixed size, unpacked at once."""

    names: tuple[str, ...]
    packed: struct.Struct


class Compiled:
    """A layout that is ready to read."""

    def __init__(self, layout: Layout) -> None:
        self.name = layout.name
        self._steps: list[_Run | str] = []
        names: list[str] = []
        codes = ""
        for name, kind in layout.fields:
            if kind == "string":
                self._flush(names, codes)
                names, codes = [], ""
                self._steps.append(name)
            else:
                names.append(name)
                codes += _FIXED[kind]
        self._flush(names, codes)

    def _flush(self, names: list[str], codes: str) -> None:
        if names:
            self._steps.append(_Run(tuple(names), struct.Struct("<" + codes)))

    def read(self, data: bytes) -> Values:
        """The fields of `data`, which starts behind the tag; see `read_from`."""
        return self.read_from(data, 0)[0]

    def read_from(self, data: bytes, at: int) -> tuple[Values, int]:
        """The fields from an offset on, and the offset behind them.

        Integers as int, bool as 0 or 1, u128 as its 16 bytes, key as 32 bytes, string as str.

        Raises:
            Short: `data` ends too early, or a string is longer than what is there.
        """
        values: Values = {}
        for step in self._steps:
            if isinstance(step, str):
                values[step], at = self._string(step, data, at)
            elif at + step.packed.size > len(data):
                raise Short(f"{self.name} ends within {step.names[0]}..{step.names[-1]}")
            else:
                values.update(zip(step.names, step.packed.unpack_from(data, at), strict=True))
                at += step.packed.size
        return values, at

    def _string(self, name: str, data: bytes, at: int) -> tuple[str, int]:
        end = at + 4
        length = int.from_bytes(data[at:end], "little")
        if end > len(data) or length > STRING_BYTES_MAX or end + length > len(data):
            raise Short(f"{self.name} ends within {name}")
        return data[end : end + length].decode("utf-8", "replace").rstrip("\0"), end + length


def event_tag(name: str) -> bytes:
    """The first eight bytes of an Anchor event: sha-256 of `event:Name`."""
    return hashlib.sha256(f"event:{name}".encode()).digest()[:TAG_BYTES]


def instruction_tag(name: str) -> bytes:
    """The first eight bytes of an Anchor instruction: sha-256 of `global:snake_name`."""
    return hashlib.sha256(f"global:{name}".encode()).digest()[:TAG_BYTES]


def instruction_tags(*names: str) -> dict[bytes, str]:
    """Tag -> name of Anchor instructions."""
    return {instruction_tag(name): name for name in names}


def event_tags(*names: str) -> frozenset[bytes]:
    """Tags of Anchor events."""
    return frozenset(event_tag(name) for name in names)


def number(values: Values, name: str) -> int:
    """An integer field."""
    value = values[name]
    assert isinstance(value, int)
    return value


def key(values: Values, name: str) -> str:
    """A public key field, base58."""
    value = values[name]
    assert isinstance(value, bytes)
    return address(value)


def text(values: Values, name: str) -> str:
    """A string field."""
    value = values[name]
    assert isinstance(value, str)
    return value
