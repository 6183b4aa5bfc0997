"""What a subscription lets us see, by its filter's name. Pure.

A message carries the name of the filter that it came through. What the filter leaves out was not
seen, which never means that it did not happen.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from pw_common.wire.messages import Coverage

ALL: Final = "all"
ALL_NON_VOTE: Final = "all-non-vote"
SUCCESSFUL: Final = "successful"
TOKEN_PROGRAMS: Final = "token-programs"  # noqa: S105
PROGRAMS: Final = "programs"
# Only what names one of some addresses: "followed-" and a digest of them.
FOLLOWED: Final = "followed"
# After the name where failed transactions are asked for as well.
WITH_FAILED: Final = "+failed"
# Written by an older version, or filled in afterwards: nothing is claimed.
UNKNOWN: Final = ""

# Each sees everything that the ones after it see of successful transactions.
BY_WIDTH: Final = (ALL, ALL_NON_VOTE, SUCCESSFUL, TOKEN_PROGRAMS, PROGRAMS)


def base(filter_: str) -> str:
    """A filter's name without what it says of failed transactions, or of addresses."""
    name = filter_.removesuffix(WITH_FAILED)
    return FOLLOWED if name.startswith(f"{FOLLOWED}-") else name


def followed(addresses: Iterable[str]) -> str:
    """The name of a filter that shows what names one of these addresses."""
    listed = "\n".join(sorted(set(addresses)))
    return f"{FOLLOWED}-{blake2b(listed.encode(), digest_size=4).hexdigest()}"


def is_known(filter_: str) -> bool:
    """Whether this version knows the name; another may be a newer version's."""
    return base(filter_) in {*BY_WIDTH, FOLLOWED}


def narrowest(filters: Iterable[str]) -> str:
    """The narrowest of several filters; UNKNOWN if any of them is, or if there is none."""
    found = list(filters)
    if not found or not all(map(is_known, found)):
        return UNKNOWN
    # Failed transactions are seen only where every filter shows them.
    order = (*BY_WIDTH, FOLLOWED)
    return max(found, key=lambda one: (order.index(base(one)), not one.endswith(WITH_FAILED), one))


def sees_every_venue(filter_: str) -> bool:
    """Whether every successful token trade is seen, whatever program made it."""
    return base(filter_) in {ALL, ALL_NON_VOTE, SUCCESSFUL, TOKEN_PROGRAMS}


def sees_every_transfer(filter_: str) -> bool:
    """Whether SOL that moves without any token is seen: a wallet's funding."""
    return base(filter_) in {ALL, ALL_NON_VOTE, SUCCESSFUL}


def transfer_coverage(filter_: str) -> Coverage:
    """Which SOL transfers a filter shows: none known, those beside tokens, or all."""
    if not is_known(filter_) or base(filter_) == FOLLOWED:
        return "none"
    return "full" if sees_every_transfer(filter_) else "partial"
