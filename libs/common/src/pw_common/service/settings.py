"""Settings: declared once as a frozen dataclass, read once from a mapping, all errors at once.

A field is declared with `setting(...)`; its type, with None or without, says how its text is
read (`READERS`). Secrets are files (`Path` fields whose name ends in `_FILE`), so no secret is
ever a value here.
"""

from __future__ import annotations

import dataclasses
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_type_hints
from urllib.parse import urlsplit

from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.text.redact import redacted, redacted_url, shown_path

S = TypeVar("S")

REQUIRED = object()


@dataclass(frozen=True)
class Problem:
    """One variable that cannot be used: its value as it may be shown, and what is allowed."""

    env: str
    why: str
    shown: str = ""

    def __str__(self) -> str:
        return f"{self.env}={self.shown}: {self.why}" if self.shown else f"{self.env} {self.why}"


class BadSettings(ValueError):
    """Every wrong variable, one line each: what it is, what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Declared:
    """One environment variable: for the docs and for the parser."""

    env: str
    help: str
    default: Any
    check: Callable[[Any], str | None] | None


def setting(
    env: str,
    help_: str,
    *,
    default: Any = REQUIRED,
    check: Callable[[Any], str | None] | None = None,
) -> Any:
    """Declare a field. `check` returns what is allowed when the value is not."""
    declared = Declared(env=env, help=help_, default=default, check=check)
    if default is REQUIRED:
        return dataclasses.field(metadata={"declared": declared})
    return dataclasses.field(default=default, metadata={"declared": declared})


def declared_settings(cls: type) -> list[tuple[Declared, Any]]:
    """Every declared variable of a settings class with its type, in order."""
    hints = get_type_hints(cls)
    return [
        (field.metadata["declared"], hints[field.name])
        for field in dataclasses.fields(cls)
        if "declared" in field.metadata
    ]


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """Build `cls` from the environment.

    Raises:
        BadSettings: listing every missing or wrong variable.
        TypeError: a field has a type that is not in `READERS`.
    """
    made, problems = look(cls, environ)
    if made is None:
        raise BadSettings(list(map(str, problems)))
    return made


def look(cls: type[S], environ: Mapping[str, str]) -> tuple[S | None, list[Problem]]:
    """`cls` as the environment gives it, or every problem that stands against it.

    What no single variable shows, a class says in a method `together`, which gives problems too.

    Raises:
        TypeError: a field has a type that is not in `READERS`.
    """
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        declared: Declared = field.metadata["declared"]
        reader, wanted = _reader(declared.env, hints[field.name])
        raw = environ.get(declared.env, "")
        if raw == "":
            if declared.default is REQUIRED:
                problems.append(Problem(declared.env, f"is missing: {declared.help}"))
            continue
        shown = repr(shown_raw(declared.env, raw))
        try:
            value = reader(raw)
        except ValueError:
            problems.append(Problem(declared.env, wanted, shown))
            continue
        allowed = declared.check(value) if declared.check else None
        if allowed:
            problems.append(Problem(declared.env, allowed, shown))
            continue
        values[field.name] = value
    if problems:
        return None, problems
    made = cls(**values)
    problems = list(getattr(made, "together", list)())
    return (None if problems else made), problems


def shown_raw(env: str, raw: str) -> str:
    """A value as an error may show it: without keys, and what is no path but a secret."""
    if "://" in raw or env.endswith(("_URL", "_ENDPOINT")):
        raw = redacted_url(raw)
    elif env.endswith(("_FILE", "_DIR")):
        raw = ",".join(shown_path(one.strip()) for one in raw.split(","))
    return plain_text(redacted(raw), SENTENCE_CHARS_MAX)


def load_or_exit(cls: type[S], environ: Mapping[str, str] | None = None) -> S:
    """`load` for a service's `main`: prints the problems and exits 78 (EX_CONFIG)."""
    try:
        return load(cls, os.environ if environ is None else environ)
    except BadSettings as error:
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        os.write(2, f"wrong settings:\n{lines}\n".encode())
        raise SystemExit(78) from None


def between(low: float, high: float) -> Callable[[Any], str | None]:
    """A check for numbers, both ends allowed."""

    def check(value: float) -> str | None:
        return None if low <= value <= high else f"allowed: {low} to {high}"

    return check


def one_of(*allowed: str) -> Callable[[Any], str | None]:
    """A check for a closed set of words."""

    def check(value: str) -> str | None:
        return None if value in allowed else f"allowed: {', '.join(allowed)}"

    return check


def url(*schemes: str) -> Callable[[Any], str | None]:
    """A check for an address with one of the schemes and a host."""

    def check(value: str) -> str | None:
        # `urlsplit` passes over line ends, and the library that is given the address does not.
        if not value.isprintable():
            return "allowed: one line without control characters"
        for one in value.split(","):
            try:
                parts = urlsplit(one.strip())
                known = parts.scheme in schemes and parts.hostname and parts.port != 0
            except ValueError:
                known = False  # Its message would quote the port, which may be half a password.
            if not known:
                return f"allowed: {' or '.join(s + '://host:port' for s in schemes)}"
        return None

    return check


def listen_address(value: str) -> str | None:
    """A check for `host:port`; port 0 takes a free one."""
    host, _, port = value.rpartition(":")
    if host and port.isascii() and port.isdigit() and int(port) <= 65535:
        return None
    return "allowed: host:port, port 0 to 65535"


def readable_file(value: Path) -> str | None:
    """A check for a file that this process can read."""
    if value.is_file() and os.access(value, os.R_OK):
        return None
    return "there is no readable file at this path"


def ca_file(value: Path) -> str | None:
    """A check for a file of certificates that TLS can use."""
    if problem := readable_file(value):
        return problem
    try:
        found = ssl.create_default_context(cafile=str(value)).get_ca_certs()
    except (ssl.SSLError, OSError):
        found = []
    return None if found else "allowed: a PEM file with at least one CA certificate"


def host_port(value: str) -> tuple[str, int]:
    """Split what `listen_address` accepted."""
    host, _, port = value.rpartition(":")
    return host.strip("[]"), int(port)


def _truth(raw: str) -> bool:
    lowered = raw.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise ValueError(lowered)


# How a text is read as each type, and what is allowed. Why not msgspec: docs/adr/0033.
READERS: Final[Mapping[Any, tuple[Callable[[str], Any], str]]] = {
    bool: (_truth, "allowed: true or false"),
    int: (int, "allowed: a whole number"),
    float: (float, "allowed: a number"),
    Path: (Path, "allowed: a path"),
    str: (str, "allowed: a text"),
}


def _reader(env: str, hint: Any) -> tuple[Callable[[str], Any], str]:
    kinds = set(get_args(hint)) - {NoneType} if isinstance(hint, UnionType) else {hint}
    if len(kinds) == 1 and kinds <= READERS.keys():
        return READERS[kinds.pop()]
    known = ", ".join(kind.__name__ for kind in READERS)
    raise TypeError(f"{env} is declared as {hint}; allowed: one of {known}, or one `| None`")
