"""What users add to the shipped table of programs, and which new layouts they have seen. Pure.

Both are documents of the `pw_config` bucket. Every way in (API, file, command) and what is
stored are read here, within the same bounds, as is each line of a whole table. Entries name;
see `pw_parser.core.decode.programs`.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from pw_common.documents.document import (
    ERRORS_MAX,
    BadDocument,
    at_path,
    decode,
    line_problem,
    read_either,
    ready,
    unknown_fields,
)
from pw_common.text.base58 import is_address
from pw_common.text.plain_text import plain_text
from pw_common.wire.messages import UNLISTED_VENUE

Kind: TypeAlias = Literal["venue", "router", "bot", "non_exchange", "infrastructure"]
UNLISTED: Final = UNLISTED_VENUE
ANY_INSTRUCTION: Final = "*"
# Stored as one value with its 32 earlier versions, beside the other documents of the bucket.
PROGRAMS_BYTES_MAX: Final = 128 * 1024
ACKNOWLEDGED_BYTES_MAX: Final = 32 * 1024
PROGRAMS_MAX: Final = 300
ACKNOWLEDGED_MAX: Final = 256
NAME_CHARACTERS_MAX: Final = 32
SOURCE_CHARACTERS_MAX: Final = 120
USERS_MAX: Final = 16
ACCOUNT_INDEXES_MAX: Final = 4
# A transaction has at most 256 accounts; a negative index counts from the end.
ACCOUNT_INDEX_MIN, ACCOUNT_INDEX_MAX = -256, 255
TAKES_MAX: Final = 16
# What the API's answer has beside the entries.
BESIDE: Final = frozenset({"revision", "in_force", "unusable", "who", "note", "at_ms"})
_TAG: Final = re.compile(r"(?:[0-9a-f]{2}){1,8}")
_DATE: Final = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2})?")
_VENUE: Final = re.compile(r"[a-z0-9_]{1,32}")
# A layout's tag may be empty: an instruction without data.
_DRIFT_TAG: Final = re.compile(r"(?:[0-9a-f]{2}){0,8}")


class ProgramEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One program: added to the shipped table, or replacing its entry there.

    `users` maps an instruction's tag (its first 1 to 8 bytes in hex, `*` for all others) to the
    indexes among its accounts where the user stands; a negative one counts from the end. Where
    several tags fit, the longest counts. `takes` are the beginnings (hex) of the instructions
    that trade, where most of them do not.
    `launches` says that new tokens are traded here. `date` is the day of the last check.
    """

    id: str
    name: str
    kind: Kind
    users: dict[str, tuple[int, ...]] = {}
    takes: tuple[str, ...] = ()
    launches: bool = False
    source: str = ""
    date: str = ""


class ProgramTable(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was added."""

    entries: tuple[ProgramEntry, ...] = ()


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """Something new in a venue's layout that a person has seen: it is no longer shown."""

    program: str
    tag: str


class AcknowledgedList(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was acknowledged."""

    entries: tuple[Acknowledged, ...] = ()


ready(ProgramTable, AcknowledgedList)


E = TypeVar("E", ProgramEntry, Acknowledged)


class BadPrograms(BadDocument):
    """A document of programs that cannot be used; `errors` names each entry."""


def read_programs(entries: Any) -> ProgramTable:
    """Programs from the value of `entries`. Raises BadPrograms, naming what is wrong."""
    return ProgramTable(entries=_entries(entries, ProgramEntry, PROGRAMS_MAX))


def read_program(value: Any) -> ProgramEntry:
    """One entry by itself, as a line of a whole table holds it. Raises BadPrograms."""
    found, errors = _converted(value, ProgramEntry, "")
    if errors or found is None:
        raise BadPrograms(errors)
    _refuse(_program_wrong(found))
    return found


def read_acknowledged(entries: Any) -> AcknowledgedList:
    """As `read_programs`, for what was acknowledged."""
    return AcknowledgedList(entries=_entries(entries, Acknowledged, ACKNOWLEDGED_MAX))


def read_programs_file(body: bytes) -> ProgramTable:
    """A document as JSON or YAML: `entries`, or the list of them alone. Raises BadDocument.

    What the API adds to its answer may stand beside the entries (`BESIDE`).
    """
    value = read_either(body, PROGRAMS_BYTES_MAX)
    if value is None:
        raise BadPrograms(["empty; allowed: `entries:` with a list of programs"])
    if isinstance(value, dict):
        _refuse(unknown_fields(value, ProgramTable, also=BESIDE))
        value = value.get("entries")
    return read_programs(value)


def stored_programs(body: bytes) -> ProgramTable:
    """What is stored, if it can be used. Raises BadDocument."""
    if len(body) > PROGRAMS_BYTES_MAX:
        raise BadPrograms([f"over {PROGRAMS_BYTES_MAX} bytes; allowed: at most that"])
    found = decode(body, ProgramTable)
    _refuse(_all_wrong(found.entries, PROGRAMS_MAX))
    return found


def stored_acknowledged(body: bytes) -> AcknowledgedList:
    """As `stored_programs`."""
    if len(body) > ACKNOWLEDGED_BYTES_MAX:
        raise BadPrograms([f"over {ACKNOWLEDGED_BYTES_MAX} bytes; allowed: at most that"])
    found = decode(body, AcknowledgedList)
    _refuse(_all_wrong(found.entries, ACKNOWLEDGED_MAX))
    return found


def _entries(value: Any, type_: type[E], count_max: int) -> tuple[E, ...]:
    if not isinstance(value, list):
        raise BadPrograms(["entries: allowed: a list"])
    if len(value) > count_max:
        raise BadPrograms([f"entries: {len(value)}; allowed: at most {count_max}"])
    errors: list[str] = []
    found: list[E] = []
    for at, one in enumerate(value):
        entry, wrong = _converted(one, type_, f"entries[{at}].")
        errors += wrong
        if entry is not None:
            found.append(entry)
        if len(errors) >= ERRORS_MAX:
            break
    # An index is only right where every entry before it could be read.
    _refuse(errors or _all_wrong(found, count_max))
    return tuple(found)


def _converted(value: Any, type_: type[E], where: str) -> tuple[E | None, list[str]]:
    errors: list[str] = unknown_fields(value, type_, where)
    try:
        return msgspec.convert(value, type_), errors
    except msgspec.ValidationError as error:
        return None, [*errors, at_path(error, type_, where)]


def _all_wrong(entries: tuple[E, ...] | list[E], count_max: int) -> list[str]:
    if len(entries) > count_max:
        return [f"entries: {len(entries)}; allowed: at most {count_max}"]
    errors: list[str] = []
    seen: set[tuple[str, str]] = set()
    for at, one in enumerate(entries):
        where = f"entries[{at}]"
        wrong = _program_wrong(one) if isinstance(one, ProgramEntry) else _seen_wrong(one)
        for name, value in _unique(one):
            if (name, value) in seen:
                wrong.append(f"{name}: {value} is there already")
            seen.add((name, value))
        errors += [f"{where}.{what}" for what in wrong]
    return errors


def _unique(one: ProgramEntry | Acknowledged) -> tuple[tuple[str, str], ...]:
    if isinstance(one, ProgramEntry):
        return (("id", one.id), ("name", one.name))
    return (("tag", f"{one.program} {one.tag}"),)


def _program_wrong(one: ProgramEntry) -> list[str]:
    wrong = []
    if not is_address(one.id):
        wrong.append("id: allowed: the base58 address of a 32-byte key")
    if why := _name_problem(one.name):
        wrong.append(f"name: {why}")
    if len(one.users) > USERS_MAX:
        wrong.append(f"users: {len(one.users)}; allowed: at most {USERS_MAX}")
    for tag, indexes in one.users.items():
        if tag != ANY_INSTRUCTION and not _TAG.fullmatch(tag):
            wrong.append(f"users: {tag[:32]!a}: allowed: 1 to 8 bytes in lower-case hex, or *")
        if not 1 <= len(indexes) <= ACCOUNT_INDEXES_MAX:
            wrong.append(
                f"users: {len(indexes)} account indexes; allowed: 1 to {ACCOUNT_INDEXES_MAX}"
            )
        if not all(ACCOUNT_INDEX_MIN <= index <= ACCOUNT_INDEX_MAX for index in indexes):
            allowed = f"{ACCOUNT_INDEX_MIN} to {ACCOUNT_INDEX_MAX}"
            wrong.append(f"users: account indexes: allowed: {allowed}")
    if len(one.takes) > TAKES_MAX or not all(map(_TAG.fullmatch, one.takes)):
        wrong.append(f"takes: allowed: at most {TAKES_MAX}, each 1 to 8 bytes in lower-case hex")
    if why := line_problem(one.source, SOURCE_CHARACTERS_MAX):
        wrong.append(f"source: {why}")
    if not (_DATE.fullmatch(one.date) and _is_date(one.date)):
        wrong.append("date: allowed: YYYY-MM-DD, or nothing")
    return wrong


def _name_problem(name: str) -> str:
    if not name or name != name.strip() or plain_text(name, NAME_CHARACTERS_MAX) != name:
        return f"allowed: 1 to {NAME_CHARACTERS_MAX} visible characters"
    alike = unicodedata.normalize("NFKC", name).casefold()
    return f"must not begin with {UNLISTED}" if alike.startswith(UNLISTED) else ""


def _is_date(text: str) -> bool:
    try:
        return not text or bool(date.fromisoformat(text))
    except ValueError:
        return False


def _seen_wrong(one: Acknowledged) -> list[str]:
    wrong = []
    if not _VENUE.fullmatch(one.program):
        wrong.append("program: allowed: a venue as the status names it")
    if not _DRIFT_TAG.fullmatch(one.tag):
        wrong.append("tag: allowed: 0 to 8 bytes in hex, as the status shows it")
    return wrong


def _refuse(errors: list[str]) -> None:
    if errors:
        raise BadPrograms(errors)
