"""Swaps as a file: written beside its place as they come, and put there once they are whole.

| what happens                             | raised                        | the file            |
| ---------------------------------------- | ----------------------------- | ------------------- |
| all of it comes                          |                               | is there, whole     |
| the API refuses, or somebody else answers | Refused, NotReached, BadAnswer | is as it was before |
| it ends in the middle                    | BrokeOff                      | is as it was before |
| it would have to leave rows out          | TooManyRows                   | is as it was before |
| the disk is full, the folder is missing  | NotWritten                    | is as it was before |

No more of it is held than comes at once. A process that is killed leaves its part, `.pw-*.part`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO, Final

import httpx
import msgspec

from pocketwatcher.errors import (
    BadAnswer,
    BadSetting,
    BrokeOff,
    NotWritten,
    TooManyRows,
    plain,
)
from pocketwatcher.models import Model
from pocketwatcher.transport import Parameters, Transport

MEDIA: Final = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
# How a whole one ends. A proxy may pass a part of a file on as if it were all of it.
ENDS: Final = {".csv": b"\n", ".parquet": b"PAR1"}
# As many as the API gives in one file.
FILE_ROWS_MAX: Final = 1_000_000
# 4 KB a row, which is more than the longest one has.
FILE_BYTES_MAX: Final = 4 * 1024**3


class Downloaded(Model, frozen=True, kw_only=True):
    """A file that is there, whole: `path`, and its `size_bytes`.

    `next_after` is None where it has all rows that were asked for; otherwise, with it as `after`,
    the next file begins where this one ends.

    Its rows are as history was then: `slot` is the newest one that it had read, `event_time_ms`
    that slot's time in ms since 1970, `swaps_since_ms` the time of the oldest swap that it keeps,
    `behind_s` how many seconds its reading lay behind, and `holes` how many times are known of
    which something is missing; those of which are the rows of `swaps(...).history.holes`.
    """

    path: Path
    size_bytes: int
    next_after: str | None
    slot: int
    event_time_ms: int
    swaps_since_ms: int | None
    holes: int
    behind_s: float


class _Head(Model, frozen=True, kw_only=True, rename=lambda name: f"pw-{name.replace('_', '-')}"):
    """What the headers of a file say."""

    history_slot: int
    history_event_time_ms: int
    history_swaps_since_ms: int | None = None
    history_holes: int
    history_behind_s: float
    next_after: str | None = None


def download(
    transport: Transport, swaps: str, asked: Parameters, path: Path, limit: int | None
) -> Downloaded:
    """The swaps below this path of the API, as a file of the kind that the name of `path` says.

    Args:
        swaps: Without the ending, which says the kind there too.
        limit: How many rows; None for all.

    Raises:
        BadSetting: `path` has another ending, or is a folder.
    """
    # In the same folder: only there is a file put in its place at once.
    part = path.with_name(f".pw-{token_hex(8)}.part")
    wanted = {**asked, "limit": FILE_ROWS_MAX if limit is None else limit}
    with _writing(path):
        ending = _ending(path)
        try:
            # Before the API is asked, which would begin with its work.
            with (
                part.open("xb") as file,
                transport.file(f"{swaps}{ending}", wanted, MEDIA[ending]) as answer,
            ):
                head = _head(answer.headers)
                if limit is None and head.next_after is not None:
                    raise TooManyRows(
                        f"there are more than {FILE_ROWS_MAX} rows, which is all that one file may "
                        "have: ask for less time (first_ms=, end_ms=), or for several files "
                        "(limit=, and then after= with the next_after of the one before)"
                    )
                size_bytes = _copy(answer, file, path, ENDS[ending])
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return Downloaded(
        path=path,
        size_bytes=size_bytes,
        next_after=head.next_after,
        slot=head.history_slot,
        event_time_ms=head.history_event_time_ms,
        swaps_since_ms=head.history_swaps_since_ms,
        holes=head.history_holes,
        behind_s=head.history_behind_s,
    )


def _ending(path: Path) -> str:
    if path.suffix not in MEDIA:
        raise BadSetting(f"the name of a file of swaps ends in .csv or .parquet, unlike {path}")
    if path.is_dir():
        raise BadSetting(f"{path} is a folder: name a file in it")
    return path.suffix


def _head(headers: Mapping[str, str]) -> _Head:
    try:
        return msgspec.convert(dict(headers), _Head, strict=False)
    except msgspec.ValidationError as error:
        raise BadAnswer(
            f"a file whose headers this client cannot read: {plain(str(error))}"
        ) from error


def _copy(answer: httpx.Response, file: IO[bytes], path: Path, end: bytes) -> int:
    """Write what comes, piece by piece; gives how many bytes that were."""
    size_bytes, last = 0, b""
    try:
        for piece in answer.iter_raw():
            size_bytes += len(piece)
            if size_bytes > FILE_BYTES_MAX:
                raise BadAnswer(
                    f"a file of more than {FILE_BYTES_MAX} bytes: ask for fewer rows (limit=)"
                )
            file.write(piece)
            last = (last + piece[-len(end) :])[-len(end) :]
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise _broke_off(size_bytes, path, type(error).__name__) from error
    if last != end:
        raise _broke_off(size_bytes, path, "its end is missing")
    return size_bytes


def _broke_off(size_bytes: int, path: Path, why: str) -> BrokeOff:
    return BrokeOff(
        f"the file broke off after {size_bytes} bytes ({why}), so {path} was not written. Ask "
        "again; less time, or a limit=, makes smaller files"
    )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise NotWritten(
            f"{path} cannot be written: {why}. Is its folder there, and is there room in it?"
        ) from error
