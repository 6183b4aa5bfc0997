"""How the next stream begins, from how the last one ended."""

from __future__ import annotations

from typing import Final, NamedTuple

# The same refusal this many times in a row is an answer.
REFUSALS_MAX: Final = 3
# Not a refusal: the endpoint is away, slow, or tells us to come back.
PASSING: Final = frozenset(
    {"OK", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED"}
)

# Neither is this: the endpoint found us slow, which may happen before the first update is taken,
# and says nothing about what was asked for. `INTERNAL`, "lagged to send an update" or "lagged to
# receive geyser messages".
LAGGED: Final = "lagged to "

# What is asked for lies before the endpoint's replay window.
OUT_OF_RANGE: Final = "OUT_OF_RANGE"

WINDOW_EXCEEDED: Final = "replay window exceeded"
NOT_SUPPORTED: Final = "from_slot is not supported"
TOO_LARGE: Final = "the source sends an update that is larger than we take"


def is_passing(code: str, details: str) -> bool:
    """Whether an end says nothing about what was asked for."""
    return code in PASSING or LAGGED in details


class Plan(NamedTuple):
    """The next subscription. `why` says what is lost, and is empty when nothing is."""

    from_slot: int | None
    is_live: bool = False
    why: str = ""


class TooLarge:
    """Counts streams that end at an update too large to take, while nothing else moves."""

    def __init__(self) -> None:
        self._at: tuple[int | None, int] | None = None
        self._times = 0

    @property
    def blocks(self) -> bool:
        """Whether asking from there again will not help."""
        return self._times >= REFUSALS_MAX

    def note(self, resume_from: int | None, slot: int, *, is_too_large: bool) -> None:
        """Note an end.

        Args:
            resume_from: Where the next stream would begin.
            slot: The newest that the endpoint sent.
            is_too_large: Whether the stream ended at such an update.
        """
        if not is_too_large or (resume_from, slot) != self._at:
            self._at, self._times = (resume_from, slot), 0
        self._times += is_too_large


def after_end(
    *,
    resume_from: int | None,
    refused_at: int | None,
    refusals: int,
    code: str,
    details: str,
    first_available: int | None,
) -> Plan:
    """Decide how to go on.

    Args:
        resume_from: The first slot that we need, None when anything will do.
        refused_at: The `from_slot` of a stream that ended without any update.
        refusals: How many streams in a row ended like that with what is not `is_passing`.
        code: gRPC status name of the end.
        details: The source's words.
        first_available: The oldest slot that the source says it has, if it was asked.
    """
    if resume_from is None or refused_at is None:
        return Plan(resume_from)
    if code == OUT_OF_RANGE:
        if first_available is not None and first_available > refused_at:
            return Plan(first_available, why=WINDOW_EXCEEDED)
        return Plan(None, is_live=True, why=WINDOW_EXCEEDED)
    if NOT_SUPPORTED in details:
        return Plan(None, is_live=True, why=NOT_SUPPORTED)
    if not is_passing(code, details) and refusals >= REFUSALS_MAX:
        return Plan(None, is_live=True, why=f"source refuses to resume: {code.lower()}")
    # While the source refused, more of what is needed may have been stored.
    return Plan(max(refused_at, resume_from))
