"""Which programs' transactions are asked for, and the subscription that asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import yaml

from pw_common.wire.coverage import (
    ALL,
    ALL_NON_VOTE,
    PROGRAMS,
    SUCCESSFUL,
    TOKEN_PROGRAMS,
    WITH_FAILED,
)
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.subscription.ladder import Rung

# Every mode that is known by its name; anything else is a file with a list of programs.
MODES: Final = (ALL, ALL_NON_VOTE, SUCCESSFUL, TOKEN_PROGRAMS, PROGRAMS)
# What is asked for where a wider one is refused: in this order, from the configured one on.
BY_WIDTH: Final = MODES

# No token moves without one of these.
TOKEN_PROGRAM_IDS: Final = (
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
)

COMMITMENTS: Final = {
    "processed": pb.PROCESSED,
    "confirmed": pb.CONFIRMED,
    "finalized": pb.FINALIZED,
}

BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
KEY_BYTES: Final = 32


FIELDS: Final = ("name", "id")


class Program(NamedTuple):
    """A program by its short name and its id in base58."""

    name: str
    id: str


class BadPrograms(ValueError):
    """The list of programs cannot be used; says which entry and what is allowed."""


def read_programs(text: str) -> tuple[Program, ...]:
    """Read a `programs:` list of `{name, id}` from YAML.

    Raises:
        BadPrograms: naming the entry.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadPrograms(f"not YAML: {' '.join(str(error).split())}") from error
    entries = document.get("programs") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise BadPrograms("`programs` is missing or empty; allowed: a list of {name, id}")
    if unknown := [one for one in document if one != "programs"]:
        raise BadPrograms(f"{str(unknown[0])[:64]!a}: no such field; there are: programs")
    programs: list[Program] = []
    for position, entry in enumerate(entries, start=1):
        name = entry.get("name") if isinstance(entry, dict) else None
        key = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(key, str):
            raise BadPrograms(f"entry {position}: allowed: {{name: text, id: base58 address}}")
        if unknown := [one for one in entry if one not in FIELDS]:
            named = f"{str(unknown[0])[:64]!a}: no such field; there are: {', '.join(FIELDS)}"
            raise BadPrograms(f"entry {position} ({name}): {named}")
        if not is_address(key):
            raise BadPrograms(f"entry {position} ({name}): {key!r} is not a base58 address")
        programs.append(Program(name, key))
    return tuple(programs)


def key_bytes(key: str) -> bytes:
    """An address, as `is_address` knows it, as bytes."""
    number = 0
    for character in key:
        number = number * 58 + BASE58.index(character)
    return number.to_bytes(KEY_BYTES, "big")


def is_address(key: str) -> bool:
    """Whether the text is base58 for exactly 32 bytes."""
    number = 0
    for character in key:
        digit = BASE58.find(character)
        if digit < 0:
            return False
        number = number * 58 + digit
    zeros = len(key) - len(key.lstrip("1"))
    return bool(key) and zeros + (number.bit_length() + 7) // 8 == KEY_BYTES


def ladder(
    *,
    mode: str,
    programs: Sequence[Program],
    commitment: str,
    accounts_max: int = 0,
    with_failed: bool = False,
) -> list[Rung]:
    """The subscription that is asked for, then the narrower ones, each with its name.

    Args:
        mode: One of MODES.
        programs: Whose transactions, where it comes to the list.
        commitment: A key of COMMITMENTS.
        accounts_max: Accounts that the source takes in one filter; 0 for no limit.
        with_failed: Whether failed transactions are asked for too.
    """
    rungs: list[Rung] = []
    for one in BY_WIDTH[BY_WIDTH.index(mode) :]:
        if one == SUCCESSFUL and with_failed:
            # Successful and failed ones are all transactions but votes.
            one = ALL_NON_VOTE  # noqa: PLW2901
        name = one + WITH_FAILED if with_failed and one in {TOKEN_PROGRAMS, PROGRAMS} else one
        if not any(rung.filter == name for rung in rungs):
            request = subscription(
                mode=one,
                programs=programs,
                commitment=commitment,
                accounts_max=accounts_max,
                with_failed=with_failed,
            )
            rungs.append(Rung(name, request))
    return rungs


def subscription(
    *,
    mode: str,
    programs: Sequence[Program],
    commitment: str,
    accounts_max: int = 0,
    with_failed: bool = False,
) -> pb.SubscribeRequest:
    """The filter of one mode: transactions as asked for, and every slot and block_meta.

    Args:
        mode: One of MODES; anything else for the programs.
        programs: Whose transactions, in the mode of programs.
        commitment: A key of COMMITMENTS.
        accounts_max: Accounts that the source takes in one filter; 0 for no limit.
        with_failed: Whether failed transactions are asked for too.
    """
    request = pb.SubscribeRequest(commitment=COMMITMENTS[commitment])
    request.slots["pw-slots"].filter_by_commitment = True
    request.blocks_meta["pw-meta"].SetInParent()
    if mode == ALL:
        request.transactions["pw-tx-0"].SetInParent()
        return request
    ids: list[str] = []
    if mode == TOKEN_PROGRAMS:
        ids = list(TOKEN_PROGRAM_IDS)
    elif mode not in {ALL_NON_VOTE, SUCCESSFUL}:
        ids = sorted({program.id for program in programs})
    size = accounts_max or max(1, len(ids))
    for position, start in enumerate(range(0, max(1, len(ids)), size)):
        transactions = request.transactions[f"pw-tx-{position}"]
        transactions.vote = False
        if mode != ALL_NON_VOTE and not with_failed:
            transactions.failed = False
        transactions.account_include.extend(ids[start : start + size])
    return request
