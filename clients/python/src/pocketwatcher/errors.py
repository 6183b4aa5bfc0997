"""What can go wrong, each as a type of its own: what was wrong, where, and what to do.

No message and no attribute holds the token: `transport` takes it out of whatever was answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec

TEXT_CHARS_MAX: Final = 500
FIELDS_MAX: Final = 20
RETRY_AFTER_S_MAX: Final = 300
LATER: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class PocketwatcherError(Exception):
    """Whatever this package raises on purpose."""


class BadSetting(PocketwatcherError, ValueError):
    """An address, an id, a token, its file or the name of a file that cannot be used."""


class NoSystem(PocketwatcherError):
    """No system runs here, or several do and none was chosen."""


class NotReached(PocketwatcherError):
    """Nobody answered, or not in time."""


class BrokeOff(NotReached):
    """A file ended before it was whole. Nothing is left of it; what was there before still is."""


class TooManyRows(PocketwatcherError):
    """All rows were asked for as one file, and there are more than one may have."""


class NotWritten(PocketwatcherError):
    """A file could not be written: its folder is missing, or the disk is full, for example."""


class BadAnswer(PocketwatcherError):
    """What came is no answer of Pocketwatcher's API, or one that this client cannot read."""


class Refused(PocketwatcherError):
    """The API said no.

    `status` is that of HTTP, `detail` what the API says about it.
    """

    def __init__(self, status: int, detail: str, advice: str = "") -> None:
        super().__init__(" ".join(filter(None, (f"{status}: {detail}", advice))))
        self.status = status
        self.detail = detail


class WrongToken(Refused):
    """The API wants its token: none was given, or that of another system."""


class NotFound(Refused):
    """There is no such thing, or it is kept no longer."""


class BadQuestion(Refused):
    """Something that was asked for is not possible; `fields` says what is wrong with which."""

    def __init__(self, status: int, detail: str, fields: Mapping[str, str]) -> None:
        super().__init__(status, detail)
        self.fields = dict(fields)


class NotNow(Refused):
    """Not now, but later perhaps: history or the broker is away or busy.

    `retry_after_s` is when to ask again, in seconds; None where the API does not say.
    """

    def __init__(self, status: int, detail: str, retry_after_s: int | None) -> None:
        later = "later" if retry_after_s is None else f"in {retry_after_s} s"
        super().__init__(status, detail, f"Ask again {later}.")
        self.retry_after_s = retry_after_s


class Failed(Refused):
    """The API, or a proxy before it, has a fault of its own."""


class BadManifest(PocketwatcherError):
    """No manifest of exported hours, or one that this version does not read."""


class NotReadable(PocketwatcherError):
    """A file of exported hours is gone or damaged: it was replaced meanwhile, or changed."""


class MissingPackage(PocketwatcherError, ImportError):
    """A dataframe was asked for without the package that makes it."""


class _Problem(msgspec.Struct):
    """RFC 9457, as far as it is used."""

    title: str = ""
    detail: str = ""
    errors: list[dict[str, str]] | None = None


def refusal(status: int, retry_after: str, body: bytes, shown: Callable[[str], str]) -> Refused:
    """The error for an answer that is not a success.

    Args:
        retry_after: That header; empty where there is none.
        body: problem+json, or anything at all: a proxy may have answered.
        shown: What may be shown of a text out of the body.
    """
    problem = _problem(body)
    detail = shown(problem.detail or problem.title) or _phrase(status)
    if status == HTTPStatus.UNAUTHORIZED:
        return WrongToken(
            status,
            detail,
            "Give Client the token of this system (token=, or token_file= with the file that "
            "PW_API_TOKEN_FILE names there), or use Client.here().",
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(status, detail)
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        wrong = (problem.errors or [])[:FIELDS_MAX]
        fields = {shown(one.get("where", "")): shown(one.get("what", "")) for one in wrong}
        return BadQuestion(status, detail, fields)
    if status in LATER:
        return NotNow(status, detail, _seconds(retry_after))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failed(status, detail, "The API's log, or that of the proxy before it, says more.")
    return Refused(status, detail)


def plain(text: str) -> str:
    """Printable and short: what is shown may come from anywhere."""
    shown = "".join(one if one.isprintable() else " " for one in text[:TEXT_CHARS_MAX])
    return " ".join(shown.split())


def _problem(body: bytes) -> _Problem:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _Problem()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an answer without a reason"


def _seconds(text: str) -> int | None:
    # A date is allowed there too; the API never sends one.
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(RETRY_AFTER_S_MAX))
    return min(int(text), RETRY_AFTER_S_MAX) if is_number else None
