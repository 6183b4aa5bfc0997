"""What can be wrong with a store, in words that name no credentials."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

Fault = Literal["away", "refused", "full"]
# A client's own text may show a request; only these signs of it are looked at.
_FULL: Final = (
    "os error 28)", "os error 122)", "XMinioStorageFull", "QuotaExceeded", "InsufficientStorage",
    "EntityTooLarge", "507 Insufficient",
)  # fmt: skip
_REFUSED: Final = (
    "os error 1)", "os error 13)", "os error 20)", "os error 30)", "NoSuchBucket", "AccessDenied",
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "401 Unauthorized", "403 Forbidden",
    "PermanentRedirect", "BadScheme", "URL scheme is not allowed", "CredentialsError",
)  # fmt: skip


class StoreFault(Exception):
    """The store did not do what it was asked; nothing is lost, and the next turn tries again."""

    fault: ClassVar[Fault] = "away"


class StoreAway(StoreFault):
    """It does not answer, or not in time, or with an error of its own."""


class StoreRefused(StoreFault):
    """It answers, and refuses: credentials, rights, no such bucket or folder."""

    fault = "refused"


class StoreFull(StoreFault):
    """There is no room: the disk is full, or a quota is used up."""

    fault = "full"


class NotThere(Exception):
    """The store has no such file."""


FAILURES: Final = (BaseError, OSError, ValueError)


def fault_of(error: Exception, what: str) -> StoreFault | NotThere:
    """The named exception of a client's failure.

    Args:
        error: One of FAILURES.
        what: What was asked, for a person: "cannot write swaps/…".
    """
    text = str(error)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError):
        return StoreRefused(f"{what}: access is refused")
    for sign in _FULL:
        if sign in text:
            return StoreFull(f"{what}: there is no room")
    for sign in _REFUSED:
        if sign in text:
            return StoreRefused(f"{what}: refused ({sign.removesuffix(')')})")
    if isinstance(error, FileNotFoundError):
        return NotThere(f"{what}: there is no such file")
    return StoreAway(f"{what}: no usable answer")
