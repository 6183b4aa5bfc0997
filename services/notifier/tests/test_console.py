"""A console that nobody reads delays its own channel and nothing else, and doubles nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from pw_notifier import console
from pw_notifier.console import Console, ConsoleHeld


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    monkeypatch.setattr(console, "DEADLINE_S", 0.2)
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def fill(write: int) -> int:
    os.set_blocking(write, False)
    filled = 0
    try:
        while True:
            filled += os.write(write, b"." * 4_096)
    except BlockingIOError:
        os.set_blocking(write, True)
    return filled


def read(end: int, count: int) -> bytes:
    found = b""
    while len(found) < count:
        found += os.read(end, count - len(found))
    return found


async def test_a_pipe_that_nobody_reads_does_not_stop_the_loop(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    filled = fill(writer)
    held = Console(writer)
    with pytest.raises(ConsoleHeld):
        await held.write(b"one\n")
    # Tried again while it is still under way, and once it is read it stands there once.
    with pytest.raises(ConsoleHeld):
        await held.write(b"one\n")
    with pytest.raises(ConsoleHeld):
        await held.write(b"two\n")
    again = asyncio.create_task(held.write(b"one\n"))
    found = await asyncio.to_thread(read, reader, filled + 4)
    await again
    assert found[filled:] == b"one\n"
    await held.write(b"two\n")
    assert await asyncio.to_thread(read, reader, 4) == b"two\n"


async def test_a_reader_that_left_is_no_crash() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(ConsoleHeld, match="BrokenPipeError"):
        await Console(writer).write(b"one\n")
    os.close(writer)
