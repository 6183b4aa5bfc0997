"""What is ended has ended: an answer between its queries too, and a thread before the next."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import duckdb
import pytest

from pw_common.wire.history import SwapsAsked
from pw_history.asked.reader import Reader
from pw_history.shell.threads import in_thread
from pw_history.store.copying import copied, remove_leftovers
from support.filled_history import hours, opened


def test_an_answer_that_is_ended_between_its_rows_gives_no_more() -> None:
    with opened() as connection:
        hours(connection, 2)
        reader = Reader(connection)
        rows = reader.swaps(SwapsAsked())
        next(rows)
        reader.interrupt()
        with pytest.raises(duckdb.InterruptException):
            list(rows)


async def test_one_who_is_cancelled_again_and_again_waits_for_the_end_of_the_thread() -> None:
    may_end = threading.Event()
    ended = []

    def work() -> None:
        may_end.wait(timeout=30)
        ended.append(True)

    waiting = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0)
    for _ in range(3):
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=0.05)
        assert not waiting.done()
    may_end.set()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert ended == [True]


def test_what_a_killed_process_left_of_a_copy_is_removed(tmp_path: Path) -> None:
    with opened(str(tmp_path / "history.duckdb")) as connection:
        copying = copied(connection, tmp_path)
        with copying as path:
            # As a process leaves it that is killed here.
            path.parent.rename(tmp_path / "copy-left")
            path.parent.mkdir()
        assert (tmp_path / "copy-left").is_dir()
        remove_leftovers(tmp_path)
        assert [one.name for one in tmp_path.iterdir() if one.is_dir()] == []
