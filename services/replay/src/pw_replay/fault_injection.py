"""Faults that whoever runs the server in their own process injects while it runs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import grpc


class Refusal(NamedTuple):
    """How the next stream is turned away."""

    code: grpc.StatusCode
    details: str


@dataclass
class FaultInjection:
    """`refusals` meet the next streams, one each; `behind_slots` is how much earlier than
    asked a replay begins, as with another node behind the same name.
    """

    refusals: deque[Refusal] = field(default_factory=deque)
    behind_slots: int = 0
    refused: int = 0

    def next_refusal(self) -> Refusal | None:
        """The refusal for a stream that opens now."""
        if not self.refusals:
            return None
        self.refused += 1
        return self.refusals.popleft()
