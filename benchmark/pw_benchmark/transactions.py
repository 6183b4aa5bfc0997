"""The transactions of captures, and each as `getTransaction` gives it in its `json` encoding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError
from solders.pubkey import Pubkey

from pw_common.text.base58 import ALPHABET
from pw_common.wire.captures import read_capture
from pw_geyser import geyser_pb2 as pb

# Mainnet began in March 2020; what was before it is a capture without a clock.
FIRST_S: Final = 1_584_000_000


class Transaction(NamedTuple):
    """One transaction of a capture; the time is None where the capture has none."""

    signature: str
    slot: int
    block_time_s: int | None
    update: bytes

    @property
    def year(self) -> int | None:
        """The year in which it was, where that is known."""
        if self.block_time_s is None:
            return None
        return datetime.fromtimestamp(self.block_time_s, UTC).year


def read_transactions(captures: Iterable[Path]) -> Iterator[Transaction]:
    """The transactions of captures, each signature once.

    Raises:
        BadCapture: a file that cannot be read.
    """
    seen: set[str] = set()
    for path in captures:
        for update in read_capture(path):
            try:
                read = pb.SubscribeUpdate.FromString(update)
            except DecodeError:
                continue
            if not read.HasField("transaction"):
                continue
            signature = base58(read.transaction.transaction.signature)
            if signature in seen:
                continue
            seen.add(signature)
            at_s = read.created_at.seconds
            time_s = at_s if at_s > FIRST_S else None
            yield Transaction(signature, read.transaction.slot, time_s, update)


def as_rpc(transaction: Transaction) -> dict[str, Any]:
    """A transaction as a JSON-RPC node gives it with `encoding: json`."""
    info = pb.SubscribeUpdate.FromString(transaction.update).transaction.transaction
    message = info.transaction.message
    shown: dict[str, Any] = {
        "accountKeys": [_key(one) for one in message.account_keys],
        "header": {
            "numRequiredSignatures": message.header.num_required_signatures,
            "numReadonlySignedAccounts": message.header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": message.header.num_readonly_unsigned_accounts,
        },
        "recentBlockhash": base58(message.recent_blockhash),
        "instructions": [_instruction(one) for one in message.instructions],
    }
    if message.versioned:
        shown["addressTableLookups"] = [
            {
                "accountKey": _key(one.account_key),
                "writableIndexes": list(one.writable_indexes),
                "readonlyIndexes": list(one.readonly_indexes),
            }
            for one in message.address_table_lookups
        ]
    return {
        "slot": transaction.slot,
        "blockTime": transaction.block_time_s,
        "version": 0 if message.versioned else "legacy",
        "transaction": {
            "signatures": [base58(one) for one in info.transaction.signatures],
            "message": shown,
        },
        "meta": _meta(info.meta),
    }


def _meta(meta: Any) -> dict[str, Any]:
    inner = [
        {"index": one.index, "instructions": [_instruction(each) for each in one.instructions]}
        for one in meta.inner_instructions
    ]
    failed = meta.HasField("err")
    return {
        # Which error it was is no part of the benchmark.
        "err": {"InstructionError": [0, "GenericError"]} if failed else None,
        "status": {"Err": "GenericError"} if failed else {"Ok": None},
        "fee": meta.fee,
        "preBalances": list(meta.pre_balances),
        "postBalances": list(meta.post_balances),
        "innerInstructions": None if meta.inner_instructions_none else inner,
        "logMessages": None if meta.log_messages_none else list(meta.log_messages),
        "preTokenBalances": [_balance(one) for one in meta.pre_token_balances],
        "postTokenBalances": [_balance(one) for one in meta.post_token_balances],
        "rewards": [],
        "loadedAddresses": {
            "writable": [_key(one) for one in meta.loaded_writable_addresses],
            "readonly": [_key(one) for one in meta.loaded_readonly_addresses],
        },
        "computeUnitsConsumed": meta.compute_units_consumed,
    }


def _instruction(one: Any) -> dict[str, Any]:
    shown = {
        "programIdIndex": one.program_id_index,
        "accounts": list(one.accounts),
        "data": base58(one.data),
        "stackHeight": None,
    }
    if hasattr(one, "stack_height") and one.HasField("stack_height"):
        shown["stackHeight"] = one.stack_height
    return shown


def _balance(one: Any) -> dict[str, Any]:
    raw, decimals = one.ui_token_amount.amount or "0", one.ui_token_amount.decimals
    digits = raw.rjust(decimals + 1, "0")
    whole, part = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    text = f"{whole}.{part}" if part else whole
    shown = {
        "accountIndex": one.account_index,
        "mint": one.mint,
        "uiTokenAmount": {
            "amount": raw,
            "decimals": decimals,
            "uiAmount": float(text),
            "uiAmountString": text,
        },
    }
    # Metadata of the first years names no owner, and a node then leaves the field out.
    stated = {"owner": one.owner, "programId": one.program_id}
    return shown | {name: value for name, value in stated.items() if value}


def _key(raw: bytes) -> str:
    return str(Pubkey.from_bytes(raw))


def base58(raw: bytes) -> str:
    """Bytes of any length in base58."""
    number, digits = int.from_bytes(raw, "big"), []
    while number:
        number, rest = divmod(number, 58)
        digits.append(ALPHABET[rest])
    zeros = len(raw) - len(raw.lstrip(b"\x00"))
    return ALPHABET[0] * zeros + "".join(reversed(digits))
