"""What history is asked for: the slots of a span, or transactions by their signatures."""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from solders.signature import Signature

from pw_rpc.node import visible

# Over a week of mainnet, a few terabytes.
SLOTS_MAX: Final = 2_000_000
SIGNATURES_MAX: Final = 1_000_000
SIGNATURES_BYTES_MAX: Final = 1024 * 1024 * 1024
SPAN: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
# The first and the last slot, or signatures.
Asked: TypeAlias = tuple[int, int] | list[str]


class BadRequest(ValueError):
    """What is asked for is impossible; says why."""


def asked_of(args: argparse.Namespace) -> Asked:
    """What the arguments ask for. Raises BadRequest, OSError."""
    if args.signatures is not None:
        return read_signatures(args.signatures)
    if args.slots is None:
        raise BadRequest("--rpc needs --slots A-B or --signatures FILE")
    return span_of(args.slots)


def span_of(text: str) -> tuple[int, int]:
    """The slots of `A-B`, both inclusive. Raises BadRequest."""
    found = SPAN.fullmatch(text)
    if not found or int(found[1]) > int(found[2]):
        raise BadRequest(f"--slots {text}; allowed: A-B with A at most B")
    first, last = int(found[1]), int(found[2])
    if last - first >= SLOTS_MAX:
        raise BadRequest(f"--slots {text}: over {SLOTS_MAX} slots; ask for them in parts")
    return first, last


def read_signatures(path: Path) -> list[str]:
    """The signatures of a file, each once, in its order. Raises BadRequest, OSError."""
    if path.stat().st_size > SIGNATURES_BYTES_MAX:
        raise BadRequest(f"{path}: over {SIGNATURES_BYTES_MAX >> 20} MiB")
    found: dict[str, None] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            found[_signature(text, f"{path}:{number}")] = None
            if len(found) > SIGNATURES_MAX:
                raise BadRequest(f"{path}: over {SIGNATURES_MAX} signatures")
    if not found:
        raise BadRequest(f"{path} names no signature")
    return list(found)


class _Line(msgspec.Struct):
    signature: str


def _signature(text: str, where: str) -> str:
    try:
        named = msgspec.json.decode(text, type=_Line).signature if text[0] == "{" else text
        Signature.from_string(named)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRequest(f"{where}: no signature: {visible(text)[:100]}") from error
    return named


def name_of(asked: Asked) -> str:
    """What was asked for, so that a later run goes on only with the same."""
    if isinstance(asked, tuple):
        return f"slots {asked[0]}-{asked[1]}"
    digest = hashlib.sha256("\n".join(asked).encode()).hexdigest()[:16]
    return f"{len(asked)} signatures, {digest}"
