"""Ending tasks, whatever they do with their first cancel."""

from __future__ import annotations

import asyncio

import pytest

from pw_common.process.tasks import end_tasks, unless


async def test_a_task_that_swallows_a_cancel_is_ended_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    assert await end_tasks(task) == []
    assert task.done()
    assert swallowed == 2


async def test_a_task_that_cannot_be_ended_is_given_back_in_time() -> None:
    let_go = asyncio.Event()

    async def deaf() -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    assert await end_tasks(task, within_s=0.6) == [task]
    let_go.set()
    await task


async def test_a_task_has_time_to_clean_up_before_it_is_cancelled_again() -> None:
    cleaned = False

    async def tidy() -> None:
        nonlocal cleaned
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)
            cleaned = True

    task = asyncio.create_task(tidy())
    await asyncio.sleep(0)
    await end_tasks(task)
    assert cleaned


async def test_what_a_task_raised_stays_in_it() -> None:
    async def broken() -> None:
        raise ValueError("a bug")

    task = asyncio.create_task(broken())
    await asyncio.sleep(0)
    assert await end_tasks(task) == []
    with pytest.raises(ValueError, match="a bug"):
        task.result()


async def test_waiting_ends_as_soon_as_it_is_told_to_stop() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(20):
        await unless(stop, 3600)
