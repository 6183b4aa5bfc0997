"""`services.toml`, read and typed: every service once, and every mistake in it at once.

The file is small, its lists and texts are bounded, and what is unknown is an error: a misspelt
field would otherwise be a default.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from workspace import ROOT

DECLARATION: Final = ROOT / "services.toml"
FILE_BYTES_MAX: Final = 65_536
SERVICES_MAX: Final = 64
ITEMS_MAX: Final = 32
TEXT_MAX: Final = 200
MEMORY_MIB: Final = range(16, 65_537)
PORTS: Final = range(1, 65_536)

NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
STORED: Final = re.compile(r"\*|(?:KV_)?[Pp][Ww]_\w+")
# A subject or a key of the broker, a consumer as STREAM.NAME.
DOTTED: Final = re.compile(r"[\w*>]+(?:\.[\w*>]+)*")
FOLDER: Final = re.compile(r"(?:/[\w.-]+)+")
MANIFEST: Final = re.compile(r"(?:k8s/[\w./-]+\.yaml)?")


class BadDeclaration(Exception):
    """What is wrong with the declaration: one sentence an entry of `problems`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Rights:
    """What a service's user may do at a broker, by what it is for."""

    publishes: tuple[str, ...] = ()
    writes_keys: tuple[str, ...] = ()
    answers_consumers: tuple[str, ...] = ()
    asks_about: tuple[str, ...] = ()
    gets_messages: tuple[str, ...] = ()
    purges: tuple[str, ...] = ()
    reads_keys: tuple[str, ...] = ()
    reads_history: tuple[str, ...] = ()
    reads_streams: tuple[str, ...] = ()
    answers_questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """One service. Memory is in MiB; `folders` maps a path in its image to its mode."""

    name: str
    about: str
    memory_mib: int
    peak_mib: int
    measured_by: str
    scales: str
    compose: str
    http_port: int = 8080
    ports: Mapping[str, int] = field(default_factory=dict)
    kubernetes: str | None = None
    pages: bool = False
    folders: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    rights: Rights | None = None

    @property
    def module(self) -> str:
        """Its import name."""
        return f"pw_{self.name}"

    @property
    def dashed(self) -> str:
        """Its name where underscores are not allowed: Kubernetes and images."""
        return self.name.replace("_", "-")

    @property
    def image(self) -> str:
        """Its image, without registry and tag."""
        return f"pocketwatcher-{self.dashed}"

    @property
    def metrics_prefix(self) -> str:
        """How every metric begins that it alone has."""
        return f"pw_{self.name}_"

    @property
    def manifest(self) -> str:
        """Its manifest, from the root; empty where it has none."""
        return f"k8s/base/{self.name}.yaml" if self.kubernetes is None else self.kubernetes

    @property
    def has_broker(self) -> bool:
        """Whether it connects to the broker at all."""
        return bool(self.reads or self.writes or self.answers)

    @property
    def is_scraped(self) -> bool:
        """Whether Compose's collector asks it for metrics: it stays, so it can be asked."""
        return self.compose == "runs"


def declared(path: Path = DECLARATION) -> list[Service]:
    """Every service, in the order of the file.

    Raises:
        BadDeclaration: with all that is wrong, if anything is.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise BadDeclaration([f"{path.name}: cannot be read: {error.strerror}"]) from error
    return services_of(body, path.name)


def services_of(body: bytes, name: str = DECLARATION.name) -> list[Service]:
    """The services that `body` declares; `name` is what errors call it.

    Raises:
        BadDeclaration: with all that is wrong, if anything is.
    """
    if len(body) > FILE_BYTES_MAX:
        raise BadDeclaration([f"{name}: {len(body)} bytes; allowed: at most {FILE_BYTES_MAX}"])
    try:
        document = tomllib.loads(body.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadDeclaration([f"{name}: not TOML: {error}"]) from error
    if not 1 <= len(document) <= SERVICES_MAX:
        raise BadDeclaration([f"{name}: {len(document)} services; allowed: 1 to {SERVICES_MAX}"])
    found = [
        f"{name}: {one[:TEXT_MAX]}: {why}"
        for one, entry in document.items()
        for why in _wrong(one, entry)
    ]
    if found:
        raise BadDeclaration(found)
    return [_service(one, entry) for one, entry in document.items()]


def _service(name: str, entry: dict[str, Any]) -> Service:
    given: dict[str, Any] = {
        key: tuple(one) if isinstance(one, list) else one for key, one in entry.items()
    }
    rights: dict[str, Any] | Rights | None = given.pop("rights", None)
    if isinstance(rights, dict):
        rights = Rights(**{key: tuple(one) for key, one in rights.items()})
    return Service(name=name, rights=rights, **given)


def _wrong(name: str, entry: Any) -> Iterator[str]:
    """Every mistake of one service, in words."""
    if len(name) > TEXT_MAX or not NAME.fullmatch(name):
        yield "not a name; allowed: small letters, digits and single underscores"
    if not isinstance(entry, dict):
        yield "allowed: a table with its fields"
        return
    needed = {"about", "memory_mib", "peak_mib", "measured_by", "scales", "compose"}
    known = {one.name for one in fields(Service)} - {"name"}
    yield from (f"{one}: missing" for one in sorted(needed - entry.keys()))
    yield from (f"{one[:TEXT_MAX]}: unknown" for one in sorted(entry.keys() - known))
    for key in entry.keys() & known - {"rights"}:
        if not _is_allowed(key, entry[key]):
            yield f"{key}: allowed: {ALLOWED[key]}"
    if "rights" in entry:
        yield from _wrong_rights(entry["rights"])


def _wrong_rights(given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield "rights: allowed: a table with its fields"
        return
    known = {one.name for one in fields(Rights)}
    yield from (f"rights.{one[:TEXT_MAX]}: unknown" for one in sorted(given.keys() - known))
    for key in sorted(given.keys() & known):
        if not _are_texts(given[key], DOTTED):
            yield f"rights.{key}: allowed: at most {ITEMS_MAX} subjects, keys or streams"


# What each field may be, in words; `_is_allowed` is the same in code.
_LINE: Final = f"one line of 1 to {TEXT_MAX} characters"
_MEMORY: Final = f"a whole number of MiB, {MEMORY_MIB.start} to {MEMORY_MIB.stop - 1}"
_STORED: Final = f'at most {ITEMS_MAX} streams and buckets, or "*"'
ALLOWED: Final = {
    "about": _LINE + r', without " \ $ or `',
    "measured_by": _LINE,
    "memory_mib": _MEMORY,
    "peak_mib": _MEMORY,
    "http_port": "a port, 1 to 65535",
    "ports": f"at most {ITEMS_MAX} names with ports, 1 to 65535",
    "scales": '"one" or "many"',
    "compose": '"runs", "once" or "built"',
    "kubernetes": 'a path like k8s/base/name.yaml, or ""',
    "pages": "true or false",
    "folders": f"at most {ITEMS_MAX} absolute paths with a mode of three octal digits",
    "reads": _STORED,
    "writes": _STORED,
    "answers": _STORED,
}


def _is_allowed(key: str, value: Any) -> bool:
    match key:
        case "about":
            return _is_line(value) and not set(value) & set('"\\$`')
        case "measured_by":
            return _is_line(value)
        case "memory_mib" | "peak_mib":
            return type(value) is int and value in MEMORY_MIB
        case "http_port":
            return _is_port(value)
        case "ports":
            return _are_pairs(value, NAME) and all(map(_is_port, value.values()))
        case "scales":
            return value in ("one", "many")
        case "compose":
            return value in ("runs", "once", "built")
        case "kubernetes":
            return isinstance(value, str) and ".." not in value and _is_like(value, MANIFEST)
        case "pages":
            return isinstance(value, bool)
        case "folders":
            return _are_pairs(value, FOLDER) and all(
                isinstance(one, str) and re.fullmatch("[0-7]{3}", one) for one in value.values()
            )
        case _:
            return _are_texts(value, STORED)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TEXT_MAX and value.isprintable()


def _is_like(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_MAX and bool(pattern.fullmatch(value))


def _is_port(value: Any) -> bool:
    return type(value) is int and value in PORTS


def _are_texts(value: Any, pattern: re.Pattern[str]) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= ITEMS_MAX
        and all(_is_like(one, pattern) for one in value)
    )


def _are_pairs(value: Any, pattern: re.Pattern[str]) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= ITEMS_MAX
        and all(_is_like(one, pattern) for one in value)
    )
