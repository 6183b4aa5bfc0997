"""The keys of a signed webhook, as Standard Webhooks writes them: `whsec_` and base64.

Several, separated by a space, all sign: so a key is changed without a message that the receiver
cannot verify.
"""

from __future__ import annotations

import base64
import re
from typing import Final

PREFIX: Final = "whsec_"
KEYS_MAX: Final = 4
KEY_BYTES_MIN: Final = 16
# Of a key without the prefix, which older configurations have.
KEY_CHARACTERS_MIN: Final = 16
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class BadKey(ValueError):
    """A secret that cannot sign; says what is allowed and never what it holds."""


def signing_keys(secret: str) -> list[bytes]:
    """Every key of a channel's secret, the newest first.

    Raises:
        BadKey: one of them is not a key, or there are too many.
    """
    keys = [_key(text) for text in secret.split(" ")]
    if len(keys) > KEYS_MAX:
        raise BadKey(f"at most {KEYS_MAX} keys, separated by a space")
    return keys


def _key(text: str) -> bytes:
    coded = text.removeprefix(PREFIX)
    is_base64 = _BASE64.fullmatch(coded) and len(coded.rstrip("=")) % 4 != 1
    if text.startswith(PREFIX):
        key = _decoded(coded) if is_base64 else b""
        if len(key) < KEY_BYTES_MIN:
            raise BadKey(f"after {PREFIX} base64 of at least {KEY_BYTES_MIN} bytes")
        return key
    if len(text) < KEY_CHARACTERS_MIN:
        raise BadKey(f"{PREFIX} and base64 of 24 to 64 bytes, to sign with")
    # The libraries of receivers read base64 without the prefix as well. Anything else is the key.
    return _decoded(coded) if is_base64 else text.encode()


def _decoded(coded: str) -> bytes:
    bare = coded.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4))
