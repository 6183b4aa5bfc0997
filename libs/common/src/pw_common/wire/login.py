"""How a browser gets in: a one-time code in a link, then a cookie. Both follow from the token.

Pure. A code and a cookie are signed statements with an end, so nobody has to remember which were
given out. Anyone with the token can make a code; only the API takes one, and once. Neither holds
the token, and a new token ends all of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

NONCE_BYTES: Final = 16
CODE_LIFE_MS: Final = 10 * 60 * 1000
SESSION_LIFE_MS: Final = 7 * 24 * 3600 * 1000
LOGIN_PATH: Final = "/login"
# Longer than any statement of ours: what is longer is not looked at.
TEXT_MAX: Final = 128

_CODE: Final = b"pocketwatcher login code"
_SESSION: Final = b"pocketwatcher session"
_NAME: Final = b"pocketwatcher cookie name"


@dataclass(frozen=True)
class Statement:
    """What a code or a cookie says: which one it is, and from when until when it holds."""

    nonce: str
    issued_ms: int
    expires_ms: int


def new_code(token: str, nonce: bytes, now_ms: int) -> str:
    """A code for one login within CODE_LIFE_MS."""
    return _signed(token, _CODE, nonce, now_ms + CODE_LIFE_MS)


def read_code(token: str, text: str, now_ms: int) -> Statement | None:
    """What a code says; None where it is not one, or no longer."""
    return _read(token, _CODE, text, now_ms, CODE_LIFE_MS)


def new_session(token: str, nonce: bytes, now_ms: int) -> str:
    """The value of a cookie that holds for SESSION_LIFE_MS."""
    return _signed(token, _SESSION, nonce, now_ms + SESSION_LIFE_MS)


def session_holds(token: str, text: str, now_ms: int) -> bool:
    """Whether this is the value of a cookie that still holds."""
    return _read(token, _SESSION, text, now_ms, SESSION_LIFE_MS) is not None


def cookie_name(token: str) -> str:
    """The cookie of the instance with this token: cookies ignore ports, names do not."""
    return f"pw_session_{_mac(token, _NAME, b'').hex()[:8]}"


def login_url(base: str, token: str, nonce: bytes, now_ms: int) -> str:
    """The link that opens the page once."""
    return f"{base.rstrip('/')}{LOGIN_PATH}?code={new_code(token, nonce, now_ms)}"


def _signed(token: str, purpose: bytes, nonce: bytes, expires_ms: int) -> str:
    said = f"{expires_ms:x}.{_text(nonce)}"
    return f"{said}.{_text(_mac(token, purpose, said.encode()))}"


def _read(token: str, purpose: bytes, text: str, now_ms: int, life_ms: int) -> Statement | None:
    said, _, signature = text[: TEXT_MAX + 1].rpartition(".")
    ends, _, nonce = said.partition(".")
    if len(text) > TEXT_MAX or not text.isascii() or not nonce:
        return None
    # Compared as bytes, in a time that does not depend on where they differ.
    if not hmac.compare_digest(_bytes(signature), _mac(token, purpose, said.encode())):
        return None
    expires_ms = int(ends, 16)
    # A clock that went back must not lengthen a life.
    if not now_ms < expires_ms <= now_ms + life_ms + life_ms // 10:
        return None
    return Statement(nonce, expires_ms - life_ms, expires_ms)


def _mac(token: str, purpose: bytes, said: bytes) -> bytes:
    key = hmac.new(token.encode(), purpose, hashlib.sha256).digest()
    return hmac.new(key, said, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
