"""Answers to questions about what is kept: a few at a time, and bounded in time.

| a question                        | and then                                             |
| --------------------------------- | ---------------------------------------------------- |
| is none of ours                   | refused                                              |
| while `WAITING_MAX` wait          | refused: ask again                                   |
| any other                         | waits for one of `AT_ONCE` places, is read from one  |
|                                   | snapshot in a thread, and sent part by part          |
| for a file                        | is written to the disk, and then sent without a      |
|                                   | place; refused while `FILES_MAX` are on their way    |
| takes longer than `ANSWER_S`      | is ended, and says so                                |
| whose asker is gone               | is ended with the part that nobody takes             |
| for a copy (`BACKUP_HISTORY`)     | a copy of one moment is made and sent, one at a time |
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
)
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from pw_common.jetstream.bus import Msg
from pw_common.jetstream.parts import PART_BYTES_MAX, give_parts, refuse, say_heard
from pw_common.jetstream.requests import answer_questions
from pw_common.process.clock import monotonic_s
from pw_common.process.tasks import end_tasks
from pw_common.service.run import Runtime
from pw_common.topology.subjects import ASK_HISTORY, BACKUP_HISTORY
from pw_common.wire.history import (
    BUSY,
    TOO_LONG,
    CopyHead,
    ExportAsked,
    ExportHead,
    HistoryAsked,
)
from pw_history.asked.exports import export_ends, parts_of, write_file
from pw_history.asked.reader import Reader
from pw_history.asked.rows import RowsAsked, answer_rows
from pw_history.shell.threads import in_thread
from pw_history.store.copying import FILES, copied

AT_ONCE: Final = 3
WAITING_MAX: Final = 64
# Files that are made or on their way; each is some hundred megabytes at most.
FILES_MAX: Final = 8
ANSWER_S: Final = 20.0
PART_S: Final = 10.0

_decoder = msgspec.json.Decoder(HistoryAsked)
_encoder = msgspec.json.Encoder()


class Answers:
    """Answers from the file as it is when a question's turn comes.

    Args:
        behind_s: How far reading lies behind the stream now.
        folder: Where copies and files for who asked are made, on the disk of history's file.
    """

    def __init__(
        self,
        runtime: Runtime,
        connection: duckdb.DuckDBPyConnection,
        behind_s: Callable[[], float],
        folder: Path,
    ) -> None:
        self._runtime = runtime
        self._folder = folder
        self._copying = asyncio.Lock()
        self._files = 0
        # Its own way to the file: the writer's is busy while it writes.
        self._connection = connection.cursor()
        self._behind_s = behind_s
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: list[Callable[[], Awaitable[None]]] = []

    async def start(self) -> None:
        """Begin to answer."""
        bus = self._runtime.bus
        for subject, work in ((ASK_HISTORY, self._on_question), (BACKUP_HISTORY, self._on_backup)):
            self._ends.append(await answer_questions(bus, subject, "history", work))

    async def stop(self) -> None:
        """Take no more questions, and end what is being answered."""
        for end in self._ends:
            await end()
        await end_tasks(*self._tasks)
        self._connection.close()

    async def _on_question(self, message: Msg) -> None:
        if not message.reply:
            return
        work = self._answer if len(self._tasks) < WAITING_MAX else self._turn_away
        # Its turn may come late: who asks waits only for one that works.
        await say_heard(self._runtime.bus, message.reply)
        self._begin(work(message))

    async def _on_backup(self, message: Msg) -> None:
        if message.reply:
            self._begin(self._backup(message))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="answer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _backup(self, message: Msg) -> None:
        if self._copying.locked():
            await self._refuse(message, "another copy is being made: wait for it")
            return
        async with self._copying:
            try:
                await self._give(message, self._copy())
            except (duckdb.Error, OSError) as error:
                said = " ".join(str(error).split())[:300]
                self._runtime.log.error("copy_failed", reason=said)
                await self._refuse(message, f"history could not copy its file: {said}")

    def _copy(self) -> Generator[bytes, None, None]:
        with copied(self._connection, self._folder) as path, path.open("rb") as file:
            yield _encoder.encode(CopyHead(size_bytes=path.stat().st_size))
            while part := file.read(PART_BYTES_MAX):
                yield part

    async def _turn_away(self, message: Msg) -> None:
        self._runtime.metrics.count("pw_history_questions_total", outcome="busy")
        await self._refuse(message, BUSY)

    async def _answer(self, message: Msg) -> None:
        try:
            asked = _decoder.decode(message.data)
        except msgspec.MsgspecError as error:
            self._runtime.metrics.count("pw_history_questions_total", outcome="bad")
            await self._refuse(message, f"not a question: {error}")
            return
        if isinstance(asked, ExportAsked):
            outcome = await self._outcome(message, self._give_file(message, asked))
        else:
            outcome = await self._outcome(message, self._give_rows(message, asked))
        self._runtime.metrics.count("pw_history_questions_total", outcome=outcome)

    async def _outcome(self, message: Msg, work: Awaitable[str]) -> str:
        """Answer, and return the outcome. If it ends early, the asker is told why."""
        try:
            return await work
        except duckdb.InterruptException:
            await self._refuse(message, f"{TOO_LONG} {ANSWER_S:g} s: ask for less")
            return "too long"
        except (duckdb.Error, OSError) as error:
            self._runtime.log.error("answer_failed", reason=" ".join(str(error).split())[:300])
            await self._refuse(message, "history could not read its file")
            return "failed"
        except (ArithmeticError, ValueError) as error:
            await self._refuse(message, f"not a question: {error}")
            return "bad"

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[tuple[Reader, float]]:
        """One of the places, and a snapshot that is read for `ANSWER_S` at most.

        With it comes how far reading lay behind just before: what is stored since is not in it.
        """
        async with self._places:
            began_s, behind_s = monotonic_s(), self._behind_s()
            reader = await in_thread(lambda: Reader(self._connection))
            limit = asyncio.get_running_loop().call_later(ANSWER_S, reader.interrupt)
            try:
                yield reader, behind_s
            finally:
                limit.cancel()
                await in_thread(reader.close)
            self._runtime.metrics.observe("pw_history_answer_seconds", monotonic_s() - began_s)

    async def _give_rows(self, message: Msg, asked: RowsAsked) -> str:
        async with self._reading() as (reader, behind_s):
            return await self._give(message, self._parts(reader, asked, behind_s))

    async def _give_file(self, message: Msg, asked: ExportAsked) -> str:
        """The file is made first: who takes it slowly keeps neither a place nor a snapshot."""
        if self._files == FILES_MAX:
            await self._refuse(message, BUSY)
            return "busy"
        self._files += 1
        try:
            with tempfile.TemporaryDirectory(prefix=FILES, dir=self._folder) as folder:
                path = Path(folder) / "swaps"
                async with self._reading() as (reader, behind_s):
                    head = await in_thread(lambda: _written(reader, asked, path, behind_s))
                return await self._give(message, _file_parts(head, path))
        finally:
            self._files -= 1

    async def _give(self, message: Msg, made: Generator[bytes, None, None]) -> str:
        parts = _each_in_thread(made)
        async with aclosing(parts):
            taken = await give_parts(self._runtime.bus, message.reply, parts, timeout_s=PART_S)
        return "answered" if taken else "left"

    def _parts(
        self, reader: Reader, asked: RowsAsked, behind_s: float
    ) -> Generator[bytes, None, None]:
        head = _encoder.encode(reader.head(asked, behind_s))
        lines, size = [head], len(head)
        for row in answer_rows(reader, asked):
            line = _encoder.encode(row)
            if size + len(line) + 1 > PART_BYTES_MAX:
                yield b"\n".join(lines) + b"\n"
                lines, size = [], 0
            lines.append(line)
            size += len(line) + 1
        yield b"\n".join(lines) + b"\n"

    async def _refuse(self, message: Msg, why: str) -> None:
        await refuse(self._runtime.bus, message.reply, why, timeout_s=PART_S)


def _written(reader: Reader, asked: ExportAsked, path: Path, behind_s: float) -> ExportHead:
    found = reader.head(asked, behind_s)
    ends = export_ends(reader, asked)
    write_file(reader, asked, path)
    return ExportHead(**msgspec.structs.asdict(found), next_after=ends)


def _file_parts(head: ExportHead, path: Path) -> Generator[bytes, None, None]:
    yield _encoder.encode(head) + b"\n"
    yield from parts_of(path)


async def _each_in_thread(parts: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """The same parts, each made in a thread."""
    try:
        while (part := await in_thread(lambda: next(parts, None))) is not None:
            yield part
    finally:
        await in_thread(parts.close)
