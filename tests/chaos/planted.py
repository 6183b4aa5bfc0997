"""Defects that the harness must find: `python -m chaos.planted NAME MODULE` runs MODULE with one.

Each is a mistake that a system like this one is easily built with.
"""

from __future__ import annotations

import runpy
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple


def ack_before_store() -> None:
    """The parser acknowledges what it fetched before anything of it is stored."""
    from pw_common.jetstream.consuming.worker import Worker

    original = Worker._answer

    async def answer(self: Worker, messages: list[Any], stop: Any) -> None:
        for message in messages:
            await message.ack()
        await original(self, messages, stop)

    Worker._answer = answer  # type: ignore[method-assign]


def random_msg_id() -> None:
    """The parser makes its ids up, so that the broker cannot know a repeat."""
    from pw_common.wire.envelope import MSG_ID
    from pw_parser import shell

    original = shell.answer

    def answer(*arguments: Any) -> Any:
        done = original(*arguments)
        outputs = tuple(
            replace(one, headers={**one.headers, MSG_ID: uuid.uuid4().hex}) for one in done.outputs
        )
        return replace(done, outputs=outputs)

    shell.answer = answer  # type: ignore[assignment]


def checkpoint_before_puback() -> None:
    """Ingest takes for stored what it has merely sent."""
    from pw_ingest.core.sequencing.frontier import Frontier

    sent, stored = Frontier.sent, Frontier.stored

    def at_once(self: Frontier) -> int:
        number = sent(self)
        stored(self, number)
        return number

    Frontier.sent = at_once  # type: ignore[method-assign]
    Frontier.stored = lambda _self, _number: None  # type: ignore[method-assign,assignment]


def alert_without_expected_sequence() -> None:
    """The detector trusts the broker's memory of ids alone."""
    from pw_common.jetstream.publishing.publisher import Publisher
    from pw_common.wire.envelope import EXPECTED_LAST_SUBJECT_SEQUENCE

    original = Publisher.publish

    async def publish(
        self: Publisher, subject: str, body: bytes, headers: Mapping[str, str]
    ) -> Any:
        kept = {k: v for k, v in headers.items() if k != EXPECTED_LAST_SUBJECT_SEQUENCE}
        return await original(self, subject, body, kept)

    Publisher.publish = publish  # type: ignore[method-assign]


def refusal_condemns() -> None:
    """The notifier takes a channel that is set up wrong for alerts that are."""
    from pw_notifier.core.policy import Refused, Retry
    from pw_notifier.delivery import sending

    original = vars(sending)["meaning"]

    def meaning(*arguments: Any, **named: Any) -> Any:
        answer = original(*arguments, **named)
        return Refused(answer.why) if isinstance(answer, Retry) and answer.held else answer

    vars(sending)["meaning"] = meaning


def repeats_not_looked_up() -> None:
    """History takes what it reads again after a start for new."""
    from pw_history.store.writer import Writer

    original = Writer._swaps

    def swaps(self: Writer, rows: Any) -> int:
        self._newest_slot = 0
        return original(self, rows)

    Writer._swaps = swaps  # type: ignore[method-assign]


class Plant(NamedTuple):
    """A defect, the module that it is planted in, and the faults that bring it out, in order.

    `shows` counts in a verdict's figures what this defect does, and nothing else would.
    """

    defect: Callable[[], None]
    module: str
    faults: list[str]
    shows: Callable[[Mapping[str, Any]], int]


PLANTS: Final[dict[str, Plant]] = {
    "ack_before_store": Plant(
        ack_before_store, "pw_parser", ["kill parser"] * 4, lambda found: found["lost"]["swaps"]
    ),
    "random_msg_id": Plant(
        random_msg_id, "pw_parser", ["kill parser"] * 4, lambda found: found["stored_twice"]
    ),
    "checkpoint_before_puback": Plant(
        checkpoint_before_puback,
        "pw_ingest",
        ["queue full, ingest killed"] * 3,
        lambda found: found["lost"]["swaps"],
    ),
    "alert_without_expected_sequence": Plant(
        alert_without_expected_sequence,
        "pw_detector",
        ["detector frozen"] * 2,
        lambda found: found["doubled"]["alerts"],
    ),
    "repeats_not_looked_up": Plant(
        repeats_not_looked_up,
        "pw_history",
        ["kill history"] * 2,
        lambda found: found["doubled"]["kept"],
    ),
    "refusal_condemns": Plant(
        refusal_condemns,
        "pw_notifier",
        ["channel comes back"] * 2,
        lambda found: found["dead_letters"],
    ),
}


def main() -> None:
    name, module = sys.argv[1:3]
    PLANTS[name].defect()
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
