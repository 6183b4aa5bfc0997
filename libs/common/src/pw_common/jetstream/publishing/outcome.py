"""What a handler may answer. Values say what to do; the worker does it."""

from __future__ import annotations

from dataclasses import dataclass


class NotNow(Exception):  # noqa: N818 - not an error
    """What the input needs is not there yet: it is given back, for us or another worker."""


@dataclass(frozen=True)
class Publish:
    """One message to store. `headers` carry a `Nats-Msg-Id` that is a function of the input."""

    subject: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Done:
    """The input is answered: store the dead letters, then the outputs, then acknowledge.

    `poisoned` says that nothing in the input could be read; too many of those in
    a row stop the service, because then the fault is ours or the source's.
    """

    outputs: tuple[Publish, ...]
    dead_letters: tuple[Publish, ...] = ()
    poisoned: bool = False
