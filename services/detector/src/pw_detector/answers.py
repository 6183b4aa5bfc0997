"""Any token's metrics and rules, asked by request: what no projection holds."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from pw_common.jetstream.bus import Bus, Msg
from pw_common.jetstream.requests import answer_questions
from pw_common.topology.subjects import ASK_DETECTOR
from pw_detection.detector import Detector

MINT_CHARACTERS_MAX: Final = 44


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: a token's `facts`, or `why` each rule holds or not."""

    mint: str
    what: Literal["facts", "why"] = "facts"


_decoder = msgspec.json.Decoder(Question)


class Answers:
    """Answers from the state as it is between two messages."""

    def __init__(self, bus: Bus, detector: Detector) -> None:
        self._bus = bus
        self._detector = detector

    async def start(self) -> None:
        """Begin to answer. Several detectors share the questions by a queue group."""
        await answer_questions(self._bus, ASK_DETECTOR, "detector", self._on_question)

    async def _on_question(self, message: Msg) -> None:
        if message.reply:
            await message.respond(self.answer(message.data))

    def answer(self, body: bytes) -> bytes:
        """JSON: `{"facts": …}`, `{"why": …}`, or `{"error": …}`."""
        try:
            question = _decoder.decode(body)
        except msgspec.MsgspecError as error:
            return msgspec.json.encode({"error": f"not a question: {error}"})
        if not 32 <= len(question.mint) <= MINT_CHARACTERS_MAX:
            return msgspec.json.encode({"error": "mint: a base58 address of 32 to 44 signs"})
        if question.what == "why":
            return msgspec.json.encode({"why": self._detector.why(question.mint)})
        return msgspec.json.encode({"facts": self._detector.token(question.mint)})
