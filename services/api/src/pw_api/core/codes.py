"""Which login codes were taken, each once. Pure; the time is an argument."""

from __future__ import annotations

from typing import Final

from pw_common.wire.login import Statement, read_code

# Each stands for a login within the last ten minutes by somebody who has the token.
USED_MAX: Final = 10_000


class Codes:
    """Takes codes of one token. What was taken is remembered until it would have ended anyway."""

    def __init__(self, token: str, started_ms: int) -> None:
        self._token = token
        # What was taken before this start is forgotten, so nothing that is older is taken.
        self._started_ms = started_ms
        self._used: dict[str, int] = {}

    def take(self, text: str, now_ms: int) -> bool:
        """Whether this code opens the door; it will not do so again."""
        code = read_code(self._token, text, now_ms)
        if code is None or code.issued_ms < self._started_ms or code.nonce in self._used:
            return False
        self._forget(now_ms)
        if len(self._used) >= USED_MAX:
            return False
        self._remember(code)
        return True

    def _remember(self, code: Statement) -> None:
        self._used[code.nonce] = code.expires_ms

    def _forget(self, now_ms: int) -> None:
        self._used = {nonce: ends for nonce, ends in self._used.items() if ends > now_ms}
