"""Which programs' transactions are asked for, and the subscription that asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import yaml

from pw_common.messages import Coverage
from pw_geyser import geyser_pb2 as pb

ALL: Final = "all"
ALL_NON_VOTE: Final = "all-non-vote"

COMMITMENTS: Final = {
    "processed": pb.PROCESSED,
    "confirmed": pb.CONFIRMED,
    "finalized": pb.FINALIZED,
}

BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
KEY_BYTES: Final = 32


class Program(NamedTuple):
    """A program by its short name and its id in base58."""

    name: str
    id: str


class BadPrograms(ValueError):
    """The list of programs cannot be used; says which entry and what is allowed."""


def coverage(mode: str) -> Coverage:
    """Which SOL transfers a subscription shows: all of them, or those beside exchanges."""
    return "full" if mode in {ALL, ALL_NON_VOTE} else "partial"


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
    programs: list[Program] = []
    for position, entry in enumerate(entries, start=1):
        name = entry.get("name") if isinstance(entry, dict) else None
        key = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(key, str):
            raise BadPrograms(f"entry {position}: allowed: {{name: text, id: base58 address}}")
        if not is_address(key):
            raise BadPrograms(f"entry {position} ({name}): {key!r} is not a base58 address")
        programs.append(Program(name, key))
    return tuple(programs)


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


def subscription(
    *, mode: str, programs: Sequence[Program], commitment: str, accounts_max: int = 0
) -> pb.SubscribeRequest:
    """The filter: transactions as asked for, and every slot and block_meta.

    Args:
        mode: `all`, `all-non-vote`, or anything else for the programs.
        programs: Whose transactions, in the mode of programs.
        commitment: A key of COMMITMENTS.
        accounts_max: Accounts that the source takes in one filter; 0 for no limit.
    """
    request = pb.SubscribeRequest(commitment=COMMITMENTS[commitment])
    request.slots["pw-slots"].filter_by_commitment = True
    request.blocks_meta["pw-meta"].SetInParent()
    if mode == ALL:
        request.transactions["pw-tx-0"].SetInParent()
        return request
    if mode == ALL_NON_VOTE:
        request.transactions["pw-tx-0"].vote = False
        return request
    ids = sorted({program.id for program in programs})
    size = accounts_max or len(ids)
    for position, start in enumerate(range(0, len(ids), size)):
        transactions = request.transactions[f"pw-tx-{position}"]
        transactions.vote = False
        transactions.failed = False
        transactions.account_include.extend(ids[start : start + size])
    return request
