"""Faults on demand: a plan such as `drop_after=500,skip_slots=10-12,refuse=any+token-program`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pw_replay.core.limits import ANY, NO_LIMITS, TOKEN_PROGRAM, FilterLimits
from pw_replay.core.limits import RULES as REFUSE_RULES

RULES = f"drop_after=N, skip_slots=A-B, duplicate_every=N, refuse={REFUSE_RULES}, comma separated"
ACCOUNTS = re.compile(r"accounts-(\d{1,4})")


class BadPlan(ValueError):
    """Not a plan; says what is allowed."""


@dataclass(frozen=True)
class Plan:
    """`drop_after`: cut every stream once, after that many updates. `skip_slots`: both inclusive.

    `duplicate_every`: send each nth transaction twice. `refuse`: what no filter may ask for.
    """

    drop_after: int = 0
    skip_slots: tuple[int, int] | None = None
    duplicate_every: int = 0
    refuse: FilterLimits = NO_LIMITS

    def skips(self, slot: int) -> bool:
        """Whether everything of this slot is left out."""
        return self.skip_slots is not None and self.skip_slots[0] <= slot <= self.skip_slots[1]


def parse_plan(text: str) -> Plan:
    """Read a plan.

    Raises:
        BadPlan: an unknown fault or a number that is none.
    """
    values: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, value = part.partition("=")
        values[name] = value
    unknown = set(values) - {"drop_after", "skip_slots", "duplicate_every", "refuse"}
    skip = re.fullmatch(r"(\d+)-(\d+)", values.get("skip_slots", "0-0"))
    numbers = [values.get("drop_after", "0"), values.get("duplicate_every", "0")]
    if unknown or skip is None or not all(number.isdigit() for number in numbers):
        raise BadPlan(f"allowed: {RULES}")
    return Plan(
        drop_after=int(numbers[0]),
        skip_slots=(int(skip[1]), int(skip[2])) if "skip_slots" in values else None,
        duplicate_every=int(numbers[1]),
        refuse=_limits(values["refuse"]) if "refuse" in values else NO_LIMITS,
    )


def _limits(text: str) -> FilterLimits:
    limits = NO_LIMITS
    for one in text.split("+"):
        accounts = ACCOUNTS.fullmatch(one)
        if accounts:
            limits = limits._replace(accounts_max=int(accounts[1]))
        elif one == ANY:
            limits = limits._replace(any_allowed=False)
        elif one == TOKEN_PROGRAM:
            limits = limits._replace(token_programs_allowed=False)
        else:
            raise BadPlan(f"refuse={one}: allowed: {REFUSE_RULES}")
    return limits
