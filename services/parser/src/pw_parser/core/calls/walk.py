"""What the instructions of a transaction say about money that is not the trade.

One walk over outer and inner instructions collects the exchange programs that
were invoked, the SOL that a wallet paid beside the trade (tips, gifts, rent of
new accounts; see `beside`) and the rent that came back from closed ones.
"""

from __future__ import annotations

from typing import Final

from pw_geyser import solana_storage_pb2
from pw_parser.core.calls.beside import (
    DESTINATIONS,
    in_range,
    system_step,
    token_step,
)
from pw_parser.core.calls.calls import OUTER, Place
from pw_parser.core.calls.ledger import NOTHING, SYSTEM, TOKEN, Ledger, Role, Walk
from pw_parser.core.decode.programs import (
    EXCHANGE_KINDS,
    SYSTEM_PROGRAM,
    TOKEN_PROGRAMS,
    Program,
    Programs,
)
from pw_parser.core.decode.token_batches import without_batches
from pw_parser.core.decode.transaction import AnyInstruction, Malformed, View
from pw_parser.core.venues.layout import EVENT_TAG
from pw_parser.core.venues.registry import is_no_trade

# The height of what an outer instruction calls; 0 where old metadata has none.
DIRECT_HEIGHT: Final = 2
_BASIC: Final = TOKEN_PROGRAMS | {SYSTEM_PROGRAM}


def ledger_of(view: View, programs: Programs) -> Ledger:
    """Walk all instructions.

    Raises:
        Malformed: an instruction names a program or account that is not there.
    """
    walk = Walk(view)
    walk.take(0, -view.fee_lamports, "network_fee")
    count = len(view.keys)
    special = walk.special = _special_programs(walk, programs)
    outer_unlisted: set[int] = set()
    for at, instruction in enumerate(view.message.instructions):
        program = instruction.program_id_index
        role = special.get(program)
        if role == TOKEN:
            token_step(walk, instruction)
        elif role is not None:
            if role:
                _step(walk, role, instruction, Place(at, OUTER))
        elif program >= count:
            raise Malformed(f"instruction of program {program}, but there are {count} accounts")
        else:
            outer_unlisted.add(at)
    for group in sorted(view.meta.inner_instructions, key=_outer_index):
        walk.group = group.instructions
        if group.index in outer_unlisted and not walk.unlisted:
            walk.unlisted = _moves_tokens_itself(walk)
        for at, inner in enumerate(walk.group):
            program = inner.program_id_index
            role = special.get(program)
            if role == TOKEN:
                token_step(walk, inner)
            elif role is not None:
                if role:
                    _step(walk, role, inner, Place(group.index, at))
            elif program >= count:
                raise Malformed(f"instruction of program {program}, but there are {count} accounts")
            else:
                walk.unlisted = True
    if walk.batches and (apart := without_batches(view)) is not view:
        # Batches are few, so that nobody looks for them before the walk.
        return ledger_of(apart, programs)
    return walk


def _moves_tokens_itself(walk: Walk) -> bool:
    """Whether the outer instruction sends tokens, not only the programs that it calls."""
    return any(
        walk.special.get(one.program_id_index) == TOKEN
        and one.stack_height <= DIRECT_HEIGHT
        and one.data[:1] in DESTINATIONS
        for one in walk.group
    )


def _outer_index(group: solana_storage_pb2.InnerInstructions) -> int:
    return group.index


def _special_programs(walk: Walk, programs: Programs) -> dict[int, Role]:
    """Account index -> what to do with its instructions; 0 where there is nothing to do."""
    special: dict[int, Role] = {}
    named = programs.by_key
    for index, key in enumerate(walk.view.keys):
        if key in named:
            program = named[key]
            special[index] = program if program.kind in EXCHANGE_KINDS else NOTHING
            if program.kind == "non_exchange":
                walk.non_exchanges = True
        if key in _BASIC:
            special[index] = SYSTEM if key == SYSTEM_PROGRAM else TOKEN
    return special


def _step(walk: Walk, role: Role, instruction: AnyInstruction, place: Place) -> None:
    if isinstance(role, Program):
        _exchange(walk, role, instruction, place)
    else:
        system_step(walk, instruction, place)


def _exchange(walk: Walk, program: Program, instruction: AnyInstruction, place: Place) -> None:
    name, data = program.name, instruction.data
    if data.startswith(EVENT_TAG):
        # What a program sends to itself is a statement, not a trade by itself.
        walk.calls.wrote(name, place, data[len(EVENT_TAG) :])
        if program.kind != "venue" and name not in walk.routers:
            walk.routers += (name,)
    elif program.kind != "venue":
        if name not in walk.routers:
            walk.routers += (name,)
        walk.calls.add(name, place, instruction)
        if program.users:
            _note_user(walk, program, instruction)
    elif program.takes and not data.startswith(program.takes):
        # Orders placed, cancelled and settled move deposits, which look like trades.
        walk.orders = True
    else:
        walk.calls.add(name, place, instruction)
        walk.launches |= program.launches
        if is_no_trade(name, data):
            # Liquidity that is added or taken looks like a trade as well.
            walk.orders = True
            return
        if name not in walk.venues:
            walk.venues += (name,)
        walk.hops += 1
        if program.users:
            _note_user(walk, program, instruction)


def _note_user(walk: Walk, program: Program, instruction: AnyInstruction) -> None:
    accounts = instruction.accounts
    for position in program.user_places(instruction.data):
        if -len(accounts) <= position < len(accounts):
            in_range(walk.view, accounts[position])
            walk.users.add(accounts[position])
