"""Answers to questions about what is kept: a few at a time, and bounded in time.

| a question                        | and then                                             |
| --------------------------------- | ---------------------------------------------------- |
| is none of ours                   | refused                                              |
| while `WAITING_MAX` wait          | refused: ask again                                   |
| any other                         | waits for one of `AT_ONCE` places, is read from one  |
|                                   | snapshot in a thread, and sent part by part          |
| takes longer than `ANSWER_S`      | is ended, and says so                                |
| whose asker is gone               | is ended with the part that nobody takes             |
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any, Final

import duckdb
import msgspec

from pw_common.jetstream.bus import Msg
from pw_common.jetstream.parts import PART_BYTES_MAX, give_parts, refuse
from pw_common.jetstream.requests import answer_questions
from pw_common.process.clock import monotonic_s
from pw_common.process.tasks import end_tasks
from pw_common.service.run import Runtime
from pw_common.topology.subjects import ASK_HISTORY
from pw_common.wire.history import BUSY, TOO_LONG, ExportAsked, ExportHead, HistoryAsked
from pw_history.store.asked import answer_rows
from pw_history.store.exports import export_ends, export_parts
from pw_history.store.reader import Reader

AT_ONCE: Final = 3
WAITING_MAX: Final = 64
ANSWER_S: Final = 20.0
PART_S: Final = 10.0

_decoder = msgspec.json.Decoder(HistoryAsked)
_encoder = msgspec.json.Encoder()


class Answers:
    """Answers from the file as it is when a question's turn comes.

    Args:
        behind_s: How far reading lies behind the stream now.
    """

    def __init__(
        self,
        runtime: Runtime,
        connection: duckdb.DuckDBPyConnection,
        behind_s: Callable[[], float],
    ) -> None:
        self._runtime = runtime
        # Its own way to the file: the writer's is busy while it writes.
        self._connection = connection.cursor()
        self._behind_s = behind_s
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._end: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Begin to answer."""
        bus = self._runtime.bus
        self._end = await answer_questions(bus, ASK_HISTORY, "history", self._on_question)

    async def stop(self) -> None:
        """Take no more questions, and end what is being answered."""
        if self._end is not None:
            await self._end()
        await end_tasks(*self._tasks)
        self._connection.close()

    async def _on_question(self, message: Msg) -> None:
        if not message.reply:
            return
        work = self._answer if len(self._tasks) < WAITING_MAX else self._turn_away
        task = asyncio.create_task(work(message), name="answer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        async with self._places:
            outcome = await self._read_and_send(message, asked)
        self._runtime.metrics.count("pw_history_questions_total", outcome=outcome)

    async def _read_and_send(self, message: Msg, asked: Any) -> str:
        began_s = monotonic_s()
        reader = await asyncio.to_thread(Reader, self._connection)
        limit = asyncio.get_running_loop().call_later(ANSWER_S, reader.interrupt)
        parts = _in_thread(self._parts(reader, asked))
        try:
            async with aclosing(parts):
                taken = await give_parts(self._runtime.bus, message.reply, parts, timeout_s=PART_S)
        except duckdb.InterruptException:
            await self._refuse(message, f"{TOO_LONG} {ANSWER_S:g} s: ask for less")
            return "too long"
        except duckdb.Error as error:
            self._runtime.log.error("answer_failed", reason=" ".join(str(error).split())[:300])
            await self._refuse(message, "history could not read its file")
            return "failed"
        finally:
            limit.cancel()
            await asyncio.to_thread(reader.close)
        self._runtime.metrics.observe("pw_history_answer_seconds", monotonic_s() - began_s)
        return "answered" if taken else "left"

    def _parts(self, reader: Reader, asked: Any) -> Iterator[bytes]:
        found = reader.head(asked, self._behind_s())
        if isinstance(asked, ExportAsked):
            ends = export_ends(reader, asked)
            told = ExportHead(**msgspec.structs.asdict(found), next_after=ends)
            yield _encoder.encode(told) + b"\n"
            yield from export_parts(reader, asked)
            return
        head = _encoder.encode(found)
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


async def _in_thread(parts: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same parts, each made in a thread."""
    end = object()
    while True:
        making = asyncio.ensure_future(asyncio.to_thread(next, parts, end))
        try:
            part = await asyncio.shield(making)
        finally:
            # What is read from must not be closed meanwhile.
            await asyncio.wait({making})
        if part is end:
            return
        assert isinstance(part, bytes)
        yield part
