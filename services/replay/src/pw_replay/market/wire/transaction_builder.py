"""One transaction being written: instructions, moves of value, and its wire form.

Value only ever moves from one account to another, so a finished transaction
conserves lamports and tokens by construction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pw_replay.market.wire import wire
from pw_replay.market.wire.ledger import WSOL, Ledger, TokenAccount

SIGNATURE_FEE = 5_000


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a transaction lands: slot, index in the slot, server time, a recent blockhash."""

    seed: int
    slot: int
    index: int
    created_at_ns: int
    blockhash: bytes


@dataclass(slots=True)
class _Top:
    program: bytes
    accounts: Sequence[bytes]
    data: bytes
    inner: list[tuple[bytes, Sequence[bytes], bytes, int]]


class TransactionBuilder:
    """A transaction under construction; the first signer pays the fee."""

    def __init__(
        self, ledger: Ledger, signers: Sequence[bytes], table: bytes | None = None
    ) -> None:
        self.ledger = ledger
        self.signers = tuple(signers)
        self.table = table
        self.versioned = table is not None
        self.priority_fee = 0
        self.compute_units = 300
        self.is_vote = False
        self.failed_with: int | None = None
        self._code = 0
        self._writable: dict[bytes, None] = dict.fromkeys(signers)
        self._readonly: dict[bytes, None] = {}
        self._loaded_writable: dict[bytes, None] = {}
        self._loaded_readonly: dict[bytes, None] = {}
        self._top: list[_Top] = []
        self._logs: list[bytes] = []
        self._sol: dict[bytes, int] = {}
        self._raw: dict[TokenAccount, int] = {}
        self._opened: set[bytes] = set()
        self._closed: set[bytes] = set()

    def __len__(self) -> int:
        """How many top-level instructions there are so far."""
        return len(self._top)

    def writable(self, *accounts: bytes) -> None:
        """Name accounts of this message that may change."""
        self._writable.update(dict.fromkeys(accounts))

    def readonly(self, *accounts: bytes) -> None:
        """Name accounts of this message that are only read."""
        self._readonly.update(dict.fromkeys(accounts))

    def pool_accounts(self, writable: Sequence[bytes], readonly: Sequence[bytes]) -> None:
        """Name a pool's accounts: in the message, or through the lookup table if there is one."""
        if self.table is None:
            self.writable(*writable)
            self.readonly(*readonly)
            return
        self._loaded_writable.update(dict.fromkeys(writable))
        self._loaded_readonly.update(dict.fromkeys(readonly))

    def top(self, program: bytes, accounts: Sequence[bytes], data: bytes) -> None:
        """Add an instruction; later `inner` calls belong to it."""
        self._readonly[program] = None
        self._top.append(_Top(program, accounts, data, []))

    def inner(
        self, program: bytes, accounts: Sequence[bytes], data: bytes, height: int = 2
    ) -> None:
        """Add an instruction that the last one invoked."""
        self._top[-1].inner.append((program, accounts, data, height))

    def log(self, encoded: bytes) -> None:
        """Add encoded log lines."""
        self._logs.append(encoded)

    def move_sol(self, source: bytes, target: bytes, lamports: int) -> None:
        """Move lamports between accounts."""
        sol = self._sol
        sol[source] = sol.get(source, 0) - lamports
        sol[target] = sol.get(target, 0) + lamports

    def move_token(self, source: TokenAccount, target: TokenAccount, amount: int) -> None:
        """Move raw units between accounts of one mint; wrapped SOL takes its lamports along."""
        raw = self._raw
        raw[source] = raw.get(source, 0) - amount
        raw[target] = raw.get(target, 0) + amount
        if source.mint is WSOL:
            self.move_sol(source.key, target.key, amount)

    def unwrap(self, source: TokenAccount, target: bytes, amount: int) -> None:
        """Give wrapped SOL on as lamports, by way of an account that lives for one call."""
        raw = self._raw
        raw[source] = raw.get(source, 0) - amount
        self.move_sol(source.key, target, amount)

    def issue(self, target: TokenAccount, amount: int) -> None:
        """Mint raw units, or wrap lamports that already lie in a WSOL account."""
        self._raw[target] = self._raw.get(target, 0) + amount

    def opened(self, account: TokenAccount) -> bool:
        """Whether the account exists at this point of the transaction."""
        return account.key in self._opened or account.exists

    def open(self, account: TokenAccount) -> None:
        """Mark an account as created here."""
        self._opened.add(account.key)

    def close(self, account: TokenAccount, target: bytes) -> None:
        """Close an account; all its lamports (and wrapped SOL) go to `target`."""
        held = self.ledger.balance(account.key) + self._sol.get(account.key, 0)
        self.move_sol(account.key, target, held)
        self._raw[account] = -account.amount
        self._closed.add(account.key)

    def fail(self, instruction_index: int, code: int, logs: bytes) -> None:
        """Make the transaction fail in one of its instructions: nothing but the fee moves."""
        self.failed_with = instruction_index
        self._code = code
        for top in self._top:
            top.inner.clear()
        self._sol.clear()
        self._raw.clear()
        self._opened.clear()
        self._closed.clear()
        self._logs = [*self._logs[:1], logs]

    def finish(self, landing: Landing) -> bytes:
        """Apply the transaction to the ledger and give its update."""
        keys, readonly_count, loaded_writable, loaded_readonly = self._ordered()
        every = [*keys, *loaded_writable, *loaded_readonly]
        at = {key: index for index, key in enumerate(every)}
        signatures = [
            hashlib.sha512(b"%d/%d/%d/%d" % (landing.seed, landing.slot, landing.index, n)).digest()
            for n in range(len(self.signers))
        ]
        message = self._message(keys, readonly_count, at, landing.blockhash)
        meta = self._meta(every, at) + (
            wire.keys("loaded_writable", loaded_writable)
            + wire.keys("loaded_readonly", loaded_readonly)
        )
        return wire.transaction_update(
            landing.slot,
            landing.index,
            signatures,
            message,
            meta,
            is_vote=self.is_vote,
            created_at_ns=landing.created_at_ns,
        )

    def _ordered(self) -> tuple[list[bytes], int, list[bytes], list[bytes]]:
        writable = self._writable
        programs = {top.program for top in self._top}
        readonly = [key for key in self._readonly if key not in writable]
        named = {*writable, *readonly}
        loaded_writable = [key for key in self._loaded_writable if key not in named]
        loaded_readonly = [
            key
            for key in self._loaded_readonly
            if key not in named and key not in programs and key not in self._loaded_writable
        ]
        return [*writable, *readonly], len(readonly), loaded_writable, loaded_readonly

    def _message(
        self, keys: list[bytes], readonly_count: int, at: dict[bytes, int], blockhash: bytes
    ) -> bytes:
        index_of = at.__getitem__
        parts = [
            wire.header(len(self.signers), 0, readonly_count),
            wire.keys("account", keys),
            wire.field(b"\x1a", blockhash),
        ]
        for top in self._top:
            accounts = bytes(map(index_of, top.accounts))
            parts.append(wire.field(b"\x22", wire.instruction(at[top.program], accounts, top.data)))
        if self.versioned:
            parts.append(b"\x28\x01")
        if self.table is not None and len(at) > len(keys):
            writable = sum(1 for key in self._loaded_writable if at[key] >= len(keys))
            total = len(at) - len(keys)
            lookup = (
                wire.field(b"\x0a", self.table)
                + wire.field(b"\x12", bytes(range(writable)))
                + wire.field(b"\x1a", bytes(range(writable, total)))
            )
            parts.append(wire.field(b"\x32", lookup))
        return b"".join(parts)

    def _meta(self, every: list[bytes], at: dict[bytes, int]) -> bytes:
        fee = SIGNATURE_FEE * len(self.signers) + self.priority_fee
        lamports = self.ledger.lamports
        balance = self.ledger.balance
        pre = [balance(key) for key in every]
        payer = self.signers[0]
        self._sol[payer] = self._sol.get(payer, 0) - fee
        post = pre.copy()
        for key, change in self._sol.items():
            index = at[key]
            post[index] += change
            lamports[key] = post[index]
        parts = [wire.scalars(fee, pre, post, self.compute_units)]
        if self.failed_with is not None:
            # bincode of TransactionError::InstructionError(index, Custom(code)).
            err = (
                (8).to_bytes(4, "little")
                + bytes((self.failed_with,))
                + (25).to_bytes(4, "little")
                + self._code.to_bytes(4, "little")
            )
            parts.append(wire.field(b"\x0a", wire.field(b"\x0a", err)))
        for index, top in enumerate(self._top):
            if top.inner:
                parts.append(self._inner(index, top, at))
        parts.extend(self._logs)
        parts.extend(self._token_balances(every))
        parts.append(b"\x78\x01")
        return b"".join(parts)

    def _inner(self, index: int, top: _Top, at: dict[bytes, int]) -> bytes:
        index_of = at.__getitem__
        body = [b"\x08" + wire.varint(index) if index else b""]
        for program, accounts, data, height in top.inner:
            one = wire.instruction(at[program], bytes(map(index_of, accounts)), data, height)
            body.append(wire.field(b"\x12", one))
        return wire.field(b"\x2a", b"".join(body))

    def _token_balances(self, every: list[bytes]) -> list[bytes]:
        tokens = self.ledger.tokens
        before: list[bytes] = []
        after: list[bytes] = []
        for index, key in enumerate(every):
            account = tokens.get(key)
            if account is None:
                continue
            mint = account.mint
            existed = account.exists
            body = b""
            if existed:
                body = wire.token_balance(
                    index, mint.head, account.tail, mint.decimals, account.amount
                )
                before.append(wire.field(b"\x3a", body))
            account.exists = (existed or key in self._opened) and key not in self._closed
            change = self._raw.get(account, 0)
            account.amount += change
            if not account.exists:
                continue
            if change or not existed:
                body = wire.token_balance(
                    index, mint.head, account.tail, mint.decimals, account.amount
                )
            after.append(wire.field(b"\x42", body))
        before.extend(after)
        return before
