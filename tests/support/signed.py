"""Generated transactions whose signatures hold: their signers have keys that are known here."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from pw_geyser import geyser_pb2 as pb
from support.rpc_node import wire


def signed(updates: list[bytes]) -> list[bytes]:
    """The same updates; everywhere each signer's address is one whose key is known here."""
    return [_signed(one) for one in updates]


@cache
def _key_of(address: bytes) -> Keypair:
    return Keypair.from_seed(sha256(address).digest())


def _signed(update: bytes) -> bytes:
    read = pb.SubscribeUpdate.FromString(update)
    if not read.HasField("transaction"):
        return update
    info = read.transaction.transaction
    message = info.transaction.message
    count = message.header.num_required_signatures
    keys = [_key_of(bytes(one)) for one in message.account_keys[:count]]
    for at, key in enumerate(keys):
        before = str(Pubkey(bytes(message.account_keys[at])))
        message.account_keys[at] = bytes(key.pubkey())
        for balance in [*info.meta.pre_token_balances, *info.meta.post_token_balances]:
            if balance.owner == before:
                balance.owner = str(key.pubkey())
    info.transaction.ClearField("signatures")
    body = wire(info.transaction)[1:]
    info.transaction.signatures.extend(bytes(key.sign_message(body)) for key in keys)
    info.signature = info.transaction.signatures[0]
    return read.SerializeToString()
