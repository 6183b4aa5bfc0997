"""Rules: read from YAML in the predecessor's form, checked whole, all errors at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from fractions import Fraction
from importlib.resources import files
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec
import yaml

from pw_common.alerts import Severity
from pw_detection.metrics import BY_NAME

Op: TypeAlias = Literal[">=", ">", "<=", "<", "=="]
OPS: Final = (">=", ">", "<=", "<", "==")
NAME: Final = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}$")
CONDITION: Final = re.compile(r"^\s*([A-Za-z0-9_]+)\s*(>=|<=|==|>|<|=|!=)\s*(\S+)\s*$")
NUMBER: Final = re.compile(r"^-?\d{1,18}(\.\d{1,12})?$")
RULES_MAX: Final = 200
CONDITIONS_MAX: Final = 20
BYTES_MAX: Final = 256 * 1024
# Metrics that look at every buyer, or at every trade.
COSTLY: Final = ("top_3_", "new_wallet_", "price_", "market_cap_", "watched_buyers_")
# Watched wallets are counted beside the table of metrics, since lists are configuration.
LIST_METRICS: Final = ("watched_buyers_5m", "watched_buyers_1h", "watched_token", "watched_creator")


class Condition(NamedTuple):
    """`metric op number`; the number is exact."""

    text: str
    metric: str
    op: Op
    number: Fraction


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. It holds where all conditions do; a gate that is unknown keeps it from ringing.

    `cooldown_s` counts from an episode's opening; `escalate_factor` is by how much the first
    `>` or `>=` condition's metric must have grown for the episode to ring again.
    """

    name: str
    enabled: bool = True
    conditions: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    severity: Severity = "warning"
    cooldown_s: int = 900
    escalate_factor: float = 2.0
    description: str = ""


class Compiled(NamedTuple):
    """A rule with its conditions read."""

    rule: Rule
    conditions: tuple[Condition, ...]
    gates: tuple[Condition, ...]

    @property
    def cheap_first(self) -> tuple[Condition, ...]:
        """The conditions in the order in which a verdict costs least."""
        return tuple(sorted(self.conditions, key=lambda one: one.metric.startswith(COSTLY)))

    @property
    def lead(self) -> str:
        """The metric whose growth escalates an episode: of the first `>` or `>=` condition."""
        rising = [one.metric for one in self.conditions if one.op in {">", ">="}]
        return rising[0] if rising else ""


class BadRules(ValueError):
    """Rules that cannot be used; `errors` has one sentence for each thing that is wrong."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(self.errors))


def shipped_rules() -> tuple[Rule, ...]:
    """The rules that hold until somebody changes them."""
    text = files("pw_detection").joinpath("triggers.yaml").read_text(encoding="utf-8")
    return read_rules(text)


def read_rules(text: str) -> tuple[Rule, ...]:
    """A YAML (or JSON) list of rules, or a mapping with such a list under `triggers`.

    Raises:
        BadRules: with everything that is wrong.
    """
    if len(text.encode()) > BYTES_MAX:
        raise BadRules([f"over {BYTES_MAX} bytes; allowed: at most that"])
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadRules([f"not YAML: {' '.join(str(error).split())}"]) from error
    if isinstance(document, dict):
        document = document.get("triggers")
    if not isinstance(document, list):
        raise BadRules(["allowed: a list of rules, or `triggers:` with one"])
    if len(document) > RULES_MAX:
        raise BadRules([f"{len(document)} rules; allowed: at most {RULES_MAX}"])
    errors: list[str] = []
    rules = [_rule(at, entry, errors) for at, entry in enumerate(document, start=1)]
    names = [rule.name for rule in rules if rule is not None]
    errors += [
        f"{name}: named {names.count(name)} times; each rule needs a name of its own"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if errors:
        raise BadRules(errors)
    return tuple(rule for rule in rules if rule is not None)


def compile_rule(rule: Rule) -> Compiled:
    """Read a rule's conditions.

    Raises:
        BadRules: with everything that is wrong with it.
    """
    errors: list[str] = []
    conditions = _conditions(rule.name, "conditions", rule.conditions, errors)
    gates = _conditions(rule.name, "gates", rule.gates, errors)
    if not rule.conditions:
        errors.append(f"{rule.name}: no conditions; a rule needs at least one")
    if not NAME.match(rule.name):
        errors.append(f"{rule.name[:70]!r}: not a name; allowed: {NAME.pattern}")
    if not 0 <= rule.cooldown_s <= 86_400:
        errors.append(f"{rule.name}: cooldown_s is {rule.cooldown_s}; allowed: 0 to 86400")
    if not 1 < rule.escalate_factor <= 1_000:
        errors.append(
            f"{rule.name}: escalate_factor is {rule.escalate_factor}; allowed: above 1, to 1000"
        )
    if errors:
        raise BadRules(errors)
    return Compiled(rule, conditions, gates)


def _rule(at: int, entry: Any, errors: list[str]) -> Rule | None:
    known = set(Rule.__struct_fields__)
    if not isinstance(entry, dict):
        errors.append(f"entry {at}: not a mapping with name and conditions")
        return None
    name = entry.get("name", f"entry {at}")
    errors += [
        f"{name}: unknown field {key!r}{_closest(key, known)}"
        for key in sorted(set(map(str, entry)) - known)
    ]
    try:
        rule = msgspec.convert({k: v for k, v in entry.items() if k in known}, Rule)
    except msgspec.ValidationError as error:
        errors.append(f"{name}: {error}")
        return None
    try:
        compile_rule(rule)
    except BadRules as error:
        errors.extend(error.errors)
    return rule


def _conditions(
    rule: str, field: str, texts: tuple[str, ...], errors: list[str]
) -> tuple[Condition, ...]:
    if len(texts) > CONDITIONS_MAX:
        errors.append(f"{rule}: {len(texts)} {field}; allowed: at most {CONDITIONS_MAX}")
    read = [_condition(rule, text, errors) for text in texts[:CONDITIONS_MAX]]
    return tuple(one for one in read if one is not None)


def _condition(rule: str, text: str, errors: list[str]) -> Condition | None:
    found = CONDITION.match(text)
    if found is None:
        errors.append(f"{rule}: {text[:80]!r} is not `metric operator number`")
        return None
    metric, op, number = found.groups()
    names = (*BY_NAME, *LIST_METRICS)
    wrong = []
    if metric not in names:
        near = _closest(metric, names)
        wrong.append(f"unknown metric {metric!r}{near}; valid: {', '.join(sorted(names))}")
    if op not in OPS:
        wrong.append(f"unknown operator {op!r}; valid: {' '.join(OPS)}")
    if not NUMBER.match(number):
        wrong.append(f"{number[:40]!r} is not a number")
    errors += [f"{rule}: {text!r}: {one}" for one in wrong]
    if wrong:
        return None
    return Condition(f"{metric} {op} {number}", metric, op, Fraction(number))  # type: ignore[arg-type]


def _closest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
