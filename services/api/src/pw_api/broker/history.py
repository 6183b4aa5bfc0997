"""Questions to history, and what a client is told where no whole answer comes.

| history                         | a client is answered                                  |
| ------------------------------- | ----------------------------------------------------- |
| answers to its end              | the rows                                              |
| is not running                  | 503: start it                                         |
| does not react                  | 503, after `HEARD_S`: it hangs                        |
| is busy, or cannot read         | 503, with its own words                               |
| takes too long                  | 504: ask for less                                     |
| ends in the middle              | as too long: never the rows that came                 |
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Generic, TypeVar

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import EndedEarly, Unheard, ask_for_parts
from pw_common.jetstream.requests import NobodyListens, Unanswered
from pw_common.topology.subjects import ASK_HISTORY
from pw_common.wire.history import TOO_LONG, HistoryAsked, HistoryHead

T = TypeVar("T")
H = TypeVar("H", bound=HistoryHead)
# History says at once that it has heard a question; one that works does so within this.
HEARD_S: Final = 5.0
# Longer than history itself reads for one answer.
PART_TIMEOUT_S: Final = 25.0
# Of rows; a file is handed on part by part, whatever its size.
ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024
AWAY: Final = (
    "History does not answer: is it running? Status, alerts and tokens are answered without it."
)
HANGS: Final = (
    f"History runs, and did not react within {HEARD_S:g} s: it hangs, or its machine is "
    "overloaded. Look at its log; restart it if it hangs. Status, alerts and tokens are answered "
    "without it."
)
SLOW: Final = (
    f"History gave no whole answer within {PART_TIMEOUT_S:g} s: ask for less time or fewer rows, "
    "or again later."
)
STRANGE: Final = "History gave an answer that is none of ours: is it of the same version?"

_question = msgspec.json.Encoder()


class NoHistory(Exception):  # noqa: N818 - says what is not there
    """There is no whole answer; the message says why and what to do, `status` is HTTP's."""

    def __init__(self, why: str, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Answer(Generic[T]):
    """How far history has come, and the rows."""

    head: HistoryHead
    rows: list[T]


async def ask_history(bus: Bus, asked: HistoryAsked, kind: type[T]) -> Answer[T]:
    """The whole answer to a question whose rows are of this kind.

    Raises:
        NoHistory: there is none.
    """
    body = bytearray()
    async with aclosing(history_parts(bus, asked)) as parts:
        async for part in parts:
            body += part
            if len(body) > ANSWER_BYTES_MAX:
                raise NoHistory(f"More than {ANSWER_BYTES_MAX} bytes: ask for fewer rows.")
    first, _, rest = bytes(body).partition(b"\n")
    try:
        return Answer(head_of(first, HistoryHead), msgspec.json.Decoder(kind).decode_lines(rest))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise NoHistory(STRANGE) from error


def head_of(line: bytes, kind: type[H]) -> H:
    """The head of an answer; raises NoHistory for anything else."""
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise NoHistory(STRANGE) from error


async def history_parts(bus: Bus, asked: HistoryAsked) -> AsyncGenerator[bytes, None]:
    """The parts of an answer, in order. Close it (`aclosing`): that ends the question.

    Raises:
        NoHistory: the next part does not come.
    """
    question = _question.encode(asked)
    parts = ask_for_parts(bus, ASK_HISTORY, question, timeout_s=PART_TIMEOUT_S, heard_s=HEARD_S)
    async with aclosing(parts):
        try:
            async for part in parts:
                yield part
        except NobodyListens as error:
            raise NoHistory(AWAY) from error
        except Unheard as error:
            if not bus.connected:
                raise
            raise NoHistory(HANGS) from error
        except Unanswered as error:
            # Without its connection nothing else answers either.
            if not bus.connected:
                raise
            raise NoHistory(SLOW, HTTPStatus.GATEWAY_TIMEOUT) from error
        except EndedEarly as error:
            why = str(error)
            is_slow = why.startswith(TOO_LONG)
            status = HTTPStatus.GATEWAY_TIMEOUT if is_slow else HTTPStatus.SERVICE_UNAVAILABLE
            raise NoHistory(f"History says: {why}.", status) from error
