"""What a node answers, as far as it is read: the JSON of getBlock, its texts and lists bounded."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from pw_common.documents.document import ready

# A call within a transaction has at most 10 KiB of data, and turning base58 into bytes takes the
# square of its length.
Base58 = Annotated[str, Meta(max_length=14_000)]
Text = Annotated[str, Meta(max_length=128)]
Number = Annotated[int, Meta(ge=0)]
# How many of an address's transactions a node lists at once.
NAMED_MAX = 1_000


class Instruction(msgspec.Struct, rename="camel"):
    """A call that a transaction made while it ran."""

    program_id_index: Number
    accounts: list[Number]
    data: Base58
    stack_height: Number | None = None


class InnerInstructions(msgspec.Struct):
    """The calls of one of a transaction's instructions."""

    index: Number
    instructions: list[Instruction]


class TokenAmount(msgspec.Struct, rename="camel"):
    """An amount in the token's smallest unit."""

    amount: Annotated[str, Meta(pattern="^[0-9]{1,20}$")]
    decimals: Number
    ui_amount: float | None = None
    ui_amount_string: Text = ""


class TokenBalance(msgspec.Struct, rename="camel"):
    """What a token account held."""

    account_index: Number
    mint: Text
    ui_token_amount: TokenAmount
    owner: Text | None = None
    program_id: Text | None = None


class LoadedAddresses(msgspec.Struct):
    """Addresses that a transaction took from lookup tables."""

    writable: list[Text] = []
    readonly: list[Text] = []


class ReturnData(msgspec.Struct, rename="camel"):
    """What the last program gave back: its id, and the bytes in base64."""

    program_id: Text
    data: tuple[str, str]


class StatusMeta(msgspec.Struct, rename="camel"):
    """What a transaction did."""

    fee: Number
    pre_balances: list[Number]
    post_balances: list[Number]
    err: msgspec.Raw = msgspec.Raw(b"null")
    inner_instructions: list[InnerInstructions] | None = None
    log_messages: list[str] | None = None
    pre_token_balances: list[TokenBalance] | None = None
    post_token_balances: list[TokenBalance] | None = None
    loaded_addresses: LoadedAddresses | None = None
    compute_units_consumed: Number | None = None
    cost_units: Number | None = None
    return_data: ReturnData | None = None

    @property
    def failed(self) -> bool:
        """Whether the transaction changed nothing but its fee."""
        return bytes(self.err) != b"null"


class Entry(msgspec.Struct):
    """A transaction in base64, and what it did."""

    transaction: tuple[str, str]
    meta: StatusMeta


class Parent(msgspec.Struct, rename="camel"):
    """A block's links in the chain."""

    parent_slot: Number
    blockhash: Text
    previous_blockhash: Text
    block_height: Number | None = None


class Block(Parent, rename="camel", kw_only=True):
    """A whole block."""

    transactions: list[Entry]
    block_time: int | None = None


class Signatures(msgspec.Struct):
    """The signatures of a block's transactions, in their order."""

    signatures: list[Text]


class Named(msgspec.Struct):
    """One of the transactions that name an address, as getSignaturesForAddress lists them."""

    signature: Text
    slot: Number
    # Nothing reads which error it was, only that there was one.
    err: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def failed(self) -> bool:
        """Whether it changed nothing but its fee."""
        return bytes(self.err) != b"null"


ready(Block, Signatures, Named)
