"""Configuration that somebody wrote in JSON or YAML, read within bounds. Pure.

What comes out is plain: mappings with text as keys, lists, text, whole numbers of 64 bits,
finite numbers, true, false and null. The size is looked at before anything is parsed, YAML has
no anchors, aliases or tags, and a key that comes twice is an error, since one of the two would
silently win. Whoever imports this declares PyYAML.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Hashable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml

from pw_common.documents.choices import choices_at

DEPTH_MAX: Final = 12
# Mappings, lists and values together: a document of the most entries has about 50,000.
NODES_MAX: Final = 100_000
INTEGER_MAX: Final = 2**63 - 1
ERRORS_MAX: Final = 50
ERROR_CHARACTERS_MAX: Final = 2_000
_MSGSPEC_PATH: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<path>[^`]*)`", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_CHOICE: Final = "Invalid enum value "

T = TypeVar("T")


class BadDocument(ValueError):
    """A document that cannot be used; `errors` has a sentence for each thing that is wrong."""

    def __init__(self, errors: Iterable[str]) -> None:
        found = [one if len(one) <= ERROR_CHARACTERS_MAX else f"{one[:ERROR_CHARACTERS_MAX]}…"
                 for one in errors]  # fmt: skip
        more = len(found) - ERRORS_MAX
        self.errors = (*found[:ERRORS_MAX], *([f"and {more} more"] if more > 0 else []))
        super().__init__("\n".join(self.errors))


def read_json(body: bytes, bytes_max: int) -> Any:
    """One JSON value in UTF-8. Raises BadDocument."""
    text = _text(body, bytes_max)
    try:
        found = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except RecursionError:
        raise BadDocument([f"nested deeper than {DEPTH_MAX}"]) from None
    except ValueError as error:
        if isinstance(error, BadDocument):
            raise
        raise BadDocument([f"not JSON: {error}"]) from error
    _check(found)
    return found


def read_yaml(body: bytes, bytes_max: int) -> Any:
    """One YAML value in UTF-8, without anchors, aliases and tags. Raises BadDocument."""
    text = _text(body, bytes_max)
    try:
        _look_through(text)
        found = yaml.load(text, Loader=_Plain)  # noqa: S506 - a safe loader with less in it
    except yaml.YAMLError as error:
        # Its own text quotes the lines around the fault, and with them whatever secret they hold.
        raise BadDocument([f"not YAML{_where(error)}"]) from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadDocument):
            raise
        raise BadDocument([f"not YAML: {str(error)[:500]}"]) from error
    _check(found)
    return found


def read_either(body: bytes, bytes_max: int) -> Any:
    """JSON if it begins like JSON, else YAML, of which JSON is nearly a part."""
    if body.lstrip()[:1] not in {b"[", b"{"}:
        return read_yaml(body, bytes_max)
    try:
        return read_json(body, bytes_max)
    except BadDocument as error:
        if not error.errors[0].startswith("not JSON"):
            raise
    return read_yaml(body, bytes_max)


def read_file(path: Path, bytes_max: int) -> bytes:
    """A file's content, never more than one byte over what is allowed. Raises OSError."""
    with path.open("rb") as file:
        return file.read(bytes_max + 1)


def ready(*types: type) -> None:
    """Make msgspec inspect types now, where they are declared.

    It does so at the first use of each, and two threads that are the first at the same moment end
    the process. So every type that is read in threads is made ready before there are any.
    """
    for one in types:
        msgspec.json.Decoder(one)


def convert(value: Any, type_: type[T], where: str = "") -> T:
    """A checked value as a model; an error names the path within. Raises BadDocument."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise BadDocument([at_path(error, type_, where)]) from error


def decode(body: bytes, type_: type[T]) -> T:
    """A stored value, which may be anything, as a model. Raises BadDocument."""
    try:
        return msgspec.json.decode(body, type=type_)
    except RecursionError:
        raise BadDocument(["nested too deep"]) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadDocument([at_path(error, type_)]) from error


def at_path(error: Exception, type_: Any, where: str = "") -> str:
    """Msgspec's words with the path in front: `entries[3].address: Expected `str`, got `int``.

    Where the field takes certain words alone, they are named: `entries[3].kind: 'x'; allowed: …`.
    """
    found = _MSGSPEC_PATH.fullmatch(str(error))
    inner, what = (found["path"], found["what"]) if found else ("", str(error))
    if choices := choices_at(type_, inner):
        what = f"{what.removeprefix(_NO_CHOICE)}; allowed: {', '.join(choices)}"
    path = f"{where}{inner}" if inner else where.rstrip(".")
    return f"{path}: {what}" if path else what


def unknown_fields(
    value: Any, type_: type[msgspec.Struct], where: str = "", *, also: Collection[str] = ()
) -> list[str]:
    """Fields that a model does not have: a typing error must not look like a success.

    `also` names those that may stand there and mean nothing, as what an answer added to it does.
    """
    return unknown_names(value, type_.__struct_fields__, where, also=also)


def unknown_names(
    value: Any, known: Collection[str], where: str = "", *, also: Collection[str] = ()
) -> list[str]:
    """As `unknown_fields`, of a mapping that has no model."""
    return [
        f"{where}{str(name)[:64]!a}: no such field; there are: {', '.join(known)}"
        for name in (value if isinstance(value, dict) else ())
        if name not in known and name not in also
    ][:ERRORS_MAX]


def _step(name: str) -> str:
    """A field's name as a step of a path: in quotes where it has signs that a path has not."""
    return name if _NAME.fullmatch(name) else ascii(name[:64])


def is_one_line(text: str) -> bool:
    """Whether a text has no control, format, surrogate or separator characters."""
    return text.isprintable() or not any(
        unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for sign in text
    )


def line_problem(text: str, characters_max: int) -> str:
    """Empty where a text is one line within bounds, else what is allowed."""
    if len(text) > characters_max:
        return f"{len(text)} characters; allowed: at most {characters_max}"
    return "" if is_one_line(text) else "allowed: one line without control characters"


def _text(body: bytes, bytes_max: int) -> str:
    if len(body) > bytes_max:
        raise BadDocument([f"over {bytes_max} bytes; allowed: at most that"])
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadDocument([f"not UTF-8 at byte {error.start}"]) from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadDocument([f"a key comes twice: {key[:64]!a}"])
            seen.add(key)
    return found


def _no_constant(name: str) -> float:
    raise BadDocument([f"{name} is not a JSON number"])


def _look_through(text: str) -> None:
    """Checks every event before anything is built from them: nothing here can grow."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Plain):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise BadDocument([f"{_line(event)}: anchors and aliases are not taken"])
        if isinstance(event, yaml.NodeEvent):
            nodes += 1
            if getattr(event, "tag", None) is not None:
                raise BadDocument([f"{_line(event)}: tags are not taken"])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            raise BadDocument([f"{_line(event)}: nested deeper than {DEPTH_MAX}"])
        if nodes > NODES_MAX:
            raise BadDocument([f"over {NODES_MAX} values; allowed: at most that"])


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""


def _line(event: yaml.Event) -> str:
    mark = event.start_mark
    return f"line {mark.line + 1}" if mark is not None else "somewhere"


class _Plain(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader for which a date is text and a key comes once."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        if isinstance(node, yaml.MappingNode):
            seen: set[tuple[str, str]] = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    continue
                if (key.tag, key.value) in seen:
                    line = key.start_mark.line + 1
                    raise BadDocument([f"line {line}: a key comes twice: {key.value[:64]!a}"])
                seen.add((key.tag, key.value))
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found


def _check(document: Any) -> None:
    """That a value is plain and within bounds, without recursion."""
    left: list[tuple[str, Any, int]] = [("", document, 0)]
    nodes = 0
    while left:
        where, value, depth = left.pop()
        nodes += 1
        if nodes > NODES_MAX:
            raise BadDocument([f"over {NODES_MAX} values; allowed: at most that"])
        if isinstance(value, dict | list):
            if depth >= DEPTH_MAX:
                raise BadDocument([f"{where[:200]}: nested deeper than {DEPTH_MAX}"])
            left += _children(where, value, depth + 1)
        elif why := _scalar_problem(value):
            raise BadDocument([f"{where[:200]}: {why}" if where else why])


def _children(where: str, value: Any, depth: int) -> list[tuple[str, Any, int]]:
    if isinstance(value, list):
        return [(f"{where}[{at}]", one, depth) for at, one in enumerate(value)]
    children = []
    for key, one in value.items():
        if not isinstance(key, str) or not _is_text(key):
            raise BadDocument([f"{where[:200]}: the key {ascii(key)[:64]} is not text"])
        children.append((f"{where}.{_step(key)}" if where else _step(key), one, depth))
    return children


def _scalar_problem(value: Any) -> str:
    if isinstance(value, str):
        return "" if _is_text(value) else "a lone surrogate is not text"
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return "" if abs(value) <= INTEGER_MAX else "a number of over 64 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "not a finite number"
    return f"a {type(value).__name__} is not taken"


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
