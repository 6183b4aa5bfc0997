"""The common instructions around a swap: budgets, payments, token accounts, transfers."""

from __future__ import annotations

import struct

from pw_replay.market.wire import programs as p
from pw_replay.market.wire import wire
from pw_replay.market.wire.ledger import TokenAccount
from pw_replay.market.wire.transaction_builder import TransactionBuilder

_U64 = struct.Struct("<Q").pack
_U64X2 = struct.Struct("<QQ").pack

BUDGET_LOGS = wire.logs(
    f"Program {p.BUDGET_ADDRESS} invoke [1]\nProgram {p.BUDGET_ADDRESS} success\n" * 2
)
SYSTEM_INNER_LOGS = wire.logs(
    f"Program {p.SYSTEM_ADDRESS} invoke [2]\nProgram {p.SYSTEM_ADDRESS} success"
)
SYSTEM_LOGS = wire.logs(
    f"Program {p.SYSTEM_ADDRESS} invoke [1]\nProgram {p.SYSTEM_ADDRESS} success"
)


def _token_logs(instruction: str, height: int, units: int, name: str = p.TOKEN_ADDRESS) -> bytes:
    return wire.logs(
        f"Program {name} invoke [{height}]\nProgram log: Instruction: {instruction}\n"
        f"Program {name} consumed {units} of 196210 compute units\nProgram {name} success"
    )


_TRANSFER_LOGS = {h: _token_logs("Transfer", h, 4645) for h in (2, 3)}
_CHECKED_LOGS = {
    (program, h): _token_logs("TransferChecked", h, 6238, name)
    for program, name in ((p.TOKEN, p.TOKEN_ADDRESS), (p.TOKEN_2022, p.TOKEN_2022_ADDRESS))
    for h in (2, 3)
}


def _open_logs(name: str) -> bytes:
    return (
        wire.logs(f"Program {p.ATA_ADDRESS} invoke [1]\nProgram log: CreateIdempotent")
        + _token_logs("GetAccountDataSize", 2, 1569, name)
        + SYSTEM_INNER_LOGS
        + wire.log("Program log: Initialize the associated token account")
        + _token_logs("InitializeImmutableOwner", 2, 1405, name)
        + _token_logs("InitializeAccount3", 2, 4188, name)
        + wire.logs(
            f"Program {p.ATA_ADDRESS} consumed 22083 of 190384 compute units\n"
            f"Program {p.ATA_ADDRESS} success"
        )
    )


_OPEN_LOGS = {
    p.TOKEN: _open_logs(p.TOKEN_ADDRESS),
    p.TOKEN_2022: _open_logs(p.TOKEN_2022_ADDRESS),
}
_ACCOUNT_BYTES = {p.TOKEN: 165, p.TOKEN_2022: 170}


def budget(builder: TransactionBuilder, units: int, price: int) -> None:
    """The two compute budget instructions: limit, and price in micro-lamports per unit."""
    builder.top(p.BUDGET, (), b"\x02" + units.to_bytes(4, "little"))
    builder.top(p.BUDGET, (), b"\x03" + _U64(price))
    builder.log(BUDGET_LOGS)
    builder.priority_fee = -(-units * price // 1_000_000)


def pay(builder: TransactionBuilder, source: bytes, target: bytes, lamports: int) -> None:
    """A top-level system transfer: a payment, a tip, the SOL to wrap."""
    builder.writable(source, target)
    builder.top(p.SYSTEM, (source, target), b"\x02\x00\x00\x00" + _U64(lamports))
    builder.log(SYSTEM_LOGS)
    builder.move_sol(source, target, lamports)


def open_account(builder: TransactionBuilder, account: TokenAccount, payer: bytes) -> None:
    """Create an associated token account; the payer gives its rent."""
    if builder.opened(account):
        return
    mint, program, rent = account.mint.key, account.mint.program, account.mint.rent
    builder.writable(account.key)
    builder.readonly(mint, p.SYSTEM, program, account.owner)
    builder.top(p.ATA, (payer, account.key, account.owner, mint, p.SYSTEM, program), b"\x01")
    builder.inner(program, (mint,), b"\x15\x07\x00")
    create = b"\x00\x00\x00\x00" + _U64X2(rent, _ACCOUNT_BYTES[program]) + program
    builder.inner(p.SYSTEM, (payer, account.key), create)
    builder.inner(program, (account.key,), b"\x16")
    builder.inner(program, (account.key, mint), b"\x12" + account.owner)
    builder.log(_OPEN_LOGS[program])
    builder.move_sol(payer, account.key, rent)
    builder.open(account)


def wrap(builder: TransactionBuilder, account: TokenAccount, owner: bytes, lamports: int) -> None:
    """Turn lamports into wrapped SOL."""
    pay(builder, owner, account.key, lamports)
    builder.top(p.TOKEN, (account.key,), b"\x11")
    builder.log(_token_logs("SyncNative", 1, 3045))
    builder.issue(account, lamports)


def close_account(builder: TransactionBuilder, account: TokenAccount, owner: bytes) -> None:
    """Close an account: rent (and wrapped SOL) return to the owner."""
    builder.writable(account.key)
    builder.top(p.TOKEN, (account.key, owner, owner), b"\x09")
    builder.log(_token_logs("CloseAccount", 1, 2915))
    builder.close(account, owner)


def transfer(
    builder: TransactionBuilder,
    source: TokenAccount,
    target: TokenAccount,
    by: bytes,
    amount: int,
    height: int,
) -> None:
    """An inner Transfer."""
    builder.inner(p.TOKEN, (source.key, target.key, by), b"\x03" + _U64(amount), height)
    builder.log(_TRANSFER_LOGS[height])
    builder.move_token(source, target, amount)


def transfer_checked(
    builder: TransactionBuilder,
    source: TokenAccount,
    target: TokenAccount,
    by: bytes,
    amount: int,
    height: int,
) -> None:
    """An inner TransferChecked."""
    mint = source.mint
    data = b"\x0c" + _U64(amount) + bytes((mint.decimals,))
    builder.inner(mint.program, (source.key, mint.key, target.key, by), data, height)
    builder.log(_CHECKED_LOGS[mint.program, height])
    builder.move_token(source, target, amount)
