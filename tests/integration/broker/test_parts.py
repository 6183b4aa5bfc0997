"""Long answers come whole and in order, or say why not; nobody works for one who left."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import (
    PART_BYTES_MAX,
    EndedEarly,
    Unheard,
    ask_for_parts,
    give_parts,
    refuse,
    say_heard,
)
from pw_common.jetstream.requests import NobodyListens, Unanswered, answer_questions
from support.broker import provisioned
from support.poll import poll_until

SUBJECT = "pw.test.v1.ask"


async def test_parts_come_whole_and_in_order(tmp_path: Path) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(20):
            yield bytes([number]) * PART_BYTES_MAX

    async with provisioned(tmp_path) as (_, bus):

        async def answer(message: Msg) -> None:
            assert await give_parts(bus, message.reply, parts(), timeout_s=5)

        await answer_questions(bus, SUBJECT, "test", answer)
        found = [part async for part in ask_for_parts(bus, SUBJECT, b"?", timeout_s=5)]
    assert [part[0] for part in found] == list(range(20))
    assert {len(part) for part in found} == {PART_BYTES_MAX}


async def test_an_answer_without_parts_ends(tmp_path: Path) -> None:
    async def none() -> AsyncIterator[bytes]:
        return
        yield b""

    async with provisioned(tmp_path) as (_, bus):

        async def answer(message: Msg) -> None:
            await give_parts(bus, message.reply, none(), timeout_s=5)

        await answer_questions(bus, SUBJECT, "test", answer)
        assert [one async for one in ask_for_parts(bus, SUBJECT, b"?", timeout_s=5)] == []


async def test_who_leaves_is_worked_for_no_longer(tmp_path: Path) -> None:
    made: list[int] = []
    given: list[bool] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            made.append(1)
            yield b"part"

    async with provisioned(tmp_path) as (_, bus):

        async def answer(message: Msg) -> None:
            given.append(await give_parts(bus, message.reply, endless(), timeout_s=1))

        await answer_questions(bus, SUBJECT, "test", answer)
        async with aclosing(ask_for_parts(bus, SUBJECT, b"?", timeout_s=5)) as parts:
            async for _part in parts:
                break

        async def noticed() -> bool:
            return given == [False]

        await poll_until(noticed, "the end of the work")
    # One that was taken, and what was under way.
    assert len(made) <= 3


async def test_nobody_and_silence_and_a_refusal_are_told_apart(tmp_path: Path) -> None:
    async def ask(bus: Bus, timeout_s: float = 5, *, heard_s: float | None = None) -> list[bytes]:
        parts = ask_for_parts(bus, SUBJECT, b"?", timeout_s=timeout_s, heard_s=heard_s)
        return [one async for one in parts]

    async with provisioned(tmp_path) as (_, bus):
        with pytest.raises(NobodyListens):
            await ask(bus)

        async def silent(_message: Msg) -> None:
            return

        end = await answer_questions(bus, SUBJECT, "test", silent)
        with pytest.raises(Unanswered, match="Timeout"):
            await ask(bus, 0.2)
        with pytest.raises(Unheard):
            await ask(bus, heard_s=0.2)
        await end()

        async def slow(message: Msg) -> None:
            await say_heard(bus, message.reply)

        await answer_questions(bus, SUBJECT, "test", slow)
        with pytest.raises(Unanswered, match="Timeout") as silence:
            await ask(bus, 0.2, heard_s=5)
        assert not isinstance(silence.value, Unheard)

    async with provisioned(tmp_path / "again") as (_, bus):

        async def refusing(message: Msg) -> None:
            await refuse(bus, message.reply, "the disk\nis full", timeout_s=5)

        await answer_questions(bus, SUBJECT, "test", refusing)
        with pytest.raises(EndedEarly, match="the disk is full"):
            await ask(bus)


async def test_what_breaks_while_a_part_is_made_is_not_taken_for_one_who_left(
    tmp_path: Path,
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"part"
        raise OSError("no room")

    async with provisioned(tmp_path) as (_, bus):

        async def answer(message: Msg) -> None:
            try:
                await give_parts(bus, message.reply, broken(), timeout_s=5)
            except OSError as error:
                await refuse(bus, message.reply, str(error), timeout_s=5)

        await answer_questions(bus, SUBJECT, "test", answer)
        with pytest.raises(EndedEarly, match="no room"):
            [one async for one in ask_for_parts(bus, SUBJECT, b"?", timeout_s=5)]
