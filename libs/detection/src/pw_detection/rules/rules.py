"""Rules: read from YAML in the predecessor's form, checked whole, all errors at once."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from importlib.resources import files
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from pw_common.documents.document import (
    ERRORS_MAX,
    BadDocument,
    at_path,
    decode,
    line_problem,
    read_either,
    ready,
    unknown_names,
)
from pw_common.wire.alerts import Severity
from pw_detection.state.metrics import BY_NAME

Op: TypeAlias = Literal[">=", ">", "<=", "<", "=="]
OPS: Final = (">=", ">", "<=", "<", "==")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
CONDITION: Final = re.compile(r"\s*([A-Za-z0-9_]+)\s*(>=|<=|==|>|<|=|!=)\s*(\S+)\s*")
NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")
RULES_MAX: Final = 200
CONDITIONS_MAX: Final = 20
BYTES_MAX: Final = 256 * 1024
DESCRIPTION_CHARACTERS_MAX: Final = 500
CONDITION_CHARACTERS_MAX: Final = 120
ALLOWED: Final = "allowed: a list of rules, or `triggers:` with one"
NO_LIST: Final = f"no list; {ALLOWED}"
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
    """One rule. It holds where all conditions do; a gate that is unknown keeps it from firing.

    `cooldown_s` counts from an episode's opening; `escalate_factor` is by how much the first
    `>` or `>=` condition's metric must have grown for the episode to fire again.
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


class BadRules(BadDocument):
    """Rules that cannot be used; `errors` has one sentence for each thing that is wrong."""


class StoredRules(msgspec.Struct, frozen=True, kw_only=True):
    """The value of `triggers` as it is stored: the rules, and who changed them when."""

    rules: tuple[Rule, ...]
    who: str = ""
    at_ms: int = 0
    note: str = ""


ready(StoredRules)


def shipped_rules() -> tuple[Rule, ...]:
    """The rules that hold until somebody changes them."""
    text = files("pw_detection").joinpath("shipped_rules.yaml").read_bytes()
    return read_rules(text)


def read_rules(text: str | bytes) -> tuple[Rule, ...]:
    """A YAML (or JSON) list of rules, or a mapping with such a list under `triggers`.

    Raises:
        BadRules: with everything that is wrong.
    """
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        document = read_either(body, BYTES_MAX)
    except BadDocument as error:
        raise BadRules(error.errors) from error
    if document is None:
        raise BadRules([f"empty; {ALLOWED}"])
    return rules_of(document)


def rules_of(document: Any) -> tuple[Rule, ...]:
    """Rules from a document that is read already. Raises BadRules, as above."""
    if isinstance(document, dict):
        unknown = unknown_names(document, ("triggers",))
        document = document.get("triggers")
        if unknown:
            raise BadRules(unknown if isinstance(document, list) else [NO_LIST, *unknown])
    if not isinstance(document, list):
        raise BadRules([NO_LIST])
    if len(document) > RULES_MAX:
        raise BadRules([f"rules: {len(document)} rules; allowed: at most {RULES_MAX}"])
    errors: list[str] = []
    rules: list[Rule] = []
    for at, entry in enumerate(document):
        rule = _rule(f"rules[{at}]", entry, errors)
        rules += [rule] if rule is not None else []
        if len(errors) >= ERRORS_MAX:
            break
    errors += _named_twice(rules)
    if errors:
        raise BadRules(errors)
    return tuple(rules)


def stored_rules(body: bytes) -> tuple[Rule, ...]:
    """The stored value of `triggers`, if it can be used. Raises BadDocument."""
    rules = decode(body, StoredRules).rules
    if len(rules) > RULES_MAX:
        raise BadRules([f"rules: {len(rules)} rules; allowed: at most {RULES_MAX}"])
    errors = _named_twice(rules)
    for rule in rules:
        errors += [f"{rule.name[:64]}: {error}" for error in _read(rule)[2]]
        if len(errors) >= ERRORS_MAX:
            break
    if errors:
        raise BadRules(errors)
    return rules


def compiled(rules: Iterable[Rule]) -> tuple[Compiled, ...]:
    """Rules with their conditions read. Raises BadRules."""
    return tuple(compile_rule(rule) for rule in rules)


def compile_rule(rule: Rule) -> Compiled:
    """Read a rule's conditions.

    Raises:
        BadRules: with everything that is wrong with it.
    """
    conditions, gates, errors = _read(rule)
    if errors:
        raise BadRules([f"{rule.name[:64]}: {error}" for error in errors])
    return Compiled(rule, conditions, gates)


def _read(rule: Rule) -> tuple[tuple[Condition, ...], tuple[Condition, ...], list[str]]:
    """A rule's conditions and gates, and everything that is wrong with it."""
    errors: list[str] = []
    conditions = _conditions("conditions", rule.conditions, errors)
    gates = _conditions("gates", rule.gates, errors)
    if not rule.conditions:
        errors.append("conditions: no conditions; a rule needs at least one")
    if not NAME.fullmatch(rule.name):
        errors.append(f"name: {rule.name[:70]!r}: not a name; allowed: {NAME.pattern}")
    if not 0 <= rule.cooldown_s <= 86_400:
        errors.append(f"cooldown_s: {rule.cooldown_s}; allowed: 0 to 86400")
    if not 1 < rule.escalate_factor <= 1_000:
        errors.append(f"escalate_factor: {rule.escalate_factor}; allowed: above 1, to 1000")
    return conditions, gates, errors


def _named_twice(rules: Iterable[Rule]) -> list[str]:
    counts = Counter(rule.name for rule in rules)
    return [
        f"rules: {name[:70]!a} is named {count} times; each rule needs a name of its own"
        for name, count in sorted(counts.items())
        if count > 1
    ]


def _rule(where: str, entry: Any, errors: list[str]) -> Rule | None:
    known = Rule.__struct_fields__
    if not isinstance(entry, dict):
        errors.append(f"{where}: not a mapping with name and conditions")
        return None
    errors += [
        f"{where}: unknown field {key[:64]!r}{_closest(key, known)}; there are: {', '.join(known)}"
        for key in sorted(entry.keys() - known)[:ERRORS_MAX]
    ]
    try:
        rule = msgspec.convert({k: v for k, v in entry.items() if k in known}, Rule)
    except msgspec.ValidationError as error:
        errors.append(at_path(error, Rule, f"{where}."))
        return None
    errors += [f"{where}.{error}" for error in _read(rule)[2]]
    if why := line_problem(" ".join(rule.description.split()), DESCRIPTION_CHARACTERS_MAX):
        errors.append(f"{where}.description: {why}")
    return rule


def _conditions(field: str, texts: tuple[str, ...], errors: list[str]) -> tuple[Condition, ...]:
    if len(texts) > CONDITIONS_MAX:
        errors.append(f"{field}: {len(texts)} {field}; allowed: at most {CONDITIONS_MAX}")
    read = [
        _condition(f"{field}[{at}]", text, errors) for at, text in enumerate(texts[:CONDITIONS_MAX])
    ]
    return tuple(one for one in read if one is not None)


def _condition(where: str, text: str, errors: list[str]) -> Condition | None:
    found = CONDITION.fullmatch(text) if len(text) <= CONDITION_CHARACTERS_MAX else None
    if found is None:
        errors.append(f"{where}: {text[:80]!r} is not `metric operator number`")
        return None
    metric, op, number = found.groups()
    names = (*BY_NAME, *LIST_METRICS)
    wrong = []
    if metric not in names:
        near = _closest(metric, names)
        wrong.append(f"unknown metric {metric!r}{near}; valid: {', '.join(sorted(names))}")
    if op not in OPS:
        wrong.append(f"unknown operator {op!r}; valid: {' '.join(OPS)}")
    if not NUMBER.fullmatch(number):
        wrong.append(f"{number[:40]!r} is not a number")
    errors += [f"{where}: {text!r}: {one}" for one in wrong]
    if wrong:
        return None
    return Condition(f"{metric} {op} {number}", metric, op, Fraction(number))  # type: ignore[arg-type]


def _closest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:64], list(names), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
