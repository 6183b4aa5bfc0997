"""Token instructions that were sent together as one: each is read as if it stood by itself.

Programs that call a token program pay once for the call, so they send their transfers as one
`Batch`. Layout: `Batch` in the public interfaces of solana-program/token (p-token, since
epoch 971 what runs under the classic program's id) and solana-program/token-2022.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias, TypeVar

from pw_geyser import solana_storage_pb2
from pw_parser.core.decode.programs import TOKEN_PROGRAMS
from pw_parser.core.decode.transaction import View

# Behind it, for each part: the number of its accounts, the length of its data, its data.
BATCH: Final = b"\xff"
_HEADER_BYTES: Final = 2
# Each part names an account, and no instruction on the chain names more than these.
PARTS_MAX: Final = 255
_INDEX_MAX: Final = 2**32 - 1

Part: TypeAlias = tuple[bytes, bytes]
_Instruction = TypeVar(
    "_Instruction", solana_storage_pb2.CompiledInstruction, solana_storage_pb2.InnerInstruction
)


def parts_of(accounts: bytes, data: bytes) -> list[Part]:
    """(accounts, data) of each part of a batch, up to the first that no program would run.

    A part without accounts or data, or that is a batch itself, fails the whole transaction,
    and so does one that ends behind the end: only a broken source sends these.
    """
    parts: list[Part] = []
    at, taken = len(BATCH), 0
    while at + _HEADER_BYTES < len(data) and len(parts) < PARTS_MAX:
        begin = at + _HEADER_BYTES
        named, at = taken + data[at], begin + data[at + 1]
        if not taken < named <= len(accounts) or not begin < at <= len(data):
            break
        if data[begin : begin + 1] == BATCH:
            break
        parts.append((accounts[taken:named], data[begin:at]))
        taken = named
    return parts


def without_batches(view: View) -> View:
    """The view with the parts of each batch in its place; itself where there is no batch.

    A batch of which no part can be read stays, and no rule reads it. What a batch called
    stands below its first part.
    """
    programs = {index for index, key in enumerate(view.keys) if key in TOKEN_PROGRAMS}
    groups = view.meta.inner_instructions
    if not any(_parts(one, programs) for one in view.message.instructions) and not any(
        _parts(one, programs) for group in groups for one in group.instructions
    ):
        return view
    outer: list[solana_storage_pb2.CompiledInstruction] = []
    # Where each outer instruction, or its first part, stands now.
    places: list[int] = []
    for instruction in view.message.instructions:
        places.append(len(outer))
        outer += _apart(instruction, programs)
    message, meta = solana_storage_pb2.Message(), solana_storage_pb2.TransactionStatusMeta()
    message.CopyFrom(view.message)
    meta.CopyFrom(view.meta)
    del message.instructions[:]
    message.instructions.extend(outer)
    for group in meta.inner_instructions:
        inner = [part for one in group.instructions for part in _apart(one, programs)]
        del group.instructions[:]
        group.instructions.extend(inner)
        if group.index < len(places):
            group.index = places[group.index]
        else:
            group.index = min(group.index + len(outer) - len(places), _INDEX_MAX)
    return view._replace(message=message, meta=meta)


def _parts(instruction: _Instruction, programs: set[int]) -> list[Part]:
    if instruction.data[:1] != BATCH or instruction.program_id_index not in programs:
        return []
    return parts_of(instruction.accounts, instruction.data)


def _apart(instruction: _Instruction, programs: set[int]) -> Iterable[_Instruction]:
    """The parts of a batch as instructions at its height; any other as it is."""
    parts = _parts(instruction, programs)
    if not parts:
        return (instruction,)
    # Without what differs: a batch of many parts is not copied once for each.
    bare = type(instruction)()
    bare.CopyFrom(instruction)
    bare.ClearField("accounts")
    bare.ClearField("data")
    made = []
    for accounts, data in parts:
        part = type(instruction)()
        part.CopyFrom(bare)
        part.accounts, part.data = accounts, data
        made.append(part)
    return made
