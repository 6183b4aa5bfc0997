"""What JetStream's refusals mean to who asked: to wait, or that it will never be. Pure."""

from __future__ import annotations

from typing import Final

# The status of a broker that cannot answer now, as is that of an inbox that nobody serves.
UNAVAILABLE: Final = 503
INTERNAL: Final = 500
# JetStream's own numbers. The stream is full.
ERR_FULL: Final = 10077
# A message is over its stream's size limit.
ERR_TOO_LARGE: Final = 10054
# A message meets another one, with its Msg-Id or on its subject, which the replicas have not
# agreed on yet: neither stored nor refused.
ERR_IN_PROCESS: Final = frozenset({10158, 10164})


def passes(code: int, err_code: int) -> str:
    """Why the broker will take a message that it refused, but later; empty where it never will.

    Args:
        code: The status of the refusal.
        err_code: JetStream's own number for it.
    """
    if err_code == ERR_FULL:
        return "full"
    if err_code in ERR_IN_PROCESS:
        return "in_process"
    return "unavailable" if code in {INTERNAL, UNAVAILABLE} else ""
