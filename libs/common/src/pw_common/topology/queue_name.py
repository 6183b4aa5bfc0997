"""Which PW_TX a sequence belongs to: when it was made, and after which sequences it was restored.

A copy of PW_TX ends before that of PW_SWAP, so a restored queue gives out sequences again for
which answers are stored. The name tells them apart: `2026-01-01T00:00:00Z+46` continues
`2026-01-01T00:00:00Z` through sequence 46, and everything from 47 on is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pw_common.topology.streams import stream_created

# In a restored PW_TX's metadata: `+46`, and one more for each time that it was restored.
METADATA_RESTORED: Final = "pw-restored"
MARK: Final = "+"


def queue_name(info: Mapping[str, Any]) -> str:
    """The name of a PW_TX; `info` is its STREAM.INFO answer."""
    metadata = info["config"].get("metadata") or {}
    return stream_created(info) + str(metadata.get(METADATA_RESTORED) or "")


def restored_mark(config: Mapping[str, Any], last_seq: int) -> str:
    """The mark of a stream that is restored from a copy with this configuration and end."""
    metadata = config.get("metadata") or {}
    return f"{metadata.get(METADATA_RESTORED) or ''}{MARK}{last_seq}"


def continued_through(older: str, newer: str) -> int | None:
    """The last sequence that means the same in both; None where `newer` does not continue `older`.

    A name whose marks are not numbers continues nothing.
    """
    return shared_through(older, newer) if newer.startswith(f"{older}{MARK}") else None


def shared_through(one: str, other: str) -> int | None:
    """The last sequence that means the same in two queues; None where none does.

    Both may be copies of an older queue, such as `…Z+46` and `…Z+20`: what either has beyond
    20 is its own. A name whose marks are not numbers shares nothing with another.
    """
    ours, theirs = one.split(MARK), other.split(MARK)
    if ours[0] != theirs[0]:
        return None
    while ours and theirs and ours[0] == theirs[0]:
        del ours[0], theirs[0]
    marks = [*ours, *theirs]
    if not all(mark.isascii() and mark.isdigit() for mark in marks):
        return None
    return min(map(int, marks), default=None)


def means_the_same(older: str, newer: str, tx_seq: int) -> bool:
    """Whether a sequence of the queue `older` is the same message in the queue `newer`.

    Of two copies of one queue, as far as both have it. What a queue was before its restore is
    no newer than it is.
    """
    if older == newer:
        return True
    if older.startswith(f"{newer}{MARK}"):
        return False
    through = shared_through(older, newer)
    return through is not None and tx_seq <= through
