"""A capture that is being fetched: it has its name only once it is whole.

Beside `F.pb.zst` stand `F.pb.zst.part`, which no reader takes for a capture by its name, and
`F.pb.zst.part.json`, which says what was asked for and how much of the file is sound. What a
kill left behind that is cut off; what is there is read back, not remembered.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from pw_common.wire.captures import BadCapture, piece_of, read_capture, suffix_of

STATE_BYTES_MAX: Final = 64 * 1024


class PartState(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, and how many bytes of the file hold whole pieces."""

    asked: str
    bytes: int


class Part:
    """The unfinished file of a capture. One process at a time has it.

    Raises:
        BadCapture: on entering, where it cannot be gone on with; says why.
        OSError: from the file system.
    """

    def __init__(self, out: Path, asked: str) -> None:
        self._suffix = suffix_of(out)
        self._out = out
        self._asked = asked
        self.path = out.with_name(f"{out.name}.part")
        self._state = out.with_name(f"{out.name}.part.json")
        self._bytes = 0

    def __enter__(self) -> Self:
        if self._out.exists():
            raise BadCapture(f"{self._out} is there already; remove it first, or name another file")
        self._file: IO[bytes] = self.path.open("ab")
        try:
            self._take_up()
        except BaseException:
            self._file.close()
            raise
        return self

    def _take_up(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadCapture(f"{self.path}: another run writes it") from error
        size = os.fstat(self._file.fileno()).st_size
        if size and not self._state.exists():
            raise BadCapture(f"{self.path}: nothing says what it was for; remove it first")
        if size:
            state = self._read_state()
            if state.asked != self._asked:
                raise BadCapture(
                    f"{self.path} is of another request ({state.asked}); remove it first, or ask "
                    "for the same again"
                )
            if size < state.bytes:
                raise BadCapture(f"{self.path} is shorter than it was; remove it first")
            self._bytes = state.bytes
        self._file.truncate(self._bytes)
        self._write_state()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self._bytes and self._state.exists():
            # Nothing came: nothing is left to go on with.
            self._state.unlink()
            self.path.unlink()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come yet, now or before: such a file is not kept."""
        return not self._bytes

    def updates(self) -> Iterator[bytes]:
        """What earlier runs left. Raises BadCapture."""
        if self._bytes:
            yield from read_capture(self.path, named=self._out)

    def add(self, updates: Sequence[bytes]) -> None:
        """Append a piece; once this returns it is there for good."""
        piece = piece_of(updates, self._suffix)
        self._file.write(piece)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._bytes += len(piece)
        self._write_state()

    def finish(self) -> None:
        """It is whole: give it its name."""
        if not self._bytes:
            self.add([])
        self.path.rename(self._out)
        self._state.unlink()

    def _read_state(self) -> PartState:
        try:
            with self._state.open("rb") as file:
                return msgspec.json.decode(file.read(STATE_BYTES_MAX), type=PartState)
        except msgspec.MsgspecError as error:
            raise BadCapture(f"{self._state}: {error}; remove it and the .part first") from error

    def _write_state(self) -> None:
        state = PartState(asked=self._asked, bytes=self._bytes)
        new = self._state.with_name(f"{self._state.name}.new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._state)
