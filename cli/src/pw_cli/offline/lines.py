"""Typed lines: a file with one event of ours a line, as JSON, told apart by its `type`.

| a line                                  | what becomes of it                            |
| --------------------------------------- | --------------------------------------------- |
| empty                                   | passed over                                   |
| an event (`swap.v1`, `slot.v1`, …)      | taken; fields that nobody knows are ignored   |
| with whole numbers as decimal text      | taken, as JavaScript and databases write them |
| with `1e16` or such text, from 2^53 on  | `BadInput`: it may mean several numbers       |
| with `event_time_ms`                    | the time of its slot                          |
| with `session`                          | of that session: each begins with no windows  |
| with `amended`                          | its time gives way to that of others          |
| anything else, or longer than the bound | `BadInput`, with file and line number         |
"""

from __future__ import annotations

import codecs
import gzip
import io
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

import msgspec
import zstandard

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.dated import (
    KINDS,
    Beside,
    Dated,
    Place,
    has_long,
    in_words,
    inexact_of,
    problem_of,
)
from pw_cli.offline.zstd_end import check_whole
from pw_common.wire.captures import WINDOW_BYTES_MAX
from pw_common.wire.messages import Event

# A swap has about a kilobyte, and a token's name a few hundred bytes.
LINE_BYTES_MAX: Final = 64 * 1024
# A small file that decompresses to newlines holds billions.
EMPTY_IN_A_ROW_MAX: Final = 1_000_000
# Errors of an archive that is cut or damaged.
_DAMAGED: Final = (OSError, EOFError, zlib.error, zstandard.ZstdError)


_beside = msgspec.json.Decoder(Beside, strict=False)
_decoders: Final = {tag: msgspec.json.Decoder(kind, strict=False) for tag, kind in KINDS.items()}


def read_lines(path: Path) -> Iterator[Dated]:
    """Each event of a file, in its order.

    Raises:
        BadInput: it cannot be read, or a line cannot be used; the events before were yielded.
    """
    name, empty = str(path), 0
    with _opened(path) as file:
        for number, read in enumerate(_cut(name, file), 1):
            # Some exports begin with a mark that says that they are UTF-8.
            line = read.removeprefix(codecs.BOM_UTF8) if number == 1 else read
            if not line.strip():
                empty += 1
                if empty > EMPTY_IN_A_ROW_MAX:
                    raise BadInput(f"{name}: line {number}: over {EMPTY_IN_A_ROW_MAX} empty lines")
                continue
            empty = 0
            yield dated_of(line, Place(name, f"line {number}"))


def dated_of(line: bytes, place: Place) -> Dated:
    """One line's event. Raises BadInput."""
    kind: type[msgspec.Struct] = Beside
    try:
        beside = _beside.decode(line)
        decoder = _decoders.get(beside.type)
        if decoder is None:
            raise BadInput(f"{place}: type {beside.type[:64]!r}; allowed: {', '.join(KINDS)}")
        kind = KINDS[beside.type]
        event = decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        wanted = "allowed: one JSON object a line, with a type and that type's fields"
        raise BadInput(f"{place}: {in_words(error, kind)}; {wanted}") from error
    problem = problem_of(event) or problem_of(beside)
    if not problem and has_long(event):
        problem = inexact_of(event, msgspec.json.decode(line))
    if problem:
        raise BadInput(f"{place}: {problem}")
    gives_way = bool(beside.amended)
    return Dated(cast("Event", event), place, beside.event_time_ms, beside.session, gives_way)


def _cut(name: str, file: IO[bytes]) -> Iterator[bytes]:
    number = 1
    while True:
        try:
            line = file.readline(LINE_BYTES_MAX + 1)
        except _DAMAGED as error:
            raise BadInput(f"{name}: line {number}: cannot be decompressed: {error}") from error
        if not line:
            return
        if len(line) > LINE_BYTES_MAX:
            allowed = f"allowed: at most {LINE_BYTES_MAX} bytes a line"
            raise BadInput(f"{name}: line {number}: over {LINE_BYTES_MAX} bytes; {allowed}")
        yield line
        number += 1


def _opened(path: Path) -> IO[bytes]:
    try:
        # A device never ends, and a pipe can be read only once, which is not enough.
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"{path}: not a regular file")
        if path.name.endswith(".gz"):
            return cast("IO[bytes]", gzip.open(path, "rb"))
        if path.name.endswith(".zst"):
            check_whole(path)
            # A frame says itself how much memory it takes to read it.
            decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
            pieces = decompressor.stream_reader(path.open("rb"), read_across_frames=True)
            return io.BufferedReader(cast("io.RawIOBase", pieces), LINE_BYTES_MAX)
        return path.open("rb")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
