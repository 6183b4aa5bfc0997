"""Addresses: 32 bytes, written in base58. Pure."""

from __future__ import annotations

import re
from typing import Final

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
KEY_BYTES: Final = 32
ADDRESS_CHARACTERS_MAX: Final = 44
_DIGIT: Final = {sign: value for value, sign in enumerate(ALPHABET)}
_SHAPE: Final = re.compile(rf"[{ALPHABET}]{{32,{ADDRESS_CHARACTERS_MAX}}}", re.ASCII)


def is_address(text: str) -> bool:
    """Whether a text is the address of a 32-byte key."""
    if not _SHAPE.fullmatch(text):
        return False
    # Leading ones are leading zero bytes; the rest is one number.
    rest = text.lstrip("1")
    number = 0
    for sign in rest:
        number = number * 58 + _DIGIT[sign]
    return len(text) - len(rest) + (number.bit_length() + 7) // 8 == KEY_BYTES
