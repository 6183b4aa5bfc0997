"""Blocks over JSON-RPC as the updates that a Yellowstone source would have sent.

`getBlock` with base64 transactions: solana.com/docs/rpc/http/getblock. What RPC does not
tell (`created_at`, filters) is left out; nothing downstream depends on it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

import httpx
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from pw_geyser import geyser_pb2 as pb
from pw_geyser import solana_storage_pb2 as sol

TIMEOUT_S: Final = 30.0
VOTE_PROGRAM: Final = str(Pubkey.from_string("Vote111111111111111111111111111111111111111"))
# A slot without a block, and one whose block this node does not keep.
SKIPPED: Final = frozenset({-32007, -32009})


class RpcFailed(RuntimeError):
    """The node did not give what was asked for; says what it said."""


class Rpc:
    """One JSON-RPC node."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url
        self._client = client

    def produced(self, first_slot: int, last_slot: int) -> list[int]:
        """The slots in a span (both ends inclusive) that have a block. Raises RpcFailed."""
        found = self._call("getBlocks", [first_slot, last_slot, {"commitment": "confirmed"}])
        return [int(slot) for slot in found or ()]

    def block(self, slot: int) -> dict[str, Any] | None:
        """A block, or None where the slot has none. Raises RpcFailed."""
        options = {
            "encoding": "base64",
            "transactionDetails": "full",
            "rewards": False,
            "commitment": "confirmed",
            "maxSupportedTransactionVersion": 0,
        }
        found: dict[str, Any] | None = self._call("getBlock", [slot, options])
        return found

    def _call(self, method: str, params: list[Any]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            answer = self._client.post(self._url, json=body, timeout=TIMEOUT_S)
            reply = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise RpcFailed(f"{method}: {type(error).__name__}") from error
        if not isinstance(reply, dict):
            raise RpcFailed(f"{method}: HTTP {answer.status_code} without a JSON-RPC answer")
        if refused := reply.get("error"):
            if refused.get("code") in SKIPPED:
                return None
            raise RpcFailed(f"{method}: {refused.get('message')} ({refused.get('code')})")
        return reply.get("result")


def updates_of(slot: int, block: dict[str, Any]) -> Iterator[bytes]:
    """The block's transactions in their order, then its block_meta."""
    for index, entry in enumerate(block["transactions"]):
        yield _transaction(slot, index, entry).SerializeToString()
    update = pb.SubscribeUpdate()
    meta = update.block_meta
    meta.slot, meta.parent_slot = slot, int(block["parentSlot"])
    meta.blockhash = block["blockhash"]
    meta.parent_blockhash = block["previousBlockhash"]
    if block.get("blockTime") is not None:
        meta.block_time.timestamp = int(block["blockTime"])
    meta.executed_transaction_count = len(block["transactions"])
    yield update.SerializeToString()


def _transaction(slot: int, index: int, entry: dict[str, Any]) -> pb.SubscribeUpdate:
    parsed = VersionedTransaction.from_bytes(base64.b64decode(entry["transaction"][0]))
    update = pb.SubscribeUpdate()
    update.transaction.slot = slot
    info = update.transaction.transaction
    info.index = index
    info.signature = bytes(parsed.signatures[0])
    info.transaction.signatures.extend(bytes(one) for one in parsed.signatures)
    _message(info.transaction.message, parsed.message)
    keys = parsed.message.account_keys
    info.is_vote = any(
        str(keys[one.program_id_index]) == VOTE_PROGRAM
        for one in parsed.message.instructions
        if one.program_id_index < len(keys)
    )
    _meta(info.meta, entry["meta"])
    return update


def _message(out: sol.Message, message: Any) -> None:
    header = message.header
    out.header.num_required_signatures = header.num_required_signatures
    out.header.num_readonly_signed_accounts = header.num_readonly_signed_accounts
    out.header.num_readonly_unsigned_accounts = header.num_readonly_unsigned_accounts
    out.account_keys.extend(bytes(one) for one in message.account_keys)
    out.recent_blockhash = bytes(message.recent_blockhash)
    for instruction in message.instructions:
        out.instructions.add(
            program_id_index=instruction.program_id_index,
            accounts=bytes(instruction.accounts),
            data=bytes(instruction.data),
        )
    if isinstance(message, MessageV0):
        out.versioned = True
        for lookup in message.address_table_lookups:
            out.address_table_lookups.add(
                account_key=bytes(lookup.account_key),
                writable_indexes=bytes(lookup.writable_indexes),
                readonly_indexes=bytes(lookup.readonly_indexes),
            )


def _meta(out: sol.TransactionStatusMeta, meta: dict[str, Any]) -> None:
    if meta.get("err") is not None:
        # Which error is not read anywhere; that there is one is.
        out.err.err = b"\x01"
    out.fee = int(meta["fee"])
    out.pre_balances.extend(int(one) for one in meta["preBalances"])
    out.post_balances.extend(int(one) for one in meta["postBalances"])
    for group in meta.get("innerInstructions") or ():
        inner = out.inner_instructions.add(index=int(group["index"]))
        for one in group["instructions"]:
            added = inner.instructions.add(
                program_id_index=int(one["programIdIndex"]),
                accounts=bytes(one["accounts"]),
                data=_base58(one["data"]),
            )
            if one.get("stackHeight") is not None:
                added.stack_height = int(one["stackHeight"])
    out.inner_instructions_none = meta.get("innerInstructions") is None
    out.log_messages.extend(meta.get("logMessages") or ())
    out.log_messages_none = meta.get("logMessages") is None
    for name, found in (
        ("preTokenBalances", out.pre_token_balances),
        ("postTokenBalances", out.post_token_balances),
    ):
        for one in meta.get(name) or ():
            amount = one["uiTokenAmount"]
            balance = found.add(
                account_index=int(one["accountIndex"]),
                mint=one["mint"],
                owner=one.get("owner") or "",
                program_id=one.get("programId") or "",
            )
            balance.ui_token_amount.decimals = int(amount["decimals"])
            balance.ui_token_amount.amount = amount["amount"]
    loaded = meta.get("loadedAddresses") or {}
    for address in loaded.get("writable") or ():
        out.loaded_writable_addresses.append(bytes(Pubkey.from_string(address)))
    for address in loaded.get("readonly") or ():
        out.loaded_readonly_addresses.append(bytes(Pubkey.from_string(address)))
    if meta.get("computeUnitsConsumed") is not None:
        out.compute_units_consumed = int(meta["computeUnitsConsumed"])


_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + _ALPHABET.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
