"""A JSON-RPC node for tests: it answers getBlocks and getBlock from real updates."""

from __future__ import annotations

import base64
import json
from typing import Any

from solders.pubkey import Pubkey

from pw_geyser import geyser_pb2 as pb
from pw_geyser import solana_storage_pb2 as sol
from support.receiver import Received, Receiver

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def compact(number: int) -> bytes:
    """Solana's compact-u16."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def vector(items: list[bytes]) -> bytes:
    return compact(len(items)) + b"".join(items)


def wire(transaction: sol.Transaction) -> bytes:
    """The transaction as validators send it."""
    message = transaction.message
    header = message.header
    out = vector([bytes(one) for one in transaction.signatures])
    if message.versioned:
        out += b"\x80"
    out += bytes(
        [
            header.num_required_signatures,
            header.num_readonly_signed_accounts,
            header.num_readonly_unsigned_accounts,
        ]
    )
    out += vector([bytes(one) for one in message.account_keys]) + message.recent_blockhash
    out += vector(
        [
            bytes([one.program_id_index])
            + compact(len(one.accounts))
            + one.accounts
            + compact(len(one.data))
            + one.data
            for one in message.instructions
        ]
    )
    if message.versioned:
        out += vector(
            [
                one.account_key
                + compact(len(one.writable_indexes))
                + one.writable_indexes
                + compact(len(one.readonly_indexes))
                + one.readonly_indexes
                for one in message.address_table_lookups
            ]
        )
    return out


def base58(data: bytes) -> str:
    number, out = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = ALPHABET[rest] + out
    return "1" * (len(data) - len(data.lstrip(b"\x00"))) + out


def balances(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "accountIndex": one.account_index,
            "mint": one.mint,
            "owner": one.owner,
            "programId": one.program_id,
            "uiTokenAmount": {
                "amount": one.ui_token_amount.amount,
                "decimals": one.ui_token_amount.decimals,
                "uiAmount": one.ui_token_amount.ui_amount or None,
                "uiAmountString": one.ui_token_amount.ui_amount_string,
            },
        }
        for one in found
    ]


def returned(meta: sol.TransactionStatusMeta) -> dict[str, Any] | None:
    if not meta.HasField("return_data"):
        return None
    data = base64.b64encode(meta.return_data.data).decode()
    return {"programId": str(Pubkey(meta.return_data.program_id)), "data": [data, "base64"]}


def entry(info: pb.SubscribeUpdateTransactionInfo) -> dict[str, Any]:
    meta = info.meta
    inner = [
        {
            "index": group.index,
            "instructions": [
                {
                    "programIdIndex": one.program_id_index,
                    "accounts": list(one.accounts),
                    "data": base58(one.data),
                    "stackHeight": one.stack_height if one.HasField("stack_height") else None,
                }
                for one in group.instructions
            ],
        }
        for group in meta.inner_instructions
    ]
    return {
        "transaction": [base64.b64encode(wire(info.transaction)).decode(), "base64"],
        "version": 0 if info.transaction.message.versioned else "legacy",
        "meta": {
            "err": {"InstructionError": [0, "Custom"]} if meta.HasField("err") else None,
            "fee": meta.fee,
            "preBalances": list(meta.pre_balances),
            "postBalances": list(meta.post_balances),
            "innerInstructions": None if meta.inner_instructions_none else inner,
            "logMessages": None if meta.log_messages_none else list(meta.log_messages),
            "preTokenBalances": balances(meta.pre_token_balances),
            "postTokenBalances": balances(meta.post_token_balances),
            "loadedAddresses": {
                "writable": [str(Pubkey(one)) for one in meta.loaded_writable_addresses],
                "readonly": [str(Pubkey(one)) for one in meta.loaded_readonly_addresses],
            },
            "computeUnitsConsumed": (
                meta.compute_units_consumed if meta.HasField("compute_units_consumed") else None
            ),
            "costUnits": meta.cost_units if meta.HasField("cost_units") else None,
            "returnData": returned(meta),
        },
    }


def blocks_of(updates: list[bytes]) -> dict[int, dict[str, Any]]:
    """getBlock's results by slot."""
    transactions: dict[int, list[pb.SubscribeUpdateTransactionInfo]] = {}
    metas: dict[int, pb.SubscribeUpdateBlockMeta] = {}
    for one in updates:
        update = pb.SubscribeUpdate.FromString(one)
        if update.HasField("transaction"):
            slot = update.transaction.slot
            transactions.setdefault(slot, []).append(update.transaction.transaction)
        elif update.HasField("block_meta"):
            metas[update.block_meta.slot] = update.block_meta
    found = {}
    for slot in sorted(transactions.keys() | metas.keys()):
        infos = transactions.get(slot, [])
        meta = metas.get(slot, pb.SubscribeUpdateBlockMeta(parent_slot=slot - 1))
        has_time = meta.HasField("block_time")
        has_height = meta.HasField("block_height")
        found[slot] = {
            "parentSlot": meta.parent_slot,
            "blockhash": meta.blockhash or base58(bytes(31) + b"\x01"),
            "previousBlockhash": meta.parent_blockhash or base58(bytes(31) + b"\x02"),
            "blockTime": meta.block_time.timestamp if has_time else None,
            "blockHeight": meta.block_height.block_height if has_height else None,
            "transactions": [entry(one) for one in sorted(infos, key=lambda one: one.index)],
        }
    return found


def serve(receiver: Receiver, blocks: dict[int, dict[str, Any]]) -> None:
    """Have a receiver answer as a node that keeps these blocks."""

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        call = request.json()
        result: Any
        if call["method"] == "getBlocks":
            first, last = call["params"][:2]
            result = sorted(slot for slot in blocks if first <= slot <= last)
        else:
            result = blocks[call["params"][0]]
        body = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result})
        return 200, {"Content-Type": "application/json"}, body.encode()

    receiver.answer = answer  # type: ignore[method-assign]
