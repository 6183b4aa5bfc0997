"""The system program's instructions: read as its own builder writes them, and the same by all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import (
    AllocateParams,
    AssignParams,
    CreateAccountParams,
    CreateAccountWithSeedParams,
    TransferParams,
    allocate,
    assign,
    create_account,
    create_account_with_seed,
    transfer,
)

from pw_parser.core.balances.funding import sol_transfers_of
from pw_parser.core.calls.walk import ledger_of
from pw_parser.core.decode.programs import BUILT_IN
from pw_parser.core.decode.system import (
    AccountAllocated,
    AccountCreated,
    SolTransfer,
    SystemInstruction,
    system_instruction_of,
)
from pw_parser.core.decode.transaction import info_of, message_of, view_of

PAYER, OTHER, OWNER = (Pubkey.from_bytes(bytes([n]) * 32) for n in (1, 2, 3))
U64 = st.integers(0, 2**64 - 1)
# The names in an instruction, in the order in which they get their indexes here.
KEYS = [PAYER, OTHER]


def read(instruction: Instruction, keys: Sequence[Pubkey] = KEYS) -> SystemInstruction | None:
    accounts = bytes(keys.index(meta.pubkey) for meta in instruction.accounts)
    return system_instruction_of(accounts, instruction.data)


@given(lamports=U64)
def test_a_transfer_is_read_as_it_was_built(lamports: int) -> None:
    built = transfer(TransferParams(from_pubkey=PAYER, to_pubkey=OTHER, lamports=lamports))
    assert read(built) == SolTransfer(0, 1, lamports)


@given(lamports=U64, space=U64)
def test_an_account_that_is_made_is_read_as_it_was_built(lamports: int, space: int) -> None:
    built = create_account(
        CreateAccountParams(
            from_pubkey=PAYER, to_pubkey=OTHER, lamports=lamports, space=space, owner=OWNER
        )
    )
    assert read(built) == AccountCreated(0, 1, lamports)


@given(lamports=U64, seed=st.text(max_size=32))
def test_an_account_that_is_made_with_a_seed_is_read_as_it_was_built(
    lamports: int, seed: str
) -> None:
    built = create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=PAYER,
            to_pubkey=OTHER,
            base=PAYER,
            seed=seed,
            lamports=lamports,
            space=165,
            owner=OWNER,
        )
    )
    assert read(built) == AccountCreated(0, 1, lamports)


def test_an_account_that_gets_room_is_read_and_a_change_of_owner_is_not() -> None:
    assert read(allocate(AllocateParams(pubkey=OTHER, space=165))) == AccountAllocated(1)
    assert read(assign(AssignParams(pubkey=OTHER, owner=OWNER))) is None


@given(accounts=st.binary(max_size=4), data=st.binary(max_size=60))
def test_any_bytes_are_an_instruction_or_none(accounts: bytes, data: bytes) -> None:
    found = system_instruction_of(accounts, data)
    assert found is None or set(found[:-1] or found) <= set(accounts)


@given(tag=st.sampled_from([0, 2, 3]), cut=st.integers(0, 11))
def test_an_instruction_that_is_cut_short_moves_nothing(tag: int, cut: int) -> None:
    data = tag.to_bytes(4, "little") + bytes(8)
    assert system_instruction_of(b"\x00\x01", data[:cut]) is None
    assert system_instruction_of(b"\x00", data) is None


@pytest.mark.corpus
def test_transfers_are_the_same_whether_or_not_the_instructions_were_walked(
    real_updates: list[bytes],
) -> None:
    seen = 0
    for update in real_updates:
        message = message_of(update)
        if message.WhichOneof("update_oneof") != "transaction":
            continue
        info = info_of(message.transaction)
        if info.is_vote or info.meta.HasField("err"):
            continue
        ledger = ledger_of(view_of(info, message.transaction.slot), BUILT_IN)
        assert ledger.sol_transfers() == sol_transfers_of(ledger.view)
        seen += len(ledger.sol_transfers())
    assert seen > 500
