"""Long answers between services: in parts that fit a message, each taken before the next is made.

| who asks                         | who answers                                  |
| -------------------------------- | -------------------------------------------- |
| publishes the question           | says that it has heard it, if it may take    |
|                                  | long, and makes the first part               |
| takes a part, says so            | sends it, waits until it is taken            |
| takes the part marked as the end | is done                                      |
| is gone: nobody listens any more | finds that out with its next part, and stops |

So an answer is as long as it likes, what waits is one part, and nobody works for one who left.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout

from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.requests import NobodyListens, Unanswered

# Marks the last part; what it says is why the answer ended.
END: Final = "Pw-End"
DONE: Final = "done"
# Below the broker's own limit of one megabyte, with room for headers.
PART_BYTES_MAX: Final = 900_000
TAKEN: Final = b""
# What the broker says in place of an answer where nobody listens.
STATUS: Final = "Status"
NO_RESPONDERS: Final = "503"


class EndedEarly(Exception):
    """The answer ended before its end; the message is what its sender says of that."""


class Unheard(Unanswered):
    """A service has subscribed, and does not react to a question: it hangs, or is overloaded."""


async def ask_for_parts(
    bus: Bus, subject: str, question: bytes, *, timeout_s: float, heard_s: float | None = None
) -> AsyncGenerator[bytes, None]:
    """Ask, and give the parts of the answer in order. Close it (`aclosing`) to stop early.

    Args:
        timeout_s: How long each part may take.
        heard_s: How long it may take until the question is heard; None where nobody says so.

    Raises:
        NobodyListens: no service answers such questions.
        Unheard: nothing came within `heard_s`.
        Unanswered: the next part did not come in time.
        EndedEarly: whoever answers says why it cannot go on.
    """
    inbox = bus.client.new_inbox()
    subscription = await bus.client.subscribe(inbox)
    try:
        await bus.client.publish(subject, question, reply=inbox)
        is_heard = heard_s is None
        while True:
            try:
                wait_s = timeout_s if is_heard or heard_s is None else heard_s
                message = await subscription.next_msg(timeout=wait_s)
            except NatsTimeout as error:
                if not is_heard:
                    raise Unheard(subject, error) from error
                raise
            is_heard = True
            headers = headers_of(message)
            if headers.get(STATUS) == NO_RESPONDERS:
                raise NobodyListens(subject, NoRespondersError())
            if not message.reply:
                continue  # It is heard, and no part yet.
            await message.respond(TAKEN)
            end = headers.get(END, "")
            if end and end != DONE:
                raise EndedEarly(end)
            if message.data:
                yield message.data
            if end:
                return
    except Unanswered:
        raise  # It is an OSError as well.
    except (NatsError, OSError, TimeoutError) as error:
        raise Unanswered(subject, error) from error
    finally:
        await _close(subscription)


async def say_heard(bus: Bus, reply: str) -> None:
    """Tell who asked that its question has come, and that the answer may take a while."""
    with contextlib.suppress(NatsError, OSError):
        await bus.client.publish(reply, b"")


async def give_parts(
    bus: Bus, reply: str, parts: AsyncIterator[bytes], *, timeout_s: float
) -> bool:
    """Send the parts to who asked, each once the one before was taken.

    Returns whether all of them were taken: False where nobody listens any more. What making a part
    raises is raised.
    """
    async for part in parts:
        if not await _taken(bus, reply, part, timeout_s):
            return False
    return await _taken(bus, reply, b"", timeout_s, {END: DONE})


async def refuse(bus: Bus, reply: str, why: str, *, timeout_s: float) -> None:
    """End an answer, at its beginning or in the middle, and say why."""
    # It may be that nobody is there to hear it.
    await _taken(bus, reply, b"", timeout_s, {END: _line(why)})


async def _taken(
    bus: Bus, reply: str, part: bytes, timeout_s: float, headers: dict[str, str] | None = None
) -> bool:
    try:
        await bus.client.request(reply, part, timeout=timeout_s, headers=headers)
    except (NatsError, NatsTimeout, OSError, TimeoutError):
        return False
    return True


def _line(text: str) -> str:
    """As a header may hold it."""
    return " ".join(text.split())[:500] or "no reason"


async def _close(subscription: object) -> None:
    try:
        await subscription.unsubscribe()  # type: ignore[attr-defined]
    except (NatsError, OSError):
        return
