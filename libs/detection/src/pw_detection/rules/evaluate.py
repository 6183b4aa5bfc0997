"""Whether a rule holds for a token: each condition with its actual value, unknown where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Final, NamedTuple

from pw_common.wire.alerts import Condition as JudgedCondition
from pw_common.wire.alerts import NearRule, Verdict
from pw_detection.rules.rules import Compiled, Condition
from pw_detection.state.metrics import Exact, Reading, as_float

# Reads a metric of one token by name.
Read = Callable[[str], Reading]

_COMPARE: Final[dict[str, Callable[[Exact, Fraction], bool]]] = {
    ">=": lambda value, number: value >= number,
    ">": lambda value, number: value > number,
    "<=": lambda value, number: value <= number,
    "<": lambda value, number: value < number,
    "==": lambda value, number: value == number,
}
RISING: Final = frozenset({">", ">="})


class Evaluation(NamedTuple):
    """A rule's verdict on a token. `blocked` names gates that do not let it fire."""

    verdict: Verdict
    conditions: tuple[JudgedCondition, ...]
    blocked: tuple[str, ...] = ()


def holds(conditions: Iterable[Condition], read: Read) -> bool:
    """The verdict alone: stops at the first condition that does not hold."""
    return all(_verdict(one, read(one.metric)) == "holds" for one in conditions)


def evaluate(rule: Compiled, read: Read) -> Evaluation:
    """Every condition and gate of a rule, with values."""
    shown = tuple(_judged(one, read(one.metric)) for one in rule.conditions)
    gates = tuple(_judged(one, read(one.metric)) for one in rule.gates)
    blocked = tuple(
        f"gate unknown: {gate.text} ({gate.unknown})"
        if gate.verdict == "unknown"
        else f"gate: {gate.text}, is {gate.value}"
        for gate in gates
        if gate.verdict != "holds"
    )
    verdicts = {one.verdict for one in shown}
    verdict: Verdict = (
        "fails" if "fails" in verdicts else "unknown" if "unknown" in verdicts else "holds"
    )
    return Evaluation(verdict, shown, blocked)


def near(rule: Compiled, evaluation: Evaluation) -> NearRule:
    """What kept a rule from holding, for people."""
    short = []
    for condition, shown in zip(rule.conditions, evaluation.conditions, strict=True):
        if shown.verdict == "holds":
            continue
        if shown.value is None or shown.verdict == "unknown":
            short.append(f"{condition.text}: unknown ({shown.unknown})")
            continue
        by = as_float(abs(condition.number - Fraction(shown.value).limit_denominator(10**12)))
        short.append(f"{condition.text}: is {shown.value:g}, fell short by {by:g}")
    return NearRule(trigger=rule.rule.name, fell_short_by=(*short, *evaluation.blocked))


def _verdict(condition: Condition, reading: Reading) -> Verdict:
    if reading.value is None:
        if reading.unknown == "no_sells":
            # Infinite: larger than any number, and nothing else.
            return "holds" if condition.op in RISING else "fails"
        return "unknown"
    compared = _COMPARE[condition.op](reading.value, condition.number)
    if reading.least and not (compared and condition.op in RISING):
        # The rest of the window was not seen: the value can only be larger.
        certain = condition.op in {"<", "<=", "=="} and reading.value > condition.number
        return "fails" if certain else "unknown"
    return "holds" if compared else "fails"


def _judged(condition: Condition, reading: Reading) -> JudgedCondition:
    return JudgedCondition(
        text=condition.text,
        metric=condition.metric,
        value=as_float(reading.value),
        unknown=reading.unknown or ("cold" if reading.least else None),
        verdict=_verdict(condition, reading),
    )
